"""Incidents: noticed by a count, decided upon by a person, followed by their tickets."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, RowMapping, func, literal, select, tuple_, update

from phonehome_cloud.core.deciding.incidents import (
    BOOTS,
    DAY_MS,
    DISMISSED,
    HOUR_MS,
    SUSPECTED,
    TRAITS,
    WINDOWS_H,
    Key,
    Verdict,
    check_transition,
    incident_id,
    is_held,
    judge,
    name_it,
)
from phonehome_cloud.core.telling.effect import MAIL, SERVICE, Effect
from phonehome_cloud.errors import NotFoundError

from . import effects, hooks, tallies
from .care_tables import care as care_table
from .care_tables import incident, incident_event
from .dialects import insert, take_turn
from .looking import look_at
from .tallies import FaultOf

WHO_RULE: Final = "rule"
COUNT_CAP: Final = 1001  # as for tickets: "more than 1000" is all that a person wants to know
BOOTS_TITLE: Final = "Devices restart"

_DISMISSED_MS: Final = DAY_MS  # so long a person's word that it is none holds
_TOUCHED_MS: Final = 60_000  # so often "last seen" moves
_LETTER_LASTS_MS: Final = 2 * DAY_MS
_BEFORE_MS: Final = max(WINDOWS_H) * HOUR_MS

TicketKey = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Counted:
    """A ticket as an incident sees it: its fault, what its device has in common with others."""

    ticket: TicketKey
    fault: FaultOf
    title: str
    traits: Mapping[str, str]
    first_at: int

    @property
    def keys(self) -> list[Key]:
        """What it is counted as."""
        return keys_of(self.fault, self.traits)


def keys_of(fault: FaultOf, traits: Mapping[str, str]) -> list[Key]:
    """What a device with these traits is counted as."""
    return [(*fault, trait, traits[trait]) for trait in TRAITS if traits.get(trait)]


def assign(
    connection: Connection, cases: Sequence[Counted], now_at: int
) -> tuple[dict[TicketKey, str], list[str]]:
    """The incident of each ticket that has one, and the incidents that were opened for that."""
    held = _load_open(connection, {case.fault[0] for case in cases})
    keys = {key for case in cases for key in case.keys}
    titles = {case.fault: case.title for case in cases}
    verdicts = _judge(connection, keys, now_at)
    opened, joined = [], set()
    for fault, found in verdicts.items():
        verdict = name_it(found)
        if verdict is None or any(_is_of(row, fault) for row in held):
            continue
        if any(_is_of(row, (fault[0], *BOOTS)) for row in held):
            joined.add(fault)  # devices that restart show other faults, too
        elif (name := _open(connection, verdict, titles[fault], now_at)) is not None:
            opened.append(name)
    if opened:
        held = _load_open(connection, {case.fault[0] for case in cases})
    given = ((case.ticket, _find(held, case, joined)) for case in cases)
    found_rows = {ticket: row for ticket, row in given if row is not None}
    for row in {row.id: row for row in found_rows.values()}.values():
        _touch(connection, row, now_at)
    return {ticket: row.id for ticket, row in found_rows.items()}, opened


def look_at_boots(connection: Connection, now_at: int) -> list[str]:
    """Open incidents of devices that restart; returns them. One receiver at a time looks."""
    if not take_turn(connection, "boots"):
        return []
    keys = tallies.load_recent(connection, *BOOTS, now_at)
    busy = {row.product for row in _load_open(connection, {key[0] for key in keys})}
    opened = []
    for fault, found in _judge(connection, keys, now_at).items():
        # A product whose devices are an incident already restarts because of that.
        if (verdict := name_it(found)) is not None and fault[0] not in busy:
            name = _open(connection, verdict, BOOTS_TITLE, now_at)
            opened += [name] if name else []
    return opened


def _judge(
    connection: Connection, keys: Collection[Key], now_at: int
) -> dict[FaultOf, list[Verdict]]:
    if not keys:
        return {}
    windows = tallies.load_windows(connection, keys, now_at)
    before = tallies.load_before(connection, {key[:3] for key in keys}, now_at)
    first, last = tallies.history(now_at)
    watched_h = max(0, last - max(first, tallies.watch(connection, now_at))) / HOUR_MS
    found: defaultdict[FaultOf, list[Verdict]] = defaultdict(list)
    for key in sorted(keys):
        for hours in WINDOWS_H:
            seen, usual = windows.get((key, hours), 0), before.get(key[:3], 0)
            found[key[:3]].append(judge(key, hours, seen, usual, watched_h))
    return found


def _is_of(row: Row[Any], fault: FaultOf) -> bool:
    return (row.product, row.spn, row.fmi) == fault


def _find(held: Sequence[Row[Any]], case: Counted, joined: set[FaultOf]) -> Row[Any] | None:
    """The open incident that a ticket is part of: not one that began long after it."""
    faults = (case.fault, (case.fault[0], *BOOTS)) if case.fault in joined else (case.fault,)
    for row in held:
        is_its = any(_is_of(row, fault) for fault in faults)
        if is_its and case.traits.get(row.trait) == row.value:
            return row if case.first_at >= row.opened_at - _BEFORE_MS else None
    return None


def _load_open(connection: Connection, products: Collection[str]) -> list[Row[Any]]:
    ours = incident.c.product.in_(sorted(products)), incident.c.ended_at.is_(None)
    return list(connection.execute(select(incident).where(*ours).order_by(incident.c.opened_at)))


def _open(connection: Connection, verdict: Verdict, title: str, now_at: int) -> str | None:
    """A new incident, which the desk is told of once; None when a person dismissed it lately."""
    if _is_dismissed(connection, verdict.key, now_at):
        return None
    product, spn, fmi, trait, value = verdict.key
    name = incident_id(verdict.key, now_at)
    row = {
        "id": name,
        "product": product,
        "spn": spn,
        "fmi": fmi,
        "title": title,
        "trait": trait,
        "value": value,
        "state": SUSPECTED,
        "opened_at": now_at,
        "updated_at": now_at,
        "last_at": now_at,
        "window_s": verdict.window_h * 3600,
        "seen": verdict.seen,
        "expected": verdict.expected,
        "p_value": verdict.p_value,
        "why": list(verdict.why),
    }
    made = insert(connection, incident).values(row).on_conflict_do_nothing()
    if connection.execute(made.returning(incident.c.id)).first() is None:
        return None  # another receiver was first
    _note(connection, name, now_at, WHO_RULE, None, SUSPECTED, None)
    _look_back(connection, verdict, now_at)
    _tell(connection, row, now_at)
    return name


def _is_dismissed(connection: Connection, key: Key, now_at: int) -> bool:
    product, spn, fmi, trait, value = key
    same = (
        incident.c.product == product,
        incident.c.spn == spn,
        incident.c.fmi == fmi,
        incident.c.trait == trait,
        incident.c.value == value,
        incident.c.state == DISMISSED,
        incident.c.updated_at > now_at - _DISMISSED_MS,
    )
    return connection.execute(select(incident.c.id).where(*same).limit(1)).first() is not None


def _look_back(connection: Connection, verdict: Verdict, now_at: int) -> None:
    """The tickets that were considered before anybody knew of the incident are so again."""
    _, spn, fmi, _, _ = verdict.key
    since = now_at - _BEFORE_MS
    lately = care_table.c.spn == spn, care_table.c.fmi == fmi, care_table.c.first_at >= since
    query = select(care_table.c.device, care_table.c.ticket).where(*lately)
    look_at(connection, [(dev, number) for dev, number in connection.execute(query)], now_at)


def _tell(connection: Connection, row: Mapping[str, Any], now_at: int) -> None:
    """One letter to the desk, and one event, however many tickets it has."""
    key = f"incident:{row['id']}:opened"
    data = {
        "incident": row["id"],
        "fault": row["title"],
        "product_name": row["product"],
        "what": f"{row['trait']} {row['value']}",
        "seen": row["seen"],
        "hours": row["window_s"] // 3600,
        "expected": round(row["expected"], 2),
        "at": now_at,
        "link": f"/incidents/{row['id']}",
    }
    expires_at = now_at + _LETTER_LASTS_MS
    letter = Effect(
        key, MAIL, "desk", "incident_opened", data, None, None, now_at, expires_at, SERVICE
    )
    effects.add(connection, letter, now_at)
    hooks.announce(connection, key, "incident.opened", data, None, None, now_at)


def _touch(connection: Connection, row: Row[Any], now_at: int) -> None:
    if now_at - row.last_at >= _TOUCHED_MS:
        of_it = incident.c.id == row.id
        connection.execute(update(incident).where(of_it).values(last_at=now_at))


def change(
    connection: Connection, name: str, to_state: str, who: str, now_at: int, text: str | None
) -> RowMapping:
    """A person decides about an incident; its tickets follow, batch by batch.

    Raises NotFoundError, and TransitionError when its state does not allow that.
    """
    row = expect(connection, name, lock=True)
    check_transition(row["state"], to_state)
    _note(connection, name, now_at, who, row["state"], to_state, text)
    ended_at = None if is_held(to_state) else now_at
    given = {"state": to_state, "updated_at": now_at, "ended_at": ended_at, "followed": ""}
    connection.execute(update(incident).where(incident.c.id == name).values(given))
    return expect(connection, name)


def _note(
    connection: Connection,
    name: str,
    now_at: int,
    who: str,
    before: str | None,
    after: str | None,
    text: str | None,
) -> None:
    count = (
        select(func.count()).select_from(incident_event).where(incident_event.c.incident == name)
    )
    row = {"incident": name, "n": connection.execute(count).scalar_one(), "at": now_at}
    states = {"who": who, "from_state": before, "to_state": after, "text": text}
    connection.execute(incident_event.insert().values({**row, **states}))


def is_following(connection: Connection) -> bool:
    """Whether tickets have yet to follow what a person decided."""
    waits = select(incident.c.id).where(incident.c.followed.is_not(None)).limit(1)
    return connection.execute(waits).first() is not None


def follow(connection: Connection, now_at: int, limit: int) -> int:
    """Have the next tickets of incidents that a person decided about considered; returns them."""
    waits = select(incident.c.id, incident.c.followed).where(incident.c.followed.is_not(None))
    row = connection.execute(waits.limit(1).with_for_update(skip_locked=True)).first()
    if row is None:
        return 0
    found = list_tickets(connection, row.id, read_place(row.followed), limit)
    look_at(connection, found, now_at)
    followed = "{}-{}".format(*found[-1]) if len(found) == limit else None
    of_it = incident.c.id == row.id
    connection.execute(update(incident).where(of_it).values(followed=followed))
    return len(found)


def read_place(text: str) -> TicketKey | None:
    """The ticket after which a list goes on; None for its beginning."""
    dev, _, number = text.partition("-")
    return (dev, int(number)) if number else None


def load_states(connection: Connection, names: Collection[str]) -> dict[str, str]:
    """The state of each of these incidents."""
    query = select(incident.c.id, incident.c.state).where(incident.c.id.in_(sorted(names)))
    return {row.id: row.state for row in connection.execute(query)} if names else {}


def expect(connection: Connection, name: str, *, lock: bool = False) -> RowMapping:
    """One incident; NotFoundError when there is none."""
    query = select(incident).where(incident.c.id == name)
    row = connection.execute(query.with_for_update() if lock else query).mappings().first()
    if row is None:
        raise NotFoundError(f"no incident {name}")
    return row


def list_incidents(
    connection: Connection, after: tuple[int, str] | None, limit: int
) -> list[RowMapping]:
    """The next incidents after (updated_at, id), the one that changed last first."""
    order = incident.c.updated_at, incident.c.id
    query = select(incident).order_by(*(column.desc() for column in order)).limit(limit)
    if after is not None:
        query = query.where(tuple_(*order) < tuple_(*(literal(value) for value in after)))
    return list(connection.execute(query).mappings())


def list_events(connection: Connection, name: str) -> list[RowMapping]:
    """What happened to an incident, oldest first."""
    query = select(incident_event).where(incident_event.c.incident == name)
    return list(connection.execute(query.order_by(incident_event.c.n)).mappings())


def list_tickets(
    connection: Connection, name: str, after: TicketKey | None, limit: int
) -> list[TicketKey]:
    """The next tickets of an incident after one, by device and number."""
    order = care_table.c.device, care_table.c.ticket
    query = select(*order).where(care_table.c.incident == name).order_by(*order).limit(limit)
    if after is not None:
        query = query.where(tuple_(*order) > tuple_(*(literal(value) for value in after)))
    return [(dev, number) for dev, number in connection.execute(query)]


def count_tickets(connection: Connection, name: str) -> int:
    """How many tickets an incident has, counted up to COUNT_CAP."""
    some = select(care_table.c.ticket).where(care_table.c.incident == name).limit(COUNT_CAP)
    return int(connection.execute(select(func.count()).select_from(some.subquery())).scalar_one())
