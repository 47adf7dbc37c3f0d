"""What outcomes taught about the causes of faults, and the outcomes themselves."""

from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    RowMapping,
    literal,
    select,
    tuple_,
    update,
)

from phonehome_cloud.core.diagnosing.likelihoods import (
    Taught,
    Weights,
    tell_moves,
    told_of,
    weigh_told,
)
from phonehome_cloud.core.diagnosing.outcomes import (
    CAME_BACK,
    DROPPED,
    HELD,
    HELD_MS,
    OTHER_CAUSE,
    REFUTED,
    Outcome,
    say_change,
    taken_back_key,
)
from phonehome_cloud.core.diagnosing.priors import counts_of, tell_change
from phonehome_cloud.core.digesting import Ticket

from . import tickets
from .bulk import mapping_of
from .dialects import fetch_among, insert, insert_many, wait_for_turn
from .prior_tables import likelihood, outcome, prior
from .schema import ticket

HISTORY_LEARNT: Final = "learnt"
RULE_HELD: Final = "not back in 90 days"
RULES_BACK: Final[Mapping[str, str]] = MappingProxyType(
    {
        CAME_BACK: "back within 90 days",
        REFUTED: "had not helped",
        OTHER_CAUSE: "another cause was found",
    }
)
WHO_RULE: Final = "rule"
_TURN: Final = "teaching"
_PRIOR: Final = ("product", "spn", "fmi", "cause", "weight", "updated_at")
_LIKELIHOOD: Final = (
    "product",
    "spn",
    "fmi",
    "cause",
    "evidence",
    "there",
    "absent",
    "updated_at",
)
SETTLED_AT_ONCE: Final = 100  # outcomes in one transaction

Key = tuple[str, int, int]  # product, spn, fmi
FindFault = Callable[[str, int, int], Any]  # product, spn, fmi -> Fault of phonehome_product


def load_taught(connection: Connection, keys: Collection[Key]) -> dict[Key, Taught]:
    """What was taught about these faults; a fault without any is absent."""
    wanted = set(keys)
    columns = prior.c.product, prior.c.spn, prior.c.fmi
    causes: dict[Key, dict[str, float]] = {}
    for product, spn, fmi, cause, weight in fetch_among(
        connection, columns, wanted, *columns, prior.c.cause, prior.c.weight
    ):
        causes.setdefault((product, spn, fmi), {})[cause] = weight
    if not causes:  # evidence is never taught without its cause
        return {}
    evidence = _load_evidence(connection, set(causes))
    return {key: Taught(of, evidence.get(key, {})) for key, of in causes.items()}


def _load_evidence(connection: Connection, keys: Collection[Key]) -> dict[Key, Weights]:
    table = likelihood.c
    columns = table.product, table.spn, table.fmi
    found: dict[Key, dict[str, dict[str, tuple[float, float]]]] = {}
    rows = fetch_among(
        connection, columns, keys, *columns, table.cause, table.evidence, table.there, table.absent
    )
    for product, spn, fmi, cause, name, there, absent in rows:
        of_fault = found.setdefault((product, spn, fmi), {})
        of_fault.setdefault(cause, {})[name] = (there, absent)
    return {key: {**of_fault} for key, of_fault in found.items()}


def teach(connection: Connection, what: Outcome) -> dict[str, dict[str, float]] | None:
    """Count an outcome; returns old and new of what moved, None when it counted before.

    For the ticket's history, which is the caller's to write; an outcome without shares still is
    one, and changes nothing.
    """
    statement = insert(connection, outcome).values(_row_of(what)).on_conflict_do_nothing()
    if connection.execute(statement.returning(outcome.c.key)).first() is None:
        return None
    weights = weigh_told(told_of(what.fault, what.seen), what.shares)
    key, told = (what.product, what.fault.id, what.fault.fmi), Taught(what.shares, weights)
    change = _count(connection, key, what.fault, told, what.at)
    of_it = (
        outcome.c.device == what.device,
        outcome.c.ticket == what.ticket,
        outcome.c.key == what.key,
    )
    connection.execute(update(outcome).where(*of_it).values(change=change))
    return change


