"""Actions under way are pursued: what is due of each is looked at, one transaction for each.

The ticket is locked first, as everywhere (store.care), and what is due is read again behind the
lock: of two receivers that see it, the second finds that it is not due any more.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import Connection, Row, Table, select, update

from phonehome_cloud.core.acting import steps as core_steps
from phonehome_cloud.core.acting.part_orders import HELD
from phonehome_cloud.core.caring import CANCELLED, RUNNING, ActionKey
from phonehome_cloud.core.digesting import WHO_DEVICE, WHO_RULE, Ticket
from phonehome_cloud.core.tickets import HISTORY_ACTION, is_open
from phonehome_cloud.errors import CloudError

from . import answers, assuring, care, commands, people, tickets, unreachable
from .acting import callbacks, heard, parts, persons, remote, steps
from .acting_tables import assignment, assurance, callback, part_order, remote_fix, step
from .schema import command
from .telling_tables import unreachable as unreachable_table

_BATCH: Final = 50  # of each kind in one step of the worker
_AFTER_FAILURE_MS: Final = 300_000


@dataclass(frozen=True, slots=True)
class Due:
    """One row that is due: of which table, and its key."""

    table: str
    key: tuple[Any, ...]


def find_due(connection: Connection, now_at: int) -> list[Due]:
    """What has to be looked at, those that are due longest first, a batch of each kind."""
    found = []
    for name, (table, _) in _LOOKS.items():
        key = list(table.primary_key.columns)
        query = select(*key).where(table.c.due_at <= now_at).order_by(table.c.due_at)
        found += [Due(name, tuple(row)) for row in connection.execute(query.limit(_BATCH))]
    return found


def pursue(connection: Connection, due: Due, now_at: int) -> None:
    """Look at one row that was due; nothing happens when somebody else has done so."""
    table, look = _LOOKS[due.table]
    ticket = tickets.expect(connection, *due.key[:2])
    key = zip(table.primary_key.columns, due.key, strict=True)
    row = connection.execute(select(table).where(*(c == value for c, value in key))).first()
    if row is not None and row.due_at is not None and row.due_at <= now_at:
        look(connection, ticket, row, now_at)


def put_off(connection: Connection, due: Due, now_at: int) -> None:
    """One that failed stands in nobody's way: it is looked at again later."""
    table, _ = _LOOKS[due.table]
    key = zip(table.primary_key.columns, due.key, strict=True)
    later = now_at + _AFTER_FAILURE_MS
    connection.execute(update(table).where(*(c == v for c, v in key)).values(due_at=later))


def _key(row: Row[Any]) -> ActionKey:
    return ActionKey(row.device, row.ticket, row.action)


def _look_step(connection: Connection, ticket: Ticket, row: Row[Any], now_at: int) -> None:
    """Whether the device has shown that a step was done."""
    evidence = _judge(connection, row)
    if evidence is not None:
        steps.finish(connection, _key(row), row.step, core_steps.BY_DEVICE, now_at, evidence)
        told = {"n": row.action, "step": row.step + 1, **evidence}
        text = f"step {row.step + 1}: the device confirms it"
        ticket.note(now_at, WHO_DEVICE, HISTORY_ACTION, evidence=told, text=text)
        tickets.save(connection, (), [ticket])
    elif now_at >= row.until_at:
        steps.give_up(connection, row, now_at)
    else:
        asked = _ask_again(connection, row, now_at)
        steps.asked(connection, row, asked, min(now_at + steps.LOOK_EVERY_MS, row.until_at))


def _judge(connection: Connection, row: Row[Any]) -> dict[str, Any] | None:
    proof = core_steps.read_proof(row.proof)
    healed: dict[str, Any] | None = heard.find_healed(
        connection, row.device, row.ticket, row.opened_at
    )
    if healed is not None or proof is None:
        return healed
    about = row.device, row.ticket, row.proof, row.opened_at, row.command
    readings = heard.read_sensor(connection, *about)
    return core_steps.judge(proof, row.opened_at, row.until_at, readings)


def _ask_again(connection: Connection, row: Row[Any], now_at: int) -> int | None:
    """Have the device read its sensors again, unless it was asked a moment ago."""
    number: int | None = row.command
    if row.proof.get("code") is None:
        return None
    of_it = command.c.device == row.device, command.c.number == number
    last = connection.execute(select(command).where(*of_it)).first()
    if last is not None and now_at < last.asked_at + steps.ASK_EVERY_MS:
        return number
    until_at = now_at + steps.ASK_EVERY_MS
    order = commands.Order(
        row.device, row.proof["code"], None, False, answers.WHO, now_at, until_at
    )
    try:
        return commands.add(connection, order)
    except CloudError:  # its queue is full, or it is revoked: it may still tell by itself
        return number


def _look_fix(connection: Connection, _ticket: Ticket, row: Row[Any], now_at: int) -> None:
    """A remote fix goes on, or has ended."""
    ended = remote.look(connection, row, now_at)
    if ended is None:
        return
    outcome, evidence, text = ended
    if care.expect_action(connection, _key(row)).state == RUNNING:
        who = WHO_DEVICE if evidence else WHO_RULE
        given = _key(row), outcome, who, now_at
        care.conclude(connection, *given, evidence=evidence, text=text)


def _look_order(connection: Connection, _ticket: Ticket, row: Row[Any], now_at: int) -> None:
    """An order goes out, unless there is nobody left to send it to."""
    if row.state == HELD and people.find_owner(connection, row.device) is None:
        given = _key(row), CANCELLED, WHO_RULE, now_at
        care.conclude(connection, *given, text="nobody owns the appliance any more")
        return
    parts.look(connection, row, now_at)


def _look_assignment(connection: Connection, ticket: Ticket, row: Row[Any], now_at: int) -> None:
    if row.action is None and not is_open(ticket.state):
        persons.let_go(connection, row, ticket.state, now_at)
        return
    _note(connection, ticket, persons.look(connection, row, now_at), row.action, now_at)


def _look_callback(connection: Connection, ticket: Ticket, row: Row[Any], now_at: int) -> None:
    _note(connection, ticket, callbacks.look(connection, row, now_at), None, now_at)


def _note(
    connection: Connection, ticket: Ticket, text: str | None, n: int | None, now_at: int
) -> None:
    if text is not None:
        evidence = None if n is None else {"n": n}
        ticket.note(now_at, WHO_RULE, HISTORY_ACTION, evidence=evidence, text=text)
        tickets.save(connection, (), [ticket])


Look = Callable[[Connection, Ticket, Row[Any], int], None]
_LOOKS: Final[Mapping[str, tuple[Table, Look]]] = MappingProxyType(
    {
        "step": (step, _look_step),
        "remote_fix": (remote_fix, _look_fix),
        "assurance": (assurance, assuring.follow),
        "unreachable": (unreachable_table, unreachable.follow),
        "part_order": (part_order, _look_order),
        "assignment": (assignment, _look_assignment),
        "callback": (callback, _look_callback),
    }
)
