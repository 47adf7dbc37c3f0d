"""A ticket in a person's hands: who it is, by when they must act, and what happens if not."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sqlalchemy import Connection, Row, RowMapping, func, select, tuple_, update

from phonehome_cloud.core.acting import assigning as core
from phonehome_cloud.core.acting.assigning import TOP_LEVEL, Operator
from phonehome_cloud.core.acting.clocks import Opening
from phonehome_cloud.core.caring import ActionRow, Case
from phonehome_cloud.core.deciding.decision import SAFETY as SAFETY_LANE
from phonehome_cloud.core.telling.effect import SAFETY, SERVICE
from phonehome_cloud.store import people as books
from phonehome_cloud.store.acting_tables import assignment, operator
from phonehome_cloud.store.bulk import insert_rows, mapping_of
from phonehome_cloud.store.columns import to_json
from phonehome_cloud.store.dialects import fetch_among
from phonehome_cloud.store.gathering import TicketKey, known_tickets, put, shared
from phonehome_cloud.store.schema import ticket_event

from . import letters

_BY_PERSON: Final = "token:%"
_SEEN: Final = "seen"
# While nobody has room, it is looked so often whether somebody has.
_ROOM_AGAIN_MS: Final = 5 * 60_000
# A promise that was broken at the top is told again so often.
_AGAIN_MS: Final = 4 * 3_600_000


def start(connection: Connection, row: ActionRow, case: Case, now_at: int) -> None:
    """Give the ticket to somebody; where there is danger, its owner hears of it at once, too."""
    is_urgent = _is_urgent(case)
    skills = list(case.action.skills) if case.action else []
    of = row.device, row.ticket, row.n
    who = assign(connection, *of, skills, is_urgent=is_urgent, now_at=now_at)
    row.detail["operator"] = who
    row.due_at = None
    if is_urgent and case.owner is not None and case.owner.mail is not None:
        advice = case.fault.advice if case.fault else None
        data = {"advice": advice or "", "phone": books.find_desk(connection).phone or ""}
        key = letters.key_of("safety", row.device, row.ticket, row.n)
        given = key, "safety", data, row.device, row.ticket, now_at
        letters.tell_owner(connection, case.owner, *given, weight=SAFETY)


def _is_urgent(case: Case) -> bool:
    is_safety = case.decision is not None and case.decision.lane == SAFETY_LANE
    return is_safety or bool(case.fault is not None and case.fault.safety)


@dataclass(slots=True)
class _Desk:
    """Who is there and when, as it was read, with what was given to whom since."""

    operators: list[Operator]
    opening: Opening
    numbers: dict[TicketKey, int]  # of the last assignment, of the tickets that are known
    promises: dict[tuple[bool, int], tuple[int, int]] = field(default_factory=dict)

    def promise(self, *, is_urgent: bool, now_at: int) -> tuple[int, int]:
        """(respond by, resolve by) of what is given now."""
        key = is_urgent, now_at
        if key not in self.promises:
            wanted = core.promise_for(is_urgent=is_urgent)
            self.promises[key] = core.deadlines(wanted, now_at, self.opening)
        return self.promises[key]

    def give(self, who: Operator) -> None:
        """One more is in the hands of somebody."""
        place = self.operators.index(who)
        self.operators[place] = replace(who, load=who.load + 1)


def _load_desk(connection: Connection) -> _Desk:
    numbers = _load_numbers(connection, known_tickets(connection))
    return _Desk(load_operators(connection), load_opening(connection), numbers)


def _load_numbers(connection: Connection, keys: Collection[TicketKey]) -> dict[TicketKey, int]:
    """The number of the last assignment of each of these tickets that has one."""
    columns = assignment.c.device, assignment.c.ticket
    rows = fetch_among(connection, columns, keys, *columns, assignment.c.number)
    return {(dev, ticket): number for dev, ticket, number in sorted(tuple(row) for row in rows)}


def assign(
    connection: Connection,
    dev: str,
    number: int,
    action: int | None,
    skills: Sequence[str],
    *,
    is_urgent: bool,
    now_at: int,
) -> str | None:
    """Choose somebody and promise something; their name, None while nobody can."""
    desk, key = shared(connection, _load_desk), (dev, number)
    is_known = key in known_tickets(connection)
    last = (desk.numbers if is_known else _load_numbers(connection, [key])).get(key, 0)
    desk.numbers[key] = last + 1
    who = core.choose(desk.operators, skills, 1, now_at, is_urgent=is_urgent)
    if who is not None:
        desk.give(who)
    respond_by, resolve_by = desk.promise(is_urgent=is_urgent, now_at=now_at)
    values = {
        "device": dev,
        "ticket": number,
        "number": last + 1,
        "action": action,
        "operator": who.name if who else None,
        "skills": list(skills),
        "level": who.level if who else 1,
        "is_urgent": is_urgent,
        "assigned_at": now_at,
        "respond_by_at": respond_by,
        "resolve_by_at": resolve_by,
        "due_at": respond_by if who else min(respond_by, now_at + _ROOM_AGAIN_MS),
    }
    given = tuple((values | {"skills": to_json(values["skills"])}).values())
    put(connection, insert_rows, assignment, tuple(values), [given])
    _tell(connection, values, "assigned", now_at)
    return who.name if who else None


def load_operators(connection: Connection) -> list[Operator]:
    """Everybody at the desk with how many tickets are in their hands."""
    # An operator's own, by the index: most of a million open assignments are in nobody's hands.
    in_hand = (
        select(func.count())
        .where(assignment.c.operator == operator.c.operator, assignment.c.ended_at.is_(None))
        .scalar_subquery()
    )
    everybody = select(operator, in_hand.label("load")).where(operator.c.removed_at.is_(None))
    query = everybody.order_by(operator.c.operator)
    return [
        Operator(
            row.operator,
            frozenset(row.skills),
            row.level,
            row.capacity,
            row.load,
            row.away_until_at,
        )
        for row in connection.execute(query)
    ]


def load_opening(connection: Connection) -> Opening:
    """When the service desk is open."""
    desk = books.find_desk(connection)
    return Opening(desk.zone, desk.hours, desk.holidays)


def look(connection: Connection, row: Row[Any], now_at: int) -> str | None:
    """A promise is due: kept, or it goes one level up; returns what the history should say.

    Without an action of its own it asked for one look at what goes on, which whoever does anything
    about the ticket has taken.
    """
    if row.action is None and (seen_at := _find_response(connection, row)) is not None:
        let_go(connection, row, _SEEN, now_at, responded_at=seen_at)
        return None
    if row.operator is None and now_at < row.respond_by_at:
        return _give(connection, row, now_at)
    responded_at = row.responded_at or _find_response(connection, row)
    if responded_at is not None and now_at < row.resolve_by_at:
        _change(connection, row, responded_at=responded_at, due_at=row.resolve_by_at)
        return None
    what = "respond" if responded_at is None else "resolve"
    return _escalate(connection, row, what, responded_at, now_at)


def _give(connection: Connection, row: Row[Any], now_at: int) -> str | None:
    """Nobody has it, and there is time: somebody may have room now."""
    operators = load_operators(connection)
    who = core.choose(operators, row.skills, row.level, now_at, is_urgent=row.is_urgent)
    if who is None:
        _change(connection, row, due_at=min(row.respond_by_at, now_at + _ROOM_AGAIN_MS))
        return None
    values = {"operator": who.name, "level": who.level, "due_at": row.respond_by_at}
    _change(connection, row, **values)
    told = {**mapping_of(row), **values}
    _tell(connection, told, "assigned", now_at)
    return f"in the hands of {who.name}"


def _find_response(connection: Connection, row: Row[Any]) -> int | None:
    """When a person first did something about the ticket since it was given to them."""
    events = ticket_event
    query = select(func.min(events.c.at)).where(
        events.c.device == row.device,
        events.c.ticket == row.ticket,
        events.c.at >= row.assigned_at,
        events.c.who.like(_BY_PERSON),
    )
    found: int | None = connection.execute(query).scalar()
    return found


def _escalate(
    connection: Connection, row: Row[Any], what: str, responded_at: int | None, now_at: int
) -> str:
    level = min(row.level + 1, TOP_LEVEL)
    who = core.choose(
        load_operators(connection), row.skills, level, now_at, is_urgent=row.is_urgent
    )
    name = who.name if who and who.name != row.operator else row.operator
    promise = core.promise_for(is_urgent=row.is_urgent)
    opening = load_opening(connection)
    respond_by, _ = core.deadlines(promise, now_at, opening)
    due_at = max(respond_by, now_at + _AGAIN_MS) if what == "resolve" else respond_by
    values = {"operator": name, "level": level, "due_at": due_at, "responded_at": responded_at}
    _change(connection, row, **values)
    told = {**mapping_of(row), **values, "missed": what}
    _tell(connection, told, "escalated", now_at)
    was = row.operator or "nobody"
    return f"{was} did not {what} in time: level {level}, {name or 'nobody'}"


def _tell(connection: Connection, row: Mapping[str, Any], what: str, now_at: int) -> None:
    """Whoever has it now; the desk as well when it is urgent or late, or when nobody has it."""
    number, who = f"{row['number']}-{row['due_at']}", row["operator"]
    of_ticket = row["device"], row["ticket"]
    data = {
        "operator": row["operator"] or "",
        "skills": list(row["skills"]),
        "respond_by_at": row["respond_by_at"],
        "resolve_by_at": row["resolve_by_at"],
        "is_urgent": bool(row["is_urgent"]),
        "missed": row.get("missed", ""),
    }
    weight = SAFETY if row["is_urgent"] else SERVICE
    if who:
        key = letters.key_of(f"{what}-to", *of_ticket, row["action"] or 0, number)
        letters.tell_operator(connection, who, key, what, data, *of_ticket, now_at, weight)
    if row["is_urgent"] or what == "escalated" or not who:
        key = letters.key_of(what, *of_ticket, row["action"] or 0, number)
        letters.tell_desk(connection, key, what, data, *of_ticket, now_at, weight)


def end(connection: Connection, row: ActionRow, now_at: int) -> None:
    """It is in nobody's hands any more."""
    key = assignment.c.device == row.device, assignment.c.ticket == row.ticket
    open_ = assignment.c.action == row.n, assignment.c.ended_at.is_(None)
    connection.execute(
        update(assignment)
        .where(*key, *open_)
        .values(ended_at=now_at, due_at=None, outcome=row.state)
    )


