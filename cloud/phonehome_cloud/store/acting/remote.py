"""Remote fixes on their way: the question whether the appliance is idle, the command, the watch.

What happens is in core.acting.remote. One row is one fix; its `command` is the newest command that
was given for it, so a receiver that was killed in between goes on where it was.
"""

from typing import Any, Final

from sqlalchemy import Connection, Row, select, update

from phonehome_cloud.core import orders
from phonehome_cloud.core.acting import remote as core
from phonehome_cloud.core.acting.remote import ASKED, ASKING, SENT, WATCHED, Question
from phonehome_cloud.core.caring import FAILED, HELPED, ActionRow, Case, StartError
from phonehome_cloud.core.orders import OrderError
from phonehome_cloud.errors import CloudError
from phonehome_cloud.store import answers, commands
from phonehome_cloud.store.acting_tables import remote_fix
from phonehome_cloud.store.schema import command

from . import heard

_LOOK_AGAIN_MS: Final = 60_000


def start(connection: Connection, row: ActionRow, case: Case, now_at: int) -> None:
    """Write the fix; StartError when the product file does not allow it."""
    allowed = case.product.find_command(case.action.command) if case.action else None
    if allowed is None:
        raise StartError("the command is not on the product's allow-list")
    try:
        code = orders.read_code(allowed.code)
        args = orders.encode_args(orders.read_args(code, case.action.args))
    except OrderError as error:
        raise StartError(f"the product file's command cannot be given: {error}") from None
    values = {
        "device": row.device,
        "ticket": row.ticket,
        "action": row.n,
        "state": ASKING,
        "code": code,
        "args": args,
        "idle": question_of(case.product) if allowed.idle else None,
        "asked_at": now_at,
        "until_at": now_at + core.PATIENCE_MS,
        "due_at": now_at,
    }
    connection.execute(remote_fix.insert().values(values))
    row.due_at = now_at + core.PATIENCE_MS + core.WATCH_MS + _LOOK_AGAIN_MS


def question_of(product: Any) -> dict[str, Any]:
    """How the appliance is asked whether it is idle, as it is stored; StartError."""
    idle = product.service.idle if product.service else None
    allowed = product.find_command(idle.command) if idle else None
    if idle is None or allowed is None:
        raise StartError("the product file does not say how the appliance tells that it is idle")
    low = 1.0 if idle.min is None and idle.max is None else idle.min
    return {
        "code": orders.read_code(allowed.code),
        "key": idle.field,
        "min": None if low is None else float(low),
        "max": None if idle.max is None else float(idle.max),
    }


def end(connection: Connection, row: ActionRow, now_at: int) -> None:
    """The action has ended: what the device is like now stands beside what it was like before."""
    found = find(connection, row.device, row.ticket, row.n)
    if found is None or found.ended_at is not None:
        return
    after = heard.snapshot(connection, row.device, row.ticket)
    state = found.state if found.state in core.ENDED_STATES else row.state
    _change(connection, found, state=state, after=after, due_at=None, ended_at=now_at)
    if found.command is not None:
        commands.supersede(connection, row.device, found.command, now_at)


def find(connection: Connection, dev: str, number: int, n: int) -> Row[Any] | None:
    """The fix of an action; None when it has none."""
    key = remote_fix.c.device == dev, remote_fix.c.ticket == number, remote_fix.c.action == n
    return connection.execute(select(remote_fix).where(*key)).first()


def look(
    connection: Connection, row: Row[Any], now_at: int
) -> tuple[str, dict[str, Any], str] | None:
    """Go on with one fix; (outcome, evidence, text) when it has ended, else None."""
    return _STEPS[row.state](connection, row, now_at)


def _ask(connection: Connection, row: Row[Any], now_at: int) -> tuple[str, Any, str] | None:
    if now_at >= row.until_at:
        _change(connection, row, state="too_late")
        return FAILED, {}, "the appliance was never idle while there was time"
    if row.idle is None:
        return _send(connection, row, now_at)
    number = _give(connection, row, row.idle["code"], None, now_at)
    if number is None:
        _change(connection, row, due_at=core.ask_again_at(row.asked_at, now_at))
    else:
        due_at = now_at + core.COMMAND_WITHIN_MS
        _change(connection, row, state=ASKED, command=number, due_at=due_at)
    return None


