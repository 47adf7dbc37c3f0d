"""When somebody is home, learnt from use: only with consent, and gone without it."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from sqlalchemy import Connection, delete, select

from phonehome_cloud.core.people.consents import PRESENCE
from phonehome_cloud.core.transitions import read_body
from phonehome_cloud.core.visiting.calibration import Calibration, calibrate
from phonehome_cloud.core.visiting.learning import Uses, count_uses, estimate, find_uses
from phonehome_cloud.core.visiting.presence import CELLS, UNKNOWN, Presence
from phonehome_wire.registry import RTYPE_HEARTBEAT

from .dialects import insert
from .people import find_owner
from .people_tables import appliance, owner
from .schema import device, record, session
from .visit_tables import presence, visit

# Habits change: what is older than half a year is believed half as much.
_HALVED_AFTER_MS: Final = 182 * 86_400_000
_VISITS: Final = 10_000  # the newest ones say how good we are

Cursor = tuple[str, int, int]  # inc, boot and seq of a record
_Beat = tuple[Cursor, int, Mapping[int, int]]


def find(connection: Connection, dev: str) -> Presence:
    """P(home) of an appliance's home; what is believed of any home without its consent."""
    of_it = find_owner(connection, dev)
    if of_it is None or PRESENCE not in of_it.consents:
        return UNKNOWN
    uses = find_uses_of(connection, dev)
    return UNKNOWN if uses is None else estimate(uses)


def find_uses_of(connection: Connection, dev: str) -> Uses | None:
    """What is kept of an appliance's use; None when nothing is."""
    row = connection.execute(select(presence).where(presence.c.device == dev)).first()
    return None if row is None else Uses(tuple(row.uses), row.since_at, row.until_at)


def list_agreeing(connection: Connection, after: str, limit: int) -> list[tuple[str, str | None]]:
    """The next appliances whose owners let us learn, (device, product), by device; at most
    `limit`, and none when there are no more.
    """
    query = (
        select(appliance.c.device, device.c.product, owner.c.consents)
        .join(owner, owner.c.owner == appliance.c.owner)
        .join(device, device.c.device == appliance.c.device)
        .order_by(appliance.c.device)
        .limit(limit)
    )
    # Consents are JSON, which each database asks differently: pages without one are passed over.
    while rows := connection.execute(query.where(appliance.c.device > after)).all():
        after = rows[-1].device
        if agreeing := [(row.device, row.product) for row in rows if PRESENCE in row.consents]:
            return agreeing
    return []


def learn(connection: Connection, dev: str, counters: Collection[int], now_at: int) -> bool:
    """Add what was used since the last time; False, and nothing kept, without consent."""
    of_it = find_owner(connection, dev)
    if of_it is None or PRESENCE not in of_it.consents:
        forget(connection, dev)
        return False
    row = connection.execute(select(presence).where(presence.c.device == dev)).first()
    cursor = row and row.inc and (row.inc, row.boot, row.seq)
    counts, since_at, until_at = (
        (row.uses, row.since_at, row.until_at) if row else ([0] * CELLS, now_at, now_at)
    )
    beats = _list_beats(connection, dev, cursor or None, until_at)
    moments = find_uses(((at, metrics) for _, at, metrics in beats), counters)
    fresh = count_uses((at for at in moments if at > until_at), of_it.zone)
    counts = [a + b for a, b in zip(counts, fresh, strict=True)]
    if now_at - since_at > 2 * _HALVED_AFTER_MS:
        counts, since_at = [count // 2 for count in counts], since_at + _HALVED_AFTER_MS
    inc, boot, seq = _next_cursor(beats, counters) or cursor or (None, None, None)
    values = {"uses": counts, "since_at": since_at, "until_at": now_at}
    values |= {"inc": inc, "boot": boot, "seq": seq}
    statement = insert(connection, presence).values(device=dev, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["device"], set_=values))
    return True


def _next_cursor(beats: Sequence[_Beat], counters: Collection[int]) -> Cursor | None:
    """From where the next look must read: the counter that was not told for the longest time."""
    told = (
        next((place for place, _, metrics in reversed(beats) if counter in metrics), None)
        for counter in counters
    )
    places = {place: n for n, (place, *_) in enumerate(beats)}
    known = [place for place in told if place is not None]
    return min(known, key=places.__getitem__) if known else None


def forget(connection: Connection, dev: str) -> None:
    """Delete what is kept: the owner took their consent back, or is another one now."""
    connection.execute(delete(presence).where(presence.c.device == dev))


def read_calibration(connection: Connection) -> Calibration | None:
    """How well P(home) did at the doors that technicians stood at; None before the first."""
    query = (
        select(visit.c.p_home, visit.c.was_home)
        .where(visit.c.was_home.is_not(None), visit.c.p_home.is_not(None))
        .order_by(visit.c.updated_at.desc())
        .limit(_VISITS)
    )
    return calibrate((row.p_home, bool(row.was_home)) for row in connection.execute(query))


def _list_beats(
    connection: Connection, dev: str, cursor: Cursor | None, from_at: int
) -> list[_Beat]:
    """Heartbeats from the last one that was read on; by the key of the record, for one boot reads
    what is new of it and nothing else.
    """
    columns = session.c
    query = select(columns.inc, columns.boot).where(
        columns.device == dev, columns.last_seen_at >= from_at
    )
    found: list[_Beat] = []
    for boot in connection.execute(query.order_by(columns.first_seen_at)).all():
        same = cursor is not None and cursor[:2] == (boot.inc, boot.boot)
        rows = connection.execute(
            select(record.c.received_at, record.c.seq, record.c.raw)
            .where(
                record.c.device == dev,
                record.c.inc == boot.inc,
                record.c.boot == boot.boot,
                record.c.seq >= (cursor[2] if cursor and same else 0),
                record.c.rtype == RTYPE_HEARTBEAT,
            )
            .order_by(record.c.seq)
        )
        at = (boot.inc, boot.boot)
        found += [((*at, row.seq), row.received_at, read_body(row.raw)) for row in rows]
    return found
