"""Sessions and the bounds on their time."""

from bisect import bisect_left
from collections.abc import Collection, Iterable
from dataclasses import fields
from functools import cache
from typing import Any

from sqlalchemy import Connection, Update, bindparam, select, update

from phonehome_cloud.core.anchoring import BootBounds, Bound, EventTime, place
from phonehome_cloud.core.sessions import Anchor, Journal, Session

from .schema import anchor, session
from .upserts import insert

_KEPT = tuple(field.name for field in fields(Session))
_KEY = ("device", "inc", "boot")


def load_journal(connection: Connection, devices: Collection[str]) -> Journal:
    """A journal over the newest session of every incarnation of these devices, locked."""
    statement = (
        select(*(session.c[name] for name in _KEPT))
        .where(session.c.device.in_(devices), session.c.newest)
        .with_for_update()
    )
    rows = connection.execute(statement).all()
    return Journal({(row.device, row.inc): Session(*row) for row in rows})


def save_journal(connection: Connection, journal: Journal) -> None:
    """Write what a batch changed; an older boot gives up `newest` before a newer one takes it."""
    created = {(s.device, s.inc, s.boot) for s in journal.created}
    changed = [_bound(s) for key, s in journal.changed.items() if key not in created]
    if changed:
        connection.execute(_update(), changed)
    if journal.created:
        connection.execute(insert(connection, session), [_row(s) for s in journal.created])
    if journal.anchors:
        _save_anchors(connection, journal.anchors)


def _row(of: Session) -> dict[str, Any]:
    return {name: getattr(of, name) for name in _KEPT}


def _bound(of: Session) -> dict[str, Any]:
    """A session as parameters of _update; its key has names of its own there."""
    return {f"_{name}" if name in _KEY else name: getattr(of, name) for name in _KEPT}


@cache
def _update() -> Update:
    keys = (session.c[name] == bindparam(f"_{name}") for name in _KEY)
    kept: dict[str, Any] = {name: bindparam(name) for name in _KEPT if name not in _KEY}
    return update(session).where(*keys).values(kept)


def _save_anchors(connection: Connection, anchors: Iterable[Anchor]) -> None:
    latest = {anchor_[:5]: anchor_._asdict() for anchor_ in anchors}
    statement = insert(connection, anchor)
    excluded = statement.excluded
    statement = statement.on_conflict_do_update(
        index_elements=["device", "inc", "boot", "kind", "slot"],
        set_={"device_ms": excluded.device_ms, "utc_ms": excluded.utc_ms},
    )
    connection.execute(statement, list(latest.values()))


class Timeline:
    """The bounds of some devices' boots, read once, for placing many events."""

    def __init__(self, connection: Connection, devices: Collection[str]) -> None:
        self._inc_seen_at: dict[tuple[str, str], int] = {}
        self._boots: dict[tuple[str, str], list[BootBounds]] = {}
        bounds = _load_bounds(connection, devices)
        statement = (
            select(session.c.device, session.c.inc, session.c.boot, session.c.inc_seen_at)
            .add_columns(session.c.last_now_ms)
            .where(session.c.device.in_(devices))
            .order_by(session.c.device, session.c.inc, session.c.boot)
        )
        for dev, inc, boot, inc_seen_at, last_now_ms in connection.execute(statement):
            uppers, lowers = bounds.get((dev, inc, boot), ((), ()))
            self._inc_seen_at[dev, inc] = inc_seen_at
            self._boots.setdefault((dev, inc), []).append(
                BootBounds(boot, uppers, lowers, last_now_ms)
            )

    def inc_seen_at(self, dev: str, inc: str) -> int:
        """When an incarnation was first heard; 0 for one that never spoke: older than all."""
        return self._inc_seen_at.get((dev, inc), 0)

    def place(self, dev: str, inc: str, boot: int, ms: int, received_at: int) -> EventTime:
        """When something happened at uptime `ms` of a boot."""
        boots = self._boots.get((dev, inc), [])
        at = bisect_left(boots, boot, key=lambda b: b.boot)
        own = boots[at] if at < len(boots) and boots[at].boot == boot else None
        after = at if own is None else at + 1
        return place(
            ms,
            received_at,
            own,
            boots[at - 1] if at > 0 else None,
            boots[after] if after < len(boots) else None,
        )


_Bounds = dict[tuple[str, str, int], tuple[list[Bound], list[Bound]]]


def _load_bounds(connection: Connection, devices: Collection[str]) -> _Bounds:
    found: _Bounds = {}
    statement = select(anchor).where(anchor.c.device.in_(devices))
    for dev, inc, boot, kind, _slot, device_ms, utc_ms in connection.execute(statement):
        found.setdefault((dev, inc, boot), ([], []))[kind].append((device_ms, utc_ms))
    return found
