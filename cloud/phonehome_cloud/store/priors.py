"""What outcomes taught about the causes of faults, and the outcomes themselves."""

from collections.abc import Callable, Collection
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, literal, select, tuple_, update

from phonehome_cloud.core.diagnosing.likelihoods import (
    Taught,
    Weights,
    tell_moves,
    weigh_evidence,
)
from phonehome_cloud.core.diagnosing.outcomes import (
    CAME_BACK,
    DROPPED,
    HELD,
    HELD_MS,
    Outcome,
    say_change,
)
from phonehome_cloud.core.diagnosing.priors import counts_of, tell_change

from . import tickets
from .dialects import fetch_among, insert, insert_many, wait_for_turn
from .prior_tables import likelihood, outcome, prior
from .schema import ticket

HISTORY_LEARNT: Final = "learnt"
RULE_HELD: Final = "not back in 90 days"
WHO_RULE: Final = "rule"
_TURN: Final = "teaching"
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
    weights = weigh_evidence(what.fault, what.seen, what.shares)
    change = _count(connection, what.product, what.fault, Taught(what.shares, weights), what.at)
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
        "seen": dict(what.seen),
        "change": {},
    }


def _count(
    connection: Connection, product: str, fault: Any, what: Taught, at: int
) -> dict[str, dict[str, float]]:
    """Add weights, and tell old and new.

    From here to the end of its transaction nobody else teaches: two who teach about the same
    faults in another order would wait for each other. Tickets are locked before, and none behind.
    """
    wait_for_turn(connection, _TURN)
    key = product, fault.id, fault.fmi
    place = {"product": product, "spn": fault.id, "fmi": fault.fmi, "updated_at": at}
    rows = [{**place, "cause": cause, "weight": w} for cause, w in sorted(what.causes.items())]
    if rows:
        insert_many(connection, prior, _or_add, rows)
    told = [
        {**place, "cause": cause, "evidence": name, "there": there, "absent": absent}
        for cause, of in sorted(what.evidence.items())
        for name, (there, absent) in sorted(of.items())
    ]
    if told:
        insert_many(connection, likelihood, _or_add_evidence, told)
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
    """Count what held for 90 days, and end what came back; returns how many were looked at.

    Old and new priors go into the history of their tickets. Two receivers never do the same one.
    """
    due = (
        select(outcome)
        .where(outcome.c.held_at.is_not(None), outcome.c.held_at <= now_at)
        .order_by(outcome.c.held_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = connection.execute(due).mappings().all()
    for dev, number in sorted({(row["device"], row["ticket"]) for row in rows}):
        tickets.expect(connection, dev, number)  # locks in order
    for row in rows:
        _settle(connection, row, find_fault(row["product"], row["spn"], row["fmi"]), now_at)
    return len(rows)


def _settle(connection: Connection, row: RowMapping, fault: Any, now_at: int) -> None:
    of_it = (
        outcome.c.device == row["device"],
        outcome.c.ticket == row["ticket"],
        outcome.c.key == row["key"],
    )
    connection.execute(update(outcome).where(*of_it).values(held_at=None))
    how: dict[str, Any]
    if fault is None or _came_back(connection, row):
        how = {"shares": {}, "change": {}, "how": DROPPED if fault is None else CAME_BACK}
    else:
        shares = {cause: float(weight) for cause, weight in row["held"].items()}
        weights = weigh_evidence(fault, row["seen"], shares)
        change = _count(connection, row["product"], fault, Taught(shares, weights), now_at)
        how = {"shares": shares, "change": change, "how": HELD}
        found = tickets.expect(connection, row["device"], row["ticket"])
        text = say_change(fault, change)
        found.note(now_at, WHO_RULE, HISTORY_LEARNT, rule=RULE_HELD, evidence=change, text=text)
        tickets.save(connection, (), [found])
    settled = {**row, "key": f"{row['key']}/{HELD}", "at": now_at, "who": WHO_RULE, "held": {}}
    connection.execute(outcome.insert().values({**settled, **how, "held_at": None}))


def _came_back(connection: Connection, row: RowMapping) -> bool:
    """Whether the fault was confirmed again, on whatever ticket, within the 90 days."""
    of_fault = (
        ticket.c.device == row["device"],
        ticket.c.spn == row["spn"],
        ticket.c.fmi == row["fmi"],
        ticket.c.last_event_at > row["at"],
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
