"""Calls that owners asked for: at a time of their choice while the desk is open."""

from typing import Any, Final

from sqlalchemy import Connection, Row, RowMapping, func, select, update

from phonehome_cloud.core.acting.clocks import is_open, next_open
from phonehome_cloud.errors import ConflictError, NotFoundError
from phonehome_cloud.store import people
from phonehome_cloud.store.acting_tables import callback

from . import letters
from .persons import load_opening

ASKED: Final = "asked"
DONE: Final = "done"
MISSED: Final = "missed"
CANCELLED: Final = "cancelled"

_DAY_MS: Final = 86_400_000
SOONEST_MS: Final = 15 * 60_000
LATEST_MS: Final = 14 * _DAY_MS
# A call that comes half an hour late is no call at the time that was asked for.
_LATE_MS: Final = 30 * 60_000


def ask(
    connection: Connection, dev: str, number: int, phone: str, call_at: int, now_at: int
) -> int:
    """Write down a wish; its number. ConflictError when the desk cannot call then, with a time
    at which it can.
    """
    if not now_at + SOONEST_MS <= call_at <= now_at + LATEST_MS:
        raise ConflictError("choose a time from 15 minutes to 14 days from now")
    opening = load_opening(connection)
    if not is_open(call_at, opening):
        raise OutOfHoursError(next_open(call_at, opening))
    of_ticket = callback.c.device == dev, callback.c.ticket == number
    waits = callback.c.ended_at.is_(None)
    values = {"state": CANCELLED, "due_at": None, "ended_at": now_at}
    connection.execute(update(callback).where(*of_ticket, waits).values(values))
    last = connection.execute(select(func.max(callback.c.number)).where(*of_ticket)).scalar()
    n = int(last or 0) + 1
    row = {"device": dev, "ticket": number, "number": n, "state": ASKED, "phone": phone}
    times = {"call_at": call_at, "asked_at": now_at, "due_at": call_at + _LATE_MS}
    connection.execute(callback.insert().values(**row, **times))
    key = letters.key_of("callback", dev, number, n)
    data = {"call_at": call_at, "phone": phone, "owner": _name(connection, dev)}
    letters.tell_desk(connection, key, "callback", data, dev, number, now_at)
    return n


def _name(connection: Connection, dev: str) -> str:
    """Who is to be called; "" when the appliance is nobody's any more."""
    owner = people.find_owner(connection, dev)
    return owner.name if owner else ""


class OutOfHoursError(ConflictError):
    """Nobody is at the desk then; `next_at` is when somebody is (unix ms)."""

    def __init__(self, next_at: int) -> None:
        super().__init__("nobody is at the desk at that time")
        self.next_at = next_at


def finish(
    connection: Connection, dev: str, number: int, n: int, who: str, now_at: int
) -> RowMapping:
    """Somebody has called; NotFoundError, ConflictError when it is over."""
    key = callback.c.device == dev, callback.c.ticket == number, callback.c.number == n
    row = connection.execute(select(callback).where(*key).with_for_update()).mappings().first()
    if row is None:
        raise NotFoundError(f"ticket {dev}-{number} has no call-back {n}")
    if row["ended_at"] is not None and row["state"] != MISSED:
        raise ConflictError(f"the call-back is {row['state']} already")
    values = {"state": DONE, "who": who, "due_at": None, "ended_at": now_at}
    connection.execute(update(callback).where(*key).values(values))
    return connection.execute(select(callback).where(*key)).mappings().one()


def look(connection: Connection, row: Row[Any], now_at: int) -> str:
    """Nobody has called: the desk hears of it, and it stays on the list."""
    key = (
        callback.c.device == row.device,
        callback.c.ticket == row.ticket,
        callback.c.number == row.number,
    )
    connection.execute(update(callback).where(*key).values(state=MISSED, due_at=None))
    told = letters.key_of("missed", row.device, row.ticket, row.number)
    data = {"call_at": row.call_at, "phone": row.phone, "owner": _name(connection, row.device)}
    letters.tell_desk(connection, told, "callback_missed", data, row.device, row.ticket, now_at)
    return "nobody called at the time that the owner had chosen"


def list_open(connection: Connection, limit: int) -> list[RowMapping]:
    """Calls that somebody still has to make, the next one first."""
    waits = callback.c.ended_at.is_(None)
    order = callback.c.call_at, callback.c.device, callback.c.ticket
    query = select(callback).where(waits).order_by(*order).limit(limit)
    return list(connection.execute(query).mappings())


def find_open(connection: Connection, dev: str, number: int) -> RowMapping | None:
    """The call that an owner waits for; None when they wait for none."""
    of_ticket = callback.c.device == dev, callback.c.ticket == number
    query = select(callback).where(*of_ticket, callback.c.ended_at.is_(None))
    return connection.execute(query).mappings().first()
