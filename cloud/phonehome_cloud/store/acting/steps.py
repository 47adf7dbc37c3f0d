"""Steps of an article: written when it is sent, ended by its owner or by the device."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, RowMapping, select, update

from phonehome_cloud.core.acting import steps as core
from phonehome_cloud.core.acting.steps import DONE, ENDED, OPEN, UNPROVEN, WAITING
from phonehome_cloud.core.caring import ActionKey
from phonehome_cloud.errors import ConflictError, NotFoundError
from phonehome_cloud.store.acting_tables import step
from phonehome_cloud.store.dialects import insert

# While a step is open the device is asked so often; a reading costs it one message.
ASK_EVERY_MS = 20_000
# And so often what it told by itself is looked at.
LOOK_EVERY_MS = 5_000

Key = ActionKey


def add(
    connection: Connection, key: Key, proofs: Sequence[dict[str, Any] | None], now_at: int
) -> None:
    """Write the steps of an article, and open the first; again changes nothing."""
    rows = [
        {**_named(key), "step": n, "state": WAITING, "proof": proof}
        for n, proof in enumerate(proofs)
    ]
    connection.execute(insert(connection, step).values(rows).on_conflict_do_nothing())
    _open_next(connection, key, now_at)


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
    proof = core.read_proof(rows[n].proof)
    until_at = None if proof is None else now_at + proof.within_s * 1000
    due_at = None if proof is None else now_at
    _change(connection, rows[n], state=OPEN, opened_at=now_at, until_at=until_at, due_at=due_at)


def _end(connection: Connection, row: Row[Any], state: str, now_at: int, **more: Any) -> None:
    _change(connection, row, state=state, due_at=None, ended_at=now_at, **more)


def _change(connection: Connection, row: Row[Any], **values: Any) -> None:
    key = Key(row.device, row.ticket, row.action)
    connection.execute(update(step).where(*_of(key), step.c.step == row.step).values(values))


def _named(key: Key) -> dict[str, Any]:
    return dict(zip(("device", "ticket", "action"), key, strict=True))


def _of(key: Key) -> tuple[Any, ...]:
    return step.c.device == key[0], step.c.ticket == key[1], step.c.action == key[2]
