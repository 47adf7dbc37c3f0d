"""Tickets that are due, considered: facts, diagnosis, decision, action, in one transaction.

Receivers share the work by device, as they do that of the digest: whoever has a device's lock is
the only one who digests its records or decides about its tickets. A ticket that somebody changes
at this moment is left for the next time. Killed half way, all of it happens again and nothing
twice; considered again with nothing new, nothing is written.
"""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, Row, bindparam, case, select, update

from phonehome_cloud.core.considering import Knowledge
from phonehome_cloud.core.deciding.incidents import BATCH, BUILD, MANIFEST, PRODUCT, Key
from phonehome_cloud.core.digesting import HistoryRow, Ticket
from phonehome_cloud.core.replaying import write_record

from . import incidents, notices, tallies, tickets
from .bulk import insert_rows
from .care import save_actions
from .care_tables import care, diagnosis
from .caring import Loaded, Progress, Written, consider
from .columns import to_json
from .database import is_passing
from .dialects import fetch_among, has_row_locks
from .enrollments import load_claims
from .facts import Devices, TicketKey, load_facts
from .gathering import gather
from .incidents import Counted
from .learning import learn_from
from .priors import load_taught
from .situations import load_actions, load_people, load_stock
from .waiting import take_devices

_LOG = logging.getLogger(__name__)
_WINDOW: Final = 8  # as the digest's: so many batches of the queue are looked through
_MAX_REASON: Final = 500
_DUE: Final = care.c.due_at.is_not(None)
_DIAGNOSIS: Final = tuple(column.name for column in diagnosis.columns)


@dataclass(slots=True)
class Considered:
    """What a batch came to, for counting."""

    tickets: int = 0
    failed: int = 0
    lanes: Counter[str] = field(default_factory=Counter)
    begun: Counter[tuple[str, str]] = field(default_factory=Counter)  # kind and state of actions
    incidents: list[str] = field(default_factory=list)

    def add(self, other: "Considered") -> None:
        """What another batch came to, too."""
        self.tickets += other.tickets
        self.failed += other.failed
        self.lanes += other.lanes
        self.begun += other.begun
        self.incidents += other.incidents


def has_due(connection: Connection, now_at: int) -> bool:
    """Whether a ticket is to be considered."""
    due = select(care.c.device).where(_DUE, care.c.due_at <= now_at).limit(1)
    return connection.execute(due).first() is not None


def consider_next(
    connection: Connection, limit: int, knowledge: Knowledge, now_at: int
) -> Considered:
    """Consider what is due longest, at most `limit` tickets; in the caller's transaction.

    When one ticket spoils the batch, each is considered on its own, and that one set aside.
    """
    rows = take_due(connection, limit, now_at)
    if not rows:
        return Considered()
    try:
        with connection.begin_nested():
            return _consider(connection, rows, knowledge, now_at)
    except Exception as error:
        if is_passing(error):
            raise
        _LOG.exception("a batch of %d tickets is considered one by one", len(rows))
    done = Considered()
    for row in rows:
        done.add(_consider_alone(connection, row, knowledge, now_at))
    return done


def _consider_alone(
    connection: Connection, row: Row[Any], knowledge: Knowledge, now_at: int
) -> Considered:
    """One ticket, or the reason why it cannot be considered, until somebody looks at it again."""
    try:
        with connection.begin_nested():
            return _consider(connection, [row], knowledge, now_at)
    except Exception as error:
        if is_passing(error):
            raise
        why = f"{type(error).__name__}: {error}"[:_MAX_REASON]
    _LOG.error("ticket %s-%d was set aside: %s", row.device, row.ticket, why)
    of_ticket = care.c.device == row.device, care.c.ticket == row.ticket
    connection.execute(update(care).where(*of_ticket).values(due_at=None, failure=why))
    _tell_alone(connection, row, now_at)
    return Considered(1, 1)


def _tell_alone(connection: Connection, row: Row[Any], now_at: int) -> None:
    """What happened to a ticket is told all the same; if that fails, by the next look at it."""
    try:
        with connection.begin_nested():
            found = tickets.load_free(connection, [(row.device, row.ticket)])
            owners = load_people(connection, {row.device}).owners
            notices.tell(connection, _changes(connection, [row], found), owners, (), now_at)
            for ticket in found.values():
                of_ticket = care.c.device == ticket.device, care.c.ticket == ticket.number
                connection.execute(update(care).where(*of_ticket).values(told=ticket.events))
    except Exception as error:
        if is_passing(error):
            raise
        _LOG.exception("what happened to ticket %s-%d was not told", row.device, row.ticket)