def let_go(connection: Connection, row: Row[Any], outcome: str, now_at: int, **more: Any) -> None:
    """It is in nobody's hands any more, although no action has ended."""
    _change(connection, row, ended_at=now_at, due_at=None, outcome=outcome, **more)


def find_open(connection: Connection, dev: str, number: int) -> RowMapping | None:
    """In whose hands a ticket is, and by when they must act; None when it is in nobody's."""
    of_ticket = assignment.c.device == dev, assignment.c.ticket == number
    query = select(assignment).where(*of_ticket, assignment.c.ended_at.is_(None))
    return connection.execute(query.order_by(assignment.c.number.desc())).mappings().first()


def list_open(
    connection: Connection, who: str | None, after: tuple[int, str, int] | None, limit: int
) -> list[RowMapping]:
    """Assignments in somebody's hands (None: in anybody's), those that are due first; those behind
    (respond_by_at, device, ticket).
    """
    query = select(assignment).where(assignment.c.ended_at.is_(None))
    if who is not None:
        query = query.where(assignment.c.operator == who)
    order = assignment.c.respond_by_at, assignment.c.device, assignment.c.ticket
    if after is not None:
        query = query.where(tuple_(*order) > after)
    return list(connection.execute(query.order_by(*order).limit(limit)).mappings())


def _change(connection: Connection, row: Row[Any], **values: Any) -> None:
    key = (
        assignment.c.device == row.device,
        assignment.c.ticket == row.ticket,
        assignment.c.number == row.number,
    )
    connection.execute(update(assignment).where(*key).values(values))
