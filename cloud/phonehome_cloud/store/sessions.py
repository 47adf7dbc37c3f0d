"""Sessions and the bounds on their time."""

from collections.abc import Collection
from dataclasses import fields
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Select, select

from phonehome_cloud.core.anchoring import (
    CARRIED,
    LOWER,
    UPPER,
    BootBounds,
    Bound,
    EventTime,
    not_later,
    place,
)
from phonehome_cloud.core.sessions import Anchor, Journal, Session

from .bulk import fetch_of, insert_rows, update_rows, upsert
from .dialects import fetch_among, fetch_lists
from .schema import anchor, device, session

_KEPT = tuple(field.name for field in fields(Session))
_row = attrgetter(*_KEPT)
_KEY = ("device", "inc", "boot")
_NEWEST = (*_KEY, "newest")
# What reports change. Without the columns of ix_session_newest, which would be written again.
_MOVED = tuple(name for name in _KEPT if name not in ("newest", "inc_seen_at", "first_seen_at"))
_moved = attrgetter(*_MOVED)

BootKey = tuple[str, str, int]  # device, incarnation, boot


def load_journal(connection: Connection, devices: Collection[str]) -> Journal:
    """A journal over the newest session of every incarnation of these devices, locked."""
    rows = fetch_of(connection, _newest, session.c.device, devices)
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

    `boots` are the (device, incarnation, boot) of the events. A boot that never spoke is placed
    between its nearest neighbours that did; those are rare and looked up one by one.
    """

    def __init__(self, connection: Connection, boots: Collection[BootKey]) -> None:
        self._inc_seen_at = _load_incarnations(connection, {device for device, _, _ in boots})
        last_ms = _load_last_ms(connection, boots)
        between = {key: _load_neighbours(connection, key) for key in set(boots) - last_ms.keys()}
        for before, after in between.values():
            last_ms |= {key: ms for key, ms in (before, after) if key is not None}
        bounds = _load_bounds(connection, last_ms.keys() | set(boots))
        self._carried = {key: found[CARRIED] for key, found in bounds.items()}
        self._bounds = {
            key: BootBounds(found[UPPER], found[LOWER], ms)
            for key, ms in last_ms.items()
            for found in (bounds.get(key, _NO_BOUNDS),)
        }
        self._between = {key: (b[0], a[0]) for key, (b, a) in between.items()}

    def inc_seen_at(self, dev: str, inc: str) -> int:
        """When an incarnation was first heard; 0 for one that never spoke: older than all."""
        return self._inc_seen_at.get((dev, inc), 0)

    def place(self, dev: str, inc: str, boot: int, ms: int, received_at: int) -> EventTime:
        """When something happened at uptime `ms` of a boot."""
        key = dev, inc, boot
        before, after = self._between.get(key, (None, None))
        return place(
            ms,
            not_later(ms, received_at, self._carried.get(key, ())),
            self._bounds.get(key),
            self._bounds[before] if before else None,
            self._bounds[after] if after else None,
        )


_Neighbour = tuple[BootKey | None, int]
_Bounds = tuple[list[Bound], list[Bound], list[Bound]]  # by kind
_NO_BOUNDS: _Bounds = ([], [], [])


def _load_incarnations(
    connection: Connection, devices: Collection[str]
) -> dict[tuple[str, str], int]:
    rows = fetch_of(connection, _incarnations, session.c.device, devices)
    return {(dev, inc): seen_at for dev, inc, seen_at, _ in rows}


def _incarnations(of_devices: Any) -> Select[Any]:
    columns = session.c.device, session.c.inc, session.c.inc_seen_at, session.c.manifest
    newest = select(*columns).where(of_devices, session.c.newest)
    return newest.order_by(session.c.inc_seen_at)


def _load_last_ms(connection: Connection, boots: Collection[BootKey]) -> dict[BootKey, int]:
    columns = session.c.device, session.c.inc, session.c.boot
    rows = fetch_among(connection, columns, boots, *columns, session.c.last_now_ms)
    return {(dev, inc, boot): ms for dev, inc, boot, ms in rows}


def _load_neighbours(connection: Connection, key: BootKey) -> tuple[_Neighbour, _Neighbour]:
    """The nearest boots before and after one that never spoke, with their last uptime."""
    dev, inc, boot = key
    others = select(session.c.boot, session.c.last_now_ms).where(
        session.c.device == dev, session.c.inc == inc
    )
    before = others.where(session.c.boot < boot).order_by(session.c.boot.desc())
    after = others.where(session.c.boot > boot).order_by(session.c.boot)
    rows = (connection.execute(statement.limit(1)).first() for statement in (before, after))
    found = [((dev, inc, row.boot), row.last_now_ms) if row else (None, 0) for row in rows]
    return found[0], found[1]


def _load_bounds(connection: Connection, boots: Collection[BootKey]) -> dict[BootKey, _Bounds]:
    found: dict[BootKey, _Bounds] = {}
    columns = anchor.c.device, anchor.c.inc, anchor.c.boot
    # One row for up to 30 bounds: as 30 rows they were a tenth of what a record costs the digest.
    rows = fetch_lists(connection, columns, boots, anchor.c.kind, _PAIR)
    for dev, inc, boot, kind, pairs in rows:
        found.setdefault((dev, inc, boot), ([], [], []))[kind].extend(pairs)
    return found


_PAIR = anchor.c.device_ms, anchor.c.utc_ms


def load_products(
    connection: Connection, devices: Collection[str]
) -> dict[str, tuple[str | None, str | None]]:
    """For each device the product it is registered as, and the manifest it last named."""
    newest = fetch_of(connection, _incarnations, session.c.device, devices)
    manifests = {row.device: row.manifest for row in newest}
    registered = fetch_of(connection, _registered, device.c.device, devices)
    return {dev: (product, manifests.get(dev)) for dev, product in registered}


def _registered(of_devices: Any) -> Select[Any]:
    return select(device.c.device, device.c.product).where(of_devices)
