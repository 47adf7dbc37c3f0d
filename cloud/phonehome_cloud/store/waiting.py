"""The queue of the digest: records that it owes an answer, and whose turn it is.

The devices that have something waiting stand in a ring, and each batch goes on behind the device
where the last one ended. So whoever says very much has its turn, and no more; and what a backlog
has of a device is digested together, where its rows and index entries lie together, too: 88 us a
record, 105 when the oldest came first, after 80 reports of each of 1,000 devices in SQLite.

Receivers share the queue by device. Each takes devices that no other one has in hand, by a lock
on their rows that ends with its transaction, and then sees everything that was decided about them
before; so the records of a device are digested one after the other, wherever. Intake does not
wait: it only asks that the device stays.
"""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import ARRAY, Connection, Row, Select, any_, bindparam, func, select

from .bulk import update_rows
from .dialects import has_row_locks
from .schema import device, fault_event, record
from .sessions import seen_at

Result = tuple[Row[Any], str | None]  # a record, and why nothing came of it

# So many batches of the queue are looked through for devices that are free, the second time when
# others have most of the first: receivers beyond that number look again a second later.
_WINDOWS = (1, 8)
_DIGESTED = ("device", "inc", "boot", "seq", "rtype", "ms", "raw", "received_at", "late")
_KEY = ("device", "inc", "boot", "seq")
_WAITS = record.c.digested_at.is_(None)
_DEVICES: Any = ARRAY(device.c.device.type)
_ORDER = record.c.device, record.c.received_at


def _in_turn(*wanted: Any) -> tuple[Select[Any], Select[Any]]:
    """What waits behind a device in the ring, and what waits from the start of it to there."""
    waiting = select(*wanted).where(_WAITS).order_by(*_ORDER).limit(bindparam("most"))
    after = bindparam("after", type_=record.c.device.type)
    return waiting.where(record.c.device > after), waiting.where(record.c.device <= after)


def _told() -> list[Any]:
    """A record, and what the database can tell of it in the same breath: what the bounds of its
    boot say at its uptime, and its number when the fault history has it already.
    """
    event = fault_event.c
    of_it = [event[name] == record.c[name] for name in _KEY]
    known = select(event.seq).where(*of_it).scalar_subquery()
    bounds = seen_at(*(record.c[name] for name in ("device", "inc", "boot", "ms")))
    return [*(record.c[name] for name in _DIGESTED), *bounds, known.label("known")]


_QUEUE = _in_turn(*_told())
_HEAD = _in_turn(record.c.device)
_IS_OURS = record.c.device == any_(bindparam("ours", type_=_DEVICES))
_OURS = _QUEUE[0].where(_IS_OURS), _QUEUE[1].where(_IS_OURS)


def has_waiting(connection: Connection) -> bool:
    """Whether the digest owes anybody an answer."""
    return connection.execute(select(record.c.device).where(_WAITS).limit(1)).first() is not None


def take_waiting(connection: Connection, limit: int, after: str = "") -> Sequence[Row[Any]]:
    """At most `limit` records of devices that are ours until this transaction ends, those behind
    the device `after` first, each device's oldest first.

    None when there are none, and when other receivers have all of their devices in hand.
    """
    if not has_row_locks(connection):
        return _go_round(connection, _QUEUE, limit, after)
    ours = _take(connection, limit, after)
    # Another statement, which sees what was committed before the lock was ours.
    return _go_round(connection, _OURS, limit, after, ours=ours)


def reached(rows: Sequence[Row[Any]], after: str) -> str:
    """The device where a batch that went on behind `after` ended."""
    devices = {row.device for row in rows}
    return max((dev for dev in devices if dev <= after), default=max(devices, default=after))


def _go_round(
    connection: Connection,
    ring: tuple[Select[Any], Select[Any]],
    most: int,
    after: str,
    **bound: Any,
) -> list[Row[Any]]:
    found: list[Row[Any]] = []
    for part in ring:
        if len(found) < most:
            given = {"after": after, "most": most - len(found), **bound}
            found += connection.execute(part, given).all()
    return found


def _take(connection: Connection, limit: int, after: str) -> Sequence[str]:
    """Devices of the queue behind `after`, as many as `limit` records have, locked."""
    for window in _WINDOWS:
        head = _go_round(connection, _HEAD, window * limit, after)
        wanted = len({row.device for row in islice(head, limit)})
        ours = take_devices(connection, [row.device for row in head], wanted)
        if 2 * len(ours) >= wanted:
            break
    return ours


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
    done, failed = [], []
    for row, why in results:
        if why is None:
            done.append((*row[: len(_KEY)], now_at))
        else:
            failed.append((*row[: len(_KEY)], now_at, why))
    update_rows(connection, record, (*_KEY, "digested_at"), done)
    update_rows(connection, record, (*_KEY, "digested_at", "digest_failure"), failed)