def _changes(
    connection: Connection, rows: Sequence[Row[Any]], found: Mapping[TicketKey, Ticket]
) -> list[tuple[Ticket, list[HistoryRow]]]:
    """What these tickets have in their history that was not told."""
    told = {(row.device, row.ticket): row.told for row in rows}
    untold = notices.load_untold(connection, found.values(), told)
    return [(found[key], changes) for key, changes in untold.items()]


def take_due(connection: Connection, limit: int, now_at: int) -> Sequence[Row[Any]]:
    """The care of at most `limit` tickets that are due, of devices that are ours until the end."""
    due = _DUE, care.c.due_at <= now_at
    order = care.c.due_at, care.c.device, care.c.ticket
    if not has_row_locks(connection):
        return connection.execute(select(care).where(*due).order_by(*order).limit(limit)).all()
    queue = select(care.c.device, care.c.ticket).where(*due).order_by(*order)
    head = connection.execute(queue.limit(_WINDOW * limit)).all()
    if not head:
        return []
    wanted = len({row.device for row in head[:limit]})
    ours = set(take_devices(connection, [row.device for row in head], wanted))
    keys = [(row.device, row.ticket) for row in head if row.device in ours][:limit]
    # Another statement, which sees what was committed before the lock was ours.
    rows = fetch_among(connection, (care.c.device, care.c.ticket), keys, care)
    return [row for row in rows if row.due_at is not None and row.due_at <= now_at]


def _consider(
    connection: Connection,
    rows: Sequence[Row[Any]],
    knowledge: Knowledge,
    now_at: int,
) -> Considered:
    found = tickets.load_free(connection, [(row.device, row.ticket) for row in rows])
    rows = [row for row in rows if (row.device, row.ticket) in found]
    devices = Devices(connection, {row.device for row in rows})
    cases = _count(connection, rows, found, devices, now_at)
    joined, opened = incidents.assign(connection, _free(rows, found, cases), now_at)
    loaded = _load(connection, rows, found, devices, knowledge, now_at)
    written = Written()
    changes = _changes(connection, rows, found)
    with gather(connection, found):
        for row in rows:
            key = row.device, row.ticket
            progress = Progress(row.diagnoses, row.actions, row.hash, row.incident)
            join = joined.get(key)
            consider(connection, knowledge, loaded, written, found[key], progress, join)
    older = learn_from(connection, written.lessons, now_at)
    for key, progress in written.progress.items():
        progress.told = found[key].events
    written.tickets += [found[key] for key in written.progress if found[key].history] + older
    _save(connection, rows, cases, written, now_at)
    changes += [(ticket, ticket.history) for ticket in written.tickets]
    notices.tell(connection, changes, loaded.known.owners, joined, now_at)
    return Considered(len(rows), 0, written.lanes, written.begun, opened)


def _load(
    connection: Connection,
    rows: Sequence[Row[Any]],
    found: Mapping[TicketKey, Ticket],
    devices: Devices,
    knowledge: Knowledge,
    now_at: int,
) -> Loaded:
    of_them = [found[row.device, row.ticket] for row in rows]
    known = load_people(connection, {ticket.device for ticket in of_them})
    faults = {(ticket.product, ticket.spn, ticket.fmi) for ticket in of_them}
    catalogue, appliances = knowledge.catalogue, known.appliances
    return Loaded(
        now_at,
        load_facts(connection, of_them, devices, appliances, catalogue, now_at),
        load_actions(connection, list(found)),
        devices,
        known,
        load_stock(connection, {part for each in faults for part in knowledge.parts(*each)}),
        load_taught(connection, [(p, spn, fmi) for p, spn, fmi in faults if p is not None]),
        incidents.load_states(connection, {row.incident for row in rows if row.incident}),
    )


