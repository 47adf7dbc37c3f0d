"""Steps of an article: written when it is sent, ended by its owner or by the device."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, RowMapping, select, update

from phonehome_cloud.core.acting import steps as core
from phonehome_cloud.core.acting.steps import DONE, ENDED, OPEN, UNPROVEN, WAITING
from phonehome_cloud.core.caring import ActionKey
from phonehome_cloud.errors import ConflictError, NotFoundError
from phonehome_cloud.store.acting_tables import step
from phonehome_cloud.store.bulk import insert_new
from phonehome_cloud.store.columns import to_json
from phonehome_cloud.store.gathering import put

# While a step is open the device is asked so often; a reading costs it one message.
ASK_EVERY_MS = 20_000
# And so often what it told by itself is looked at.
LOOK_EVERY_MS = 5_000

Key = ActionKey
_COLUMNS: Final = (
    *("device", "ticket", "action", "step"),
    *("state", "opened_at", "until_at", "due_at", "proof"),
)
_SHUT: Final = (WAITING, None, None, None)


def add(
    connection: Connection, key: Key, proofs: Sequence[dict[str, Any] | None], now_at: int
) -> None:
    """Write the steps of an article, and open the first; again changes nothing."""
    opened = (OPEN, now_at, *_times(proofs[0], now_at)) if proofs else ()
    rows = [
        (*key, n, *(opened if n == 0 else _SHUT), None if proof is None else to_json(proof))
        for n, proof in enumerate(proofs)
    ]
    put(connection, insert_new, step, _COLUMNS, rows)


def list_steps(connection: Connection, key: Key) -> list[RowMapping]:
    """The steps of an action in their order."""
    query = select(step).where(*_of(key)).order_by(step.c.step)
    return list(connection.execute(query).mappings())


def has_begun(connection: Connection, key: Key) -> bool:
    """Whether its owner or the device has said of any step that it was done."""
    return any(row["state"] == DONE for row in list_steps(connection, key))


def finish(
    connection: Connection,
    key: Key,
    n: int,
    by: str,
    now_at: int,
    evidence: dict[str, Any] | None = None,
) -> None:
    """A step is done, by its owner's word or the device's; the next one opens.

    NotFoundError when there is none; a step that was done before stays as it is.
    """
    row = connection.execute(
        select(step).where(*_of(key), step.c.step == n).with_for_update()
    ).first()
    if row is None:
        raise NotFoundError(f"there is no step {n + 1}")
    if row.state == DONE:
        return
    if row.state == WAITING and by == core.BY_OWNER:
        raise ConflictError("one step after the other: the one before is not done")
    _end(connection, row, DONE, now_at, by=by, evidence=evidence)
    _open_next(connection, key, now_at)


def give_up(connection: Connection, row: Row[Any], now_at: int) -> None:
    """The device had its time and did not show it: its owner goes on without."""
    _end(connection, row, UNPROVEN, now_at)
    _open_next(connection, Key(row.device, row.ticket, row.action), now_at)


def end_all(connection: Connection, key: Key, now_at: int, evidence: Any = None) -> None:
    """The action has ended. With evidence the device has proven what was left to prove."""
    for row in connection.execute(select(step).where(*_of(key))).all():
        if row.state in ENDED:
            continue
        if evidence is not None and row.proof is not None:
            _end(connection, row, DONE, now_at, by=core.BY_DEVICE, evidence=evidence)
        else:
            _change(connection, row, due_at=None, ended_at=now_at)


def asked(connection: Connection, row: Row[Any], command: int | None, due_at: int) -> None:
    """The device was asked to read again, or will be."""
    _change(connection, row, command=command, due_at=due_at)


def _open_next(connection: Connection, key: Key, now_at: int) -> None:
    rows = connection.execute(select(step).where(*_of(key)).order_by(step.c.step)).all()
    n = core.find_open([row.state for row in rows])
    if n is None or rows[n].state == OPEN:
        return
    until_at, due_at = _times(rows[n].proof, now_at)
    _change(connection, rows[n], state=OPEN, opened_at=now_at, until_at=until_at, due_at=due_at)


def _times(given: Mapping[str, Any] | None, now_at: int) -> tuple[int | None, int | None]:
    """Until when a step that opens now can be proven, and when to look whether it was."""
    proof = core.read_proof(given)
    return (None, None) if proof is None else (now_at + proof.within_s * 1000, now_at)


def _end(connection: Connection, row: Row[Any], state: str, now_at: int, **more: Any) -> None:
    _change(connection, row, state=state, due_at=None, ended_at=now_at, **more)


def _change(connection: Connection, row: Row[Any], **values: Any) -> None:
    key = Key(row.device, row.ticket, row.action)
    connection.execute(update(step).where(*_of(key), step.c.step == row.step).values(values))


def _of(key: Key) -> tuple[Any, ...]:
    return step.c.device == key[0], step.c.ticket == key[1], step.c.action == key[2]