def _row_of(what: Outcome) -> dict[str, Any]:
    return {
        "device": what.device,
        "ticket": what.ticket,
        "key": what.key,
        "product": what.product,
        "spn": what.fault.id,
        "fmi": what.fault.fmi,
        "at": what.at,
        "who": what.who,
        "how": what.how,
        "shares": dict(what.shares),
        "held": dict(what.held),
        "held_at": what.at + HELD_MS if what.held else None,
        "seen": told_of(what.fault, what.seen),
        "change": {},
    }


def _count(
    connection: Connection, key: Key, fault: Any, what: Taught, at: int
) -> dict[str, dict[str, float]]:
    """Add weights, and tell old and new; nothing of a fault that the product file lost.

    From here to the end of its transaction nobody else teaches: two who teach about the same
    faults in another order would wait for each other. Tickets are locked before, and none behind.
    """
    wait_for_turn(connection, _TURN)
    rows = [(*key, cause, weight, at) for cause, weight in what.causes.items()]
    if rows:
        insert_many(connection, prior, _or_add, _PRIOR, rows)
    told = [
        (*key, cause, name, there, absent, at)
        for cause, of in what.evidence.items()
        for name, (there, absent) in of.items()
    ]
    if told:
        insert_many(connection, likelihood, _or_add_evidence, _LIKELIHOOD, told)
    if fault is None:
        return {}
    after = load_taught(connection, [key]).get(key, Taught())
    before = after.without(what)
    change = tell_change(fault, counts_of(fault, before.causes), counts_of(fault, after.causes))
    return change | tell_moves(fault, before.evidence, after.evidence)


def _or_add(statement: Any) -> Any:
    new = statement.excluded
    given = {"weight": prior.c.weight + new.weight, "updated_at": new.updated_at}
    return statement.on_conflict_do_update(
        index_elements=["product", "spn", "fmi", "cause"], set_=given
    )


def _or_add_evidence(statement: Any) -> Any:
    new = statement.excluded
    given = {
        "there": likelihood.c.there + new.there,
        "absent": likelihood.c.absent + new.absent,
        "updated_at": new.updated_at,
    }
    return statement.on_conflict_do_update(
        index_elements=["product", "spn", "fmi", "cause", "evidence"], set_=given
    )


def has_held(connection: Connection, now_at: int) -> bool:
    """Whether `settle` would find something."""
    due = select(outcome.c.key).where(outcome.c.held_at.is_not(None), outcome.c.held_at <= now_at)
    return connection.execute(due.limit(1)).first() is not None


def settle(
    connection: Connection, find_fault: FindFault, now_at: int, limit: int = SETTLED_AT_ONCE
) -> int:
    """Count what held for 90 days, take back what came back; returns how many were looked at.

    Old and new priors go into the history of their tickets. Two receivers never do the same one.
    """
    due = outcome.c.held_at.is_not(None), outcome.c.held_at <= now_at
    keys = outcome.c.device, outcome.c.ticket, outcome.c.key
    found = connection.execute(
        select(*keys).where(*due).order_by(outcome.c.held_at).limit(limit)
    ).all()
    for dev, number in sorted({(row.device, row.ticket) for row in found}):
        tickets.expect(connection, dev, number)  # locks in order
    # Whoever had a ticket before may have settled or taken back what it taught.
    rows = fetch_among(connection, keys, [tuple(row) for row in found], outcome)
    still_due = [row for row in rows if row.held_at is not None and row.held_at <= now_at]
    for row in still_due:
        _settle(connection, row, find_fault(row.product, row.spn, row.fmi), now_at)
    return len(still_due)


def _settle(connection: Connection, row: Row[Any], fault: Any, now_at: int) -> None:
    if _came_back(connection, row):
        change = take_back(connection, row, fault, CAME_BACK, now_at)
        _note(connection, row, fault, change, RULES_BACK[CAME_BACK], now_at)
    elif fault is None:
        _add(connection, row, f"{row.key}/{HELD}", now_at, how=DROPPED, shares={}, change={})
    else:
        shares = {cause: float(weight) for cause, weight in row.held.items()}
        seen = told_of(fault, row.seen)
        told = Taught(shares, weigh_told(seen, shares))
        change = _count(connection, _fault_of(row), fault, told, now_at)
        given = {"how": HELD, "shares": shares, "change": change, "seen": seen}
        _add(connection, row, f"{row.key}/{HELD}", now_at, **given)
        _note(connection, row, fault, change, RULE_HELD, now_at)
    _end_waiting(connection, row)