def _hear(connection: Connection, row: Row[Any], now_at: int) -> tuple[str, Any, str] | None:
    """What the appliance answered, if it did: idle, and the command follows on its heels."""
    answer = _expect_command(connection, row)
    if answer.ended_at is None:
        _change(connection, row, due_at=now_at + core.COMMAND_WITHIN_MS)
        return None
    if answer.state in {"unknown", "refused"}:
        _change(connection, row, state=answer.state if answer.state == "refused" else FAILED)
        return FAILED, _evidence(answer), core.why_not(answer.state, answer.status)
    idle = Question(row.idle["code"], row.idle["key"], row.idle["min"], row.idle["max"])
    is_fresh = now_at - answer.ended_at <= core.IDLE_GOOD_MS
    if answer.state == orders.DONE and is_fresh and core.says_idle(idle, answer.value):
        return _send(connection, row, now_at)
    _change(connection, row, state=ASKING, due_at=core.ask_again_at(row.asked_at, now_at))
    return None


def _send(connection: Connection, row: Row[Any], now_at: int) -> tuple[str, Any, str] | None:
    number = _give(connection, row, row.code, row.args, now_at)
    if number is None:
        _change(connection, row, state=ASKING, due_at=core.ask_again_at(row.asked_at, now_at))
        return None
    before = heard.snapshot(connection, row.device, row.ticket)
    due_at = now_at + core.COMMAND_WITHIN_MS
    _change(connection, row, state=SENT, command=number, before=before, due_at=due_at)
    return None


def _follow(connection: Connection, row: Row[Any], now_at: int) -> tuple[str, Any, str] | None:
    """What became of the command: done is watched, too late tried again, the rest has failed."""
    given = _expect_command(connection, row)
    if given.ended_at is None:
        _change(connection, row, due_at=now_at + core.COMMAND_WITHIN_MS)
        return None
    if given.state == orders.DONE:
        until_at = given.ended_at + core.WATCH_MS
        _change(connection, row, state=WATCHED, until_at=until_at, due_at=now_at)
        return None
    if given.state == orders.EXPIRED and now_at < row.until_at:
        _change(connection, row, state=ASKING, due_at=core.ask_again_at(row.asked_at, now_at))
        return None
    state = given.state if given.state in core.ENDED_STATES else FAILED
    _change(connection, row, state=state)
    return FAILED, _evidence(given), core.why_not(given.state, given.status)


def _watch(connection: Connection, row: Row[Any], now_at: int) -> tuple[str, Any, str] | None:
    """The fault's own word since the command went out: it may heal before the result is here."""
    given = _expect_command(connection, row)
    since_at = given.sent_at or given.asked_at
    healed = heard.find_healed(connection, row.device, row.ticket, since_at)
    again = heard.find_confirmed(connection, row.device, row.ticket, since_at)
    if again is not None and (healed is None or again["measured_at"] >= healed["measured_at"]):
        return FAILED, again, "the fault is there again"
    if healed is not None:
        return HELPED, healed, "the device reports the fault as healed"
    if now_at >= row.until_at:
        return FAILED, {}, "the device did not report the fault as healed"
    _change(connection, row, due_at=min(now_at + _LOOK_AGAIN_MS, row.until_at))
    return None


def _give(
    connection: Connection, row: Row[Any], code: int, args: bytes | None, now_at: int
) -> int | None:
    """Queue a command for now; None when the device's queue is full, or it is revoked."""
    until_at = now_at + core.COMMAND_WITHIN_MS
    order = commands.Order(row.device, code, args, False, answers.WHO, now_at, until_at)
    try:
        return commands.add(connection, order)
    except CloudError:
        return None


def _expect_command(connection: Connection, row: Row[Any]) -> Row[Any]:
    of_it = command.c.device == row.device, command.c.number == row.command
    return connection.execute(select(command).where(*of_it)).one()


def _evidence(given: Row[Any]) -> dict[str, Any]:
    return {"command": given.number, "state": given.state, "status": given.status}


def _change(connection: Connection, row: Row[Any], **values: Any) -> None:
    key = (
        remote_fix.c.device == row.device,
        remote_fix.c.ticket == row.ticket,
        remote_fix.c.action == row.action,
    )
    connection.execute(update(remote_fix).where(*key).values(values))


_STEPS: Final = {ASKING: _ask, ASKED: _hear, SENT: _follow, WATCHED: _watch}