def _count(
    connection: Connection,
    rows: Sequence[Row[Any]],
    found: Mapping[TicketKey, Ticket],
    devices: Devices,
    now_at: int,
) -> dict[TicketKey, Counted]:
    """What each ticket is counted as; those that are new here are counted."""
    fresh = {row.device for row in rows if row.first_at is None}
    claims = load_claims(connection, fresh)
    cases: dict[TicketKey, Counted] = {}
    counts: Counter[Key] = Counter()
    for row in rows:
        ticket = found[row.device, row.ticket]
        traits = _traits(row, ticket, devices, claims)
        fault = ticket.product or "", ticket.spn, ticket.fmi
        first_at = now_at if row.first_at is None else row.first_at
        case_ = Counted((row.device, row.ticket), fault, ticket.title, traits, first_at)
        cases[case_.ticket] = case_
        if row.first_at is None:
            counts.update(case_.keys)
    tallies.add(connection, counts, now_at)
    return cases


def _traits(
    row: Row[Any], ticket: Ticket, devices: Devices, claims: Mapping[str, str]
) -> dict[str, str]:
    """What a device has in common with others; as it was when its ticket was first considered."""
    if row.first_at is not None:
        found = {BATCH: row.batch, BUILD: row.build, MANIFEST: row.manifest}
    else:
        newest = devices.sessions.get(row.device)
        found = {
            BATCH: claims.get(row.device),
            BUILD: newest.build if newest is not None else None,
            MANIFEST: newest.manifest if newest is not None else None,
        }
    return {name: value for name, value in (found | {PRODUCT: ticket.product}).items() if value}


def _free(
    rows: Sequence[Row[Any]],
    found: Mapping[TicketKey, Ticket],
    cases: Mapping[TicketKey, Counted],
) -> list[Counted]:
    """The open tickets of known products that are part of no incident yet."""
    keys = [(row.device, row.ticket) for row in rows if row.incident is None]
    return [cases[key] for key in keys if found[key].product and found[key].ended_at is None]


def _save(
    connection: Connection,
    rows: Sequence[Row[Any]],
    cases: Mapping[TicketKey, Counted],
    written: Written,
    now_at: int,
) -> None:
    tickets.write(connection, (), written.tickets)
    save_actions(connection, written.started, written.changed)
    diagnoses = [_diagnosis(*finding, now_at) for finding in written.findings]
    insert_rows(connection, diagnosis, _DIAGNOSIS, diagnoses)
    given = [_progress(row, cases, written) for row in rows]
    if given:
        connection.execute(_UPDATE, given)


def _diagnosis(ticket: Ticket, n: int, finding: Any, now_at: int) -> tuple[Any, ...]:
    found, decision = finding.diagnosis, finding.decision
    return (
        ticket.device,
        ticket.number,
        n,
        now_at,
        ticket.product,
        finding.product.version if finding.product else None,
        found is not None and found.is_sure,
        to_json(found.causes if found else []),
        to_json(found.seen if found else {}),
        to_json(found.missing if found else []),
        to_json(write_record(finding.record)),
        decision.lane,
        decision.chosen.kind,
        decision.chosen.action_id,
        decision.needs_consent,
        decision.payer,
        to_json(decision.options),
        to_json(decision.why),
    )


def _progress(
    row: Row[Any], cases: Mapping[TicketKey, Counted], written: Written
) -> dict[str, Any]:
    key = row.device, row.ticket
    counted, progress = cases[key], written.progress[key]
    return {
        "of_device": row.device,
        "of_ticket": row.ticket,
        "seen": row.asked,
        "next_at": progress.due_at,
        "diagnoses": progress.diagnoses,
        "actions": progress.actions,
        "running": progress.running,
        "told": progress.told,
        "hash": progress.hash,
        "incident": progress.incident,
        "first_at": counted.first_at,
        "spn": counted.fault[1],
        "fmi": counted.fault[2],
        "build": counted.traits.get(BUILD),
        "manifest": counted.traits.get(MANIFEST),
        "batch": counted.traits.get(BATCH),
    }


# Whoever looked in the meantime keeps the ticket due.
_UPDATE: Final = (
    update(care)
    .where(care.c.device == bindparam("of_device"), care.c.ticket == bindparam("of_ticket"))
    .values(
        due_at=case(
            (care.c.asked == bindparam("seen"), bindparam("next_at", type_=BigInteger)),
            else_=care.c.due_at,
        ),
        **{
            name: bindparam(name)
            for name in (
                "diagnoses",
                "actions",
                "running",
                "told",
                "hash",
                "incident",
                "first_at",
                "spn",
                "fmi",
                "build",
                "manifest",
                "batch",
            )
        },
    )
)