def take_back(
    connection: Connection, row: Row[Any], fault: Any, how: str, now_at: int
) -> dict[str, dict[str, float]] | None:
    """Count out exactly what an outcome counted; returns old and new of what moved, for the
    history of its ticket, which the caller has locked. None when it was taken back before.
    """
    key = taken_back_key(row.key)
    shares = {cause: float(weight) for cause, weight in row.shares.items()}
    given = {"how": how, "shares": {cause: -weight for cause, weight in shares.items()}}
    if not _add(connection, row, key, now_at, **given, change={}):
        return None
    _end_waiting(connection, row)
    told = Taught(shares, weigh_told(row.seen, shares)).turned()
    change = _count(connection, _fault_of(row), fault, told, now_at)
    connection.execute(update(outcome).where(*_of(row, key)).values(change=change))
    return change


def _add(connection: Connection, row: Row[Any], key: str, now_at: int, **given: Any) -> bool:
    """An outcome that follows from another one; False when it did so before."""
    follows = {**mapping_of(row), "key": key, "at": now_at, "who": WHO_RULE}
    follows |= {"held": {}, "held_at": None, **given}
    statement = insert(connection, outcome).values(follows).on_conflict_do_nothing()
    return connection.execute(statement.returning(outcome.c.key)).first() is not None


def _end_waiting(connection: Connection, row: Row[Any]) -> None:
    connection.execute(update(outcome).where(*_of(row, row.key)).values(held_at=None))


def _of(row: Row[Any], key: str) -> tuple[ColumnElement[bool], ...]:
    same_ticket = outcome.c.device == row.device, outcome.c.ticket == row.ticket
    return *same_ticket, outcome.c.key == key


def _fault_of(row: Row[Any]) -> Key:
    return row.product, row.spn, row.fmi


def _note(
    connection: Connection,
    row: Row[Any],
    fault: Any,
    change: Mapping[str, Any] | None,
    rule: str,
    now_at: int,
) -> None:
    found = tickets.expect(connection, row.device, row.ticket)
    if note_change(found, fault, change, rule, now_at):
        tickets.save(connection, (), [found])


def note_change(
    of: Ticket, fault: Any, change: Mapping[str, Any] | None, rule: str, now_at: int
) -> bool:
    """Old and new priors into the history of a ticket; False when there are none to tell."""
    if fault is None or not change:
        return False
    text = say_change(fault, change)
    of.note(now_at, WHO_RULE, HISTORY_LEARNT, rule=rule, evidence=change, text=text)
    return True


def _came_back(connection: Connection, row: Row[Any]) -> bool:
    """Whether the fault was confirmed again, on whatever ticket, within the 90 days."""
    of_fault = (
        ticket.c.device == row.device,
        ticket.c.spn == row.spn,
        ticket.c.fmi == row.fmi,
        ticket.c.last_event_at > row.at,
    )
    return (
        connection.execute(select(ticket.c.number).where(*of_fault).limit(1)).first() is not None
    )


def list_outcomes(
    connection: Connection,
    key: Key,
    after: tuple[int, str, int, str] | None,
    limit: int,
) -> list[RowMapping]:
    """What taught about a fault, newest first, after (at, device, ticket, key) of the last."""
    columns = outcome.c.at, outcome.c.device, outcome.c.ticket, outcome.c.key
    product, spn, fmi = key
    of_fault = outcome.c.product == product, outcome.c.spn == spn, outcome.c.fmi == fmi
    query = select(outcome).where(*of_fault)
    if after is not None:
        query = query.where(tuple_(*columns) < tuple_(*map(literal, after)))
    query = query.order_by(*(column.desc() for column in columns)).limit(limit)
    return list(connection.execute(query).mappings())
