"""The owner's word that it helped, and what their appliance shows of it."""

from typing import Any, Final

from sqlalchemy import Connection, Row, RowMapping, func, select, update

from phonehome_cloud.core.acting import assurances as core
from phonehome_cloud.core.acting.assurances import BELIEVED, WATCHED, Sight
from phonehome_cloud.core.caring import ActionKey, ActionRow
from phonehome_cloud.core.digesting import Ticket
from phonehome_cloud.store import people
from phonehome_cloud.store.acting_tables import assurance
from phonehome_cloud.store.dialects import insert
from phonehome_cloud.store.schema import fault, fault_event, session
from phonehome_cloud.store.schema import ticket as ticket_table
from phonehome_wire.registry import KIND_CONFIRMED

from . import letters

Key = ActionKey
_LOOK_MS: Final = 60_000
_DOUBT_EVERY_MS: Final = 3_600_000
# The action outlasts the watch by so much: its own time is not what ends it.
_MARGIN_MS: Final = 3_600_000
# Who was asked again has so long to answer.
_ANSWER_MS: Final = 3 * 86_400_000


def take(connection: Connection, row: ActionRow, ticket: Ticket, now_at: int) -> bool:
    """Write down that an action helped; False when nothing speaks against it, and it has.

    The caller saves the action, which waits for the appliance now.
    """
    key = row.key
    if not _is_active(connection, ticket):
        return False
    before = find(connection, key)
    if before is not None and before["state"] == WATCHED:
        return True  # the same word again
    times = 1 if before is None else min(before["times"] + 1, max(core.WATCH_MS))
    until_at = now_at + core.WATCH_MS[times]
    given = {"state": WATCHED, "times": times, "said_at": now_at, "until_at": until_at}
    given["due_at"] = now_at + _LOOK_MS
    statement = insert(connection, assurance).values(**_named(key), **given)
    keys = list(_named(key))
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=given))
    row.due_at = until_at + _MARGIN_MS
    return True


def find(connection: Connection, key: Key) -> RowMapping | None:
    """What the owner said of an action; None when they were never doubted."""
    return connection.execute(select(assurance).where(*_of(key))).mappings().first()


def look(connection: Connection, row: Row[Any], ticket: Ticket, now_at: int) -> str:
    """What has become of the owner's word; it is looked at again while it is watched."""
    sight, key = _see(connection, row, ticket), _key(row)
    state = core.judge(row.times, row.said_at, row.until_at, sight, now_at)
    due_at = None
    if state == WATCHED:
        due_at = min(now_at + _LOOK_MS, row.until_at)
    elif state == BELIEVED:
        due_at = now_at + _DOUBT_EVERY_MS
    _change(connection, key, state=state, due_at=due_at)
    return state


def doubt(connection: Connection, row: Row[Any], ticket: Ticket, now_at: int) -> bool:
    """Whether an appliance whose owner was believed has come back with the fault."""
    state = core.doubt(row.until_at, _see(connection, row, ticket), now_at)
    key = _key(row)
    due_at = now_at + _DOUBT_EVERY_MS if state == BELIEVED else None
    _change(connection, key, state=state or row.state, due_at=due_at)
    return state == core.REFUTED


def drop(connection: Connection, row: Row[Any]) -> None:
    """Its action has ended otherwise: there is nothing to look at any more."""
    _change(connection, _key(row), due_at=None)


def ask_again(connection: Connection, action: ActionRow, row: Row[Any], now_at: int) -> None:
    """The fault is still there: the owner hears it, and may say it again; the caller saves."""
    _tell(connection, row, now_at, is_asked=True)
    action.due_at = now_at + _ANSWER_MS


def tell_refuted(connection: Connection, row: Row[Any], now_at: int) -> None:
    """The owner hears why something else is done now."""
    _tell(connection, row, now_at, is_asked=False)


def _tell(connection: Connection, row: Row[Any], now_at: int, *, is_asked: bool) -> None:
    owner = people.find_owner(connection, row.device)
    if owner is None or owner.mail is None:
        return
    again = f"{row.times}:{'asked' if is_asked else 'refuted'}"
    key = letters.key_of("assurance", row.device, row.ticket, row.action, again)
    data = {"is_asked": is_asked, "said_at": row.said_at}
    given = key, "still_there", data, row.device, row.ticket, now_at
    letters.tell_owner(connection, owner, *given)


def _see(connection: Connection, row: Row[Any], ticket: Ticket) -> Sight:
    # By its tickets: a test at the device has none, and says nothing.
    of_it = select(ticket_table.c.number).where(
        ticket_table.c.device == ticket.device,
        ticket_table.c.spn == ticket.spn,
        ticket_table.c.fmi == ticket.fmi,
    )
    again = select(func.max(fault_event.c.event_at)).where(
        fault_event.c.device == ticket.device,
        fault_event.c.ticket.in_(of_it),
        fault_event.c.kind == KIND_CONFIRMED,
        fault_event.c.event_at > row.said_at,
    )
    last = select(func.max(session.c.last_seen_at)).where(session.c.device == ticket.device)
    return Sight(
        _is_active(connection, ticket),
        connection.execute(again).scalar(),
        connection.execute(last).scalar(),
    )


def _is_active(connection: Connection, ticket: Ticket) -> bool:
    """Whether the newest word of the device about the ticket's fault is that it is there."""
    of_it = (
        fault.c.device == ticket.device,
        fault.c.spn == ticket.spn,
        fault.c.fmi == ticket.fmi,
    )
    kind = connection.execute(select(fault.c.kind).where(*of_it)).scalar()
    return kind == KIND_CONFIRMED


def _change(connection: Connection, key: Key, **values: Any) -> None:
    connection.execute(update(assurance).where(*_of(key)).values(values))


def _key(row: Row[Any]) -> Key:
    return Key(row.device, row.ticket, row.action)


def _named(key: Key) -> dict[str, Any]:
    return dict(zip(("device", "ticket", "action"), key, strict=True))


def _of(key: Key) -> tuple[Any, ...]:
    columns = assurance.c
    return columns.device == key[0], columns.ticket == key[1], columns.action == key[2]
