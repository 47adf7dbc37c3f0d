"""The queue of the digest: records that it owes an answer, and whose turn it is.

Receivers share it by device. Each takes devices that no other one has in hand, by a lock on their
rows that ends with its transaction, and then sees everything that was decided about them before;
so the records of a device are digested one after the other, wherever. Intake does not wait: it
only asks that the device stays.
"""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Row, Select, any_, bindparam, func, select
from sqlalchemy.dialects import postgresql

from .bulk import update_rows
from .dialects import has_row_locks
from .schema import device, record

Result = tuple[Row[Any], str | None]  # a record, and why nothing came of it

# So many batches of the queue are looked through for devices that are free, the second time when
# others have most of the first: receivers beyond that number look again a second later.
_WINDOWS = (1, 8)
_DIGESTED = ("device", "inc", "boot", "seq", "rtype", "ms", "raw", "received_at", "late")
_KEY = ("device", "inc", "boot", "seq")
_WAITS = record.c.digested_at.is_(None)
_DEVICES: Any = postgresql.ARRAY(device.c.device.type)
_ORDER = record.c.received_at, record.c.device
_QUEUE = select(*(record.c[name] for name in _DIGESTED)).where(_WAITS).order_by(*_ORDER)


def _of_ours() -> Select[Any]:
    """The head of the queue without what others have in hand.

    The head alone first, OFFSET keeps it alone: else PostgreSQL may look through everything that
    our devices ever said. After 80 reports of each, a record cost it 164 us that way, and 105 so.
    """
    head = _QUEUE.where(record.c.received_at <= bindparam("last_at")).offset(0).subquery()
    is_ours = head.c.device == any_(bindparam("ours", type_=_DEVICES))
    found = select(head).where(is_ours).order_by(head.c.received_at, head.c.device)
    return found.limit(bindparam("limit"))


_OURS = _of_ours()


def has_waiting(connection: Connection) -> bool:
    """Whether the digest owes anybody an answer."""
    return connection.execute(select(record.c.device).where(_WAITS).limit(1)).first() is not None


def take_waiting(connection: Connection, limit: int) -> Sequence[Row[Any]]:
    """At most `limit` records, oldest first, of devices that are ours until this transaction ends.

    None when there are none, and when other receivers have all of their devices in hand.
    """
    if not has_row_locks(connection):
        return connection.execute(_QUEUE.limit(limit)).all()
    ours, last_at = _take(connection, limit)
    # Another statement, which sees what was committed before the lock was ours; and never further
    # into the queue than the look went.
    return connection.execute(_OURS, {"ours": ours, "last_at": last_at, "limit": limit}).all()


def _take(connection: Connection, limit: int) -> tuple[Sequence[str], int]:
    """Devices of the head of the queue, as many as `limit` records have, locked; and how far into
    the queue was looked.
    """
    for window in _WINDOWS:
        head = _look(connection, window * limit)
        wanted = len({row.device for row in islice(head, limit)})
        ours = take_devices(connection, [row.device for row in head], wanted)
        if 2 * len(ours) >= wanted:
            break
    return ours, head[-1].received_at if head else 0


def _look(connection: Connection, limit: int) -> Sequence[Row[Any]]:
    """The head of the queue: devices and times, from its index alone."""
    statement = (
        select(record.c.device, record.c.received_at)
        .where(_WAITS)
        .order_by(record.c.received_at, record.c.device)
        .limit(limit)
    )
    return connection.execute(statement).all()


def take_devices(connection: Connection, waiting: Iterable[str], wanted: int) -> Sequence[str]:
    """Lock so many devices, those that stand first in line; others' are left out."""
    devices = list(dict.fromkeys(waiting))
    names = bindparam("devices", devices, type_=_DEVICES)
    each = func.unnest(names).table_valued("device", with_ordinality="place")
    given = each.render_derived(name="given")
    statement = (
        select(device.c.device)
        .join(given, given.c.device == device.c.device)
        .order_by(given.c.place)
        .limit(wanted)
        .with_for_update(of=device, skip_locked=True, key_share=True)
    )
    return connection.execute(statement).scalars().all()


def mark_digested(connection: Connection, results: Iterable[Result], now_at: int) -> None:
    """The digest is done with these records; a failure is the reason why nothing came of one."""
    rows = [(*row[: len(_KEY)], now_at, why) for row, why in results]
    update_rows(connection, record, (*_KEY, "digested_at", "digest_failure"), rows)
