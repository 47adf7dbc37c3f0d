"""Sessions and the bounds on their time."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import fields
from functools import cache
from operator import attrgetter
from typing import Any

from sqlalchemy import BigInteger, Connection, Select, and_, func, select

from phonehome_cloud.core.anchoring import (
    CARRIED,
    DRIFT_IN,
    LOWER,
    UPPER,
    BootBounds,
    EventTime,
    not_later,
    place,
    place_as_seen,
)
from phonehome_cloud.core.sessions import Anchor, Journal, Session

from .bulk import Answer, fetch_later, fetch_of, insert_rows, update_rows, upsert
from .dialects import fetch_among, keys_of, run_with_keys
from .schema import anchor, device, session

_KEPT = tuple(field.name for field in fields(Session))
_row = attrgetter(*_KEPT)
_KEY = ("device", "inc", "boot")
_NEWEST = (*_KEY, "newest")
# What reports change. Without the columns of ix_session_newest, which would be written again.
_MOVED = tuple(name for name in _KEPT if name not in ("newest", "inc_seen_at", "first_seen_at"))
_moved = attrgetter(*_MOVED)

BootKey = tuple[str, str, int]  # device, incarnation, boot
Event = tuple[str, str, int, int]  # the same, and the uptime
Seen = tuple[int | None, int | None, int | None]  # UTC less uptime by kind of bound: see seen_at
_UP = DRIFT_IN - 1  # an integer division that rounds up


def load_journal(connection: Connection, devices: Collection[str]) -> Journal:
    """A journal over the newest session of every incarnation of these devices, locked."""
    return make_journal(fetch_of(connection, _newest, session.c.device, devices))


def ask_journal(connection: Connection, devices: Collection[str]) -> Answer:
    """As load_journal, with the next statement; make_journal of what it then answers."""
    return fetch_later(connection, _newest, session.c.device, devices)


def make_journal(rows: Iterable[Sequence[Any]]) -> Journal:
    """A journal over sessions as they are stored."""
    return Journal({(row[0], row[1]): Session(*row) for row in rows})


def _newest(of_devices: Any) -> Select[Any]:
    kept = (session.c[name] for name in _KEPT)
    return select(*kept).where(of_devices, session.c.newest).with_for_update()


def save_journal(connection: Connection, journal: Journal) -> None:
    """Write what a batch changed; an older boot gives up `newest` before a newer one takes it."""
    created = {(s.device, s.inc, s.boot) for s in journal.created}
    changed = [s for key, s in journal.changed.items() if key not in created]
    older = [(s.device, s.inc, s.boot, s.newest) for s in changed if not s.newest]
    update_rows(connection, session, _NEWEST, older)
    update_rows(connection, session, _MOVED, [_moved(s) for s in changed])
    insert_rows(connection, session, _KEPT, [_row(s) for s in journal.created])
    latest = {anchor_[:5]: anchor_ for anchor_ in journal.anchors}
    upsert(connection, anchor, Anchor._fields, list(latest.values()))


class Timeline:
    """The time bounds of some boots, read once, for placing many events.

    A boot that never spoke is placed between its nearest neighbours that did; those are rare and
    looked up one by one.
    """

    def __init__(self, connection: Connection, boots: Collection[BootKey]) -> None:
        newest = fetch_of(connection, _incarnations, session.c.device, {boot[0] for boot in boots})
        self._inc_seen_at: dict[tuple[str, str], int] = {
            (dev, inc): seen_at for dev, inc, _, _, seen_at, _ in newest
        }
        self.manifests = {dev: manifest for dev, *_, manifest in newest}
        last_ms = {(dev, inc, boot): ms for dev, inc, boot, ms, _, _ in newest}
        self._last_ms = last_ms | _load_last_ms(connection, set(boots) - last_ms.keys())
        unheard = set(boots) - self._last_ms.keys()
        self._between = {boot: _load_neighbours(connection, boot) for boot in unheard}
        ends = {end for ends in self._between.values() for end in ends if end is not None}
        self._seen = load_seen(connection, ends)

    def inc_seen_at(self, dev: str, inc: str) -> int:
        """When an incarnation was first heard; 0 for one that never spoke: older than all."""
        return self._inc_seen_at.get((dev, inc), 0)

    def place(self, event: Event, seen: Seen, received_at: int) -> EventTime:
        """When something happened at uptime `ms` of a boot; `seen` is what `seen_at` tells."""
        upper, lower, carried = seen
        ms, boot = event[3], event[:3]
        if upper is not None and boot in self._last_ms:
            return place_as_seen(ms, upper, lower)
        before, after = self._between.get(boot, (None, None))
        return place(
            ms,
            not_later(ms, received_at, () if carried is None else ((ms, ms + carried),)),
            None,
            self._bounds(before, before[3]) if before else None,
            self._bounds(after, after[3]) if after else None,
        )

    def _bounds(self, event: Event, last_ms: int) -> BootBounds:
        """The bounds of a boot as they are seen from one uptime: at most one of each kind."""
        upper, lower, _ = self._seen[event]
        ms = event[3]
        return BootBounds(
            () if upper is None else ((ms, ms + upper),),
            () if lower is None else ((ms, ms + lower),),
            last_ms,
        )


def _incarnations(of_devices: Any) -> Select[Any]:
    names = ("device", "inc", "boot", "last_now_ms", "inc_seen_at", "manifest")
    newest = select(*(session.c[name] for name in names)).where(of_devices, session.c.newest)
    return newest.order_by(session.c.inc_seen_at)


def _load_last_ms(connection: Connection, boots: Collection[BootKey]) -> dict[BootKey, int]:
    columns = session.c.device, session.c.inc, session.c.boot
    rows = fetch_among(connection, columns, boots, *columns, session.c.last_now_ms)
    return {(dev, inc, boot): ms for dev, inc, boot, ms in rows}


def _load_neighbours(connection: Connection, key: BootKey) -> tuple[Event | None, Event | None]:
    """Where a boot that never spoke lies: the last that was heard of the nearest boot before it
    that did, and the start of the nearest one after it.
    """
    dev, inc, boot = key
    others = select(session.c.boot, session.c.last_now_ms).where(
        session.c.device == dev, session.c.inc == inc
    )
    before = others.where(session.c.boot < boot).order_by(session.c.boot.desc())
    after = others.where(session.c.boot > boot).order_by(session.c.boot)
    last, first = (connection.execute(statement.limit(1)).first() for statement in (before, after))
    return (
        (dev, inc, last.boot, last.last_now_ms) if last else None,
        (dev, inc, first.boot, 0) if first else None,
    )


def load_seen(connection: Connection, events: Collection[Event]) -> dict[Event, Seen]:
    """What `seen_at` tells of each of these events."""
    statement = _seen(connection.dialect.name)
    rows = run_with_keys(connection, statement, _EVENT, events)
    return {(dev, inc, boot, ms): (*seen,) for dev, inc, boot, ms, *seen in rows}


_EVENT = anchor.c.device, anchor.c.inc, anchor.c.boot, anchor.c.device_ms


@cache
def _seen(dialect: str) -> Select[Any]:
    at = keys_of(dialect, _EVENT)
    event = [at.c[column.name] for column in _EVENT]
    return select(*event, *seen_at(*event))


def seen_at(dev: Any, inc: Any, boot: Any, ms: Any) -> list[Any]:
    """Columns that tell of an event, given as columns, what all bounds of its boot say: as
    core.anchoring sees each of many bounds from an uptime, and the tightest of each kind.

    Told by the database, up to 90 rows for each event: as lists to be judged here they were a
    third of what a record costs the digest.
    """
    drift = (func.abs(anchor.c.device_ms - ms, type_=BigInteger) + _UP) // DRIFT_IN
    offset = anchor.c.utc_ms - anchor.c.device_ms
    tightest = {
        UPPER: func.min(offset + drift),
        LOWER: func.max(offset - drift),
        CARRIED: func.min(offset + drift),
    }
    of_it = and_(anchor.c.device == dev, anchor.c.inc == inc, anchor.c.boot == boot)
    return [
        select(found).where(of_it, anchor.c.kind == kind).scalar_subquery()
        for kind, found in sorted(tightest.items())
    ]


def load_products(
    connection: Connection, devices: Collection[str]
) -> dict[str, tuple[str | None, str | None]]:
    """For each device the product it is registered as, and the manifest it last named."""
    newest = fetch_of(connection, _incarnations, session.c.device, devices)
    manifests = {row.device: row.manifest for row in newest}
    registered = load_registered(connection, devices)
    return {dev: (product, manifests.get(dev)) for dev, product in registered.items()}


def load_registered(connection: Connection, devices: Collection[str]) -> dict[str, str | None]:
    """For each device the product it is registered as."""
    rows = fetch_of(connection, _registered, device.c.device, devices)
    return {row[0]: row[1] for row in rows}


def _registered(of_devices: Any) -> Select[Any]:
    return select(device.c.device, device.c.product).where(of_devices)
