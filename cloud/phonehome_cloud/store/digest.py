"""The digest of some records in one transaction: from the table, never from memory.

A record is decoded, placed in time and judged; what it does to faults and tickets is written
together with the mark that it is done. Killed half way, all of it happens again and nothing twice.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row

from phonehome_cloud.core.catalogue import Catalogue
from phonehome_cloud.core.digesting import (
    Policy,
    Standing,
    Ticket,
    decide,
    resolve_due,
)
from phonehome_cloud.core.tickets import is_open
from phonehome_cloud.core.transitions import (
    RecordHead,
    Transition,
    name_body,
    read_body,
    read_transition,
)
from phonehome_wire.registry import (
    RTYPE_CRASH,
    RTYPE_FAULT,
    RTYPE_HELLO,
    RTYPE_LOG,
    RTYPE_RESULT,
)

from . import faults, tickets
from .boots import count_boots
from .database import is_passing
from .looking import look_at
from .sessions import Timeline, load_registered
from .waiting import mark_digested, reached, take_waiting

_LOG = logging.getLogger(__name__)
_TOLD = frozenset((RTYPE_HELLO, RTYPE_CRASH, RTYPE_LOG, RTYPE_RESULT))
_DUE_BATCH = 200
_MAX_REASON = 500


@dataclass(slots=True)
class Digested:
    """What a batch came to, for counting."""

    records: int = 0
    failed: list[str] = field(default_factory=list)
    opened: list[Ticket] = field(default_factory=list)
    changed: list[Ticket] = field(default_factory=list)
    reached: str = ""  # the device where the next batch goes on

    def add(self, other: "Digested") -> None:
        """What another batch came to, too."""
        self.records += other.records
        self.failed += other.failed
        self.opened += other.opened
        self.changed += other.changed


@dataclass(slots=True)
class _Reading:
    """One batch, decoded: every row with the reason why it failed, or None."""

    results: list[tuple[Row[Any], str | None]] = field(default_factory=list)
    transitions: list[Transition] = field(default_factory=list)
    told: list[tuple[RecordHead, int, Any]] = field(default_factory=list)


def digest_next(
    connection: Connection,
    limit: int,
    catalogue: Catalogue,
    policy: Policy,
    now_at: int,
    after: str = "",
) -> Digested:
    """Digest at most `limit` records that wait, from the device behind `after` on; in the caller's
    transaction.

    When one record spoils the batch, each is digested on its own, and that one set aside.
    """
    rows = take_waiting(connection, limit, after)
    done = Digested(reached=reached(rows, after))
    try:
        with connection.begin_nested():
            whole = _digest(connection, rows, catalogue, policy, now_at)
    except Exception as error:
        if is_passing(error):
            raise
        _LOG.exception("a batch of %d records is digested one by one", len(rows))
        for row in rows:
            done.add(_digest_alone(connection, row, catalogue, policy, now_at))
    else:
        done.add(whole)
    return done


def _digest_alone(
    connection: Connection, row: Row[Any], catalogue: Catalogue, policy: Policy, now_at: int
) -> Digested:
    """One record, or the mark that it cannot be digested: it stays in the table, with why."""
    try:
        with connection.begin_nested():
            return _digest(connection, [row], catalogue, policy, now_at)
    except Exception as error:
        if is_passing(error):
            raise
        why = f"{type(error).__name__}: {error}"[:_MAX_REASON]
        name = (row.inc, row.boot, row.seq)
        _LOG.error("record %s of device %s was set aside: %s", name, row.device, why)
        mark_digested(connection, [(row, why)], now_at)
        return Digested(1, [why])


def _digest(
    connection: Connection,
    rows: Sequence[Row[Any]],
    catalogue: Catalogue,
    policy: Policy,
    now_at: int,
) -> Digested:
    """Digest records, each device's in the order it lived them."""
    timeline = Timeline(connection, {(row.device, row.inc, row.boot) for row in rows})
    reading = _read(rows, timeline)
    faults.add_device_events(connection, reading.told)
    hellos = [(head, body) for head, rtype, body in reading.told if rtype == RTYPE_HELLO]
    for head, body in hellos:
        faults.note_hello(connection, head, body)
    count_boots(connection, [head for head, _ in hellos], catalogue, now_at)
    desk = _Desk(timeline.manifests, catalogue, policy, now_at)
    opened, changed = _digest_transitions(connection, reading.transitions, desk)
    look_at(connection, [_key(ticket) for ticket in (*opened, *changed)], now_at)
    mark_digested(connection, reading.results, now_at)
    failed = [why for _, why in reading.results if why is not None]
    return Digested(len(rows), failed, opened, changed)


def resolve_tickets(connection: Connection, now_at: int) -> list[Ticket]:
    """Resolve the tickets whose off-rule has held, at most a batch of them."""
    due = tickets.load_due(connection, now_at, _DUE_BATCH)
    for ticket in due:
        resolve_due(ticket, now_at)
    tickets.save(connection, (), due)
    return due


def _read(rows: Sequence[Row[Any]], timeline: Timeline) -> _Reading:
    reading = _Reading()
    for row in rows:
        try:
            _read_record(row, timeline, reading)
        except (ValueError, KeyError, TypeError, IndexError) as error:
            reading.results.append((row, f"{type(error).__name__}: {error}"))
        else:
            reading.results.append((row, None))
    reading.transitions.sort(key=lambda t: (t.head.device, t.head.order))
    return reading


def _read_record(row: Row[Any], timeline: Timeline, reading: _Reading) -> None:
    """Heartbeats and unknown types are only stored; there is nothing to digest in them yet."""
    dev, inc, boot, seq, rtype, ms, raw, received_at, late, upper, lower, carried, known = row
    if (rtype != RTYPE_FAULT and rtype not in _TOLD) or known is not None:
        return
    time = timeline.place((dev, inc, boot, ms), (upper, lower, carried), received_at)
    head = RecordHead(dev, inc, timeline.inc_seen_at(dev, inc), boot, seq, time, received_at, late)
    body = read_body(raw)
    if rtype == RTYPE_FAULT:
        reading.transitions.append(read_transition(head, body))
    else:
        reading.told.append((head, rtype, name_body(rtype, body)))


def _digest_transitions(
    connection: Connection, transitions: Sequence[Transition], desk: "_Desk"
) -> tuple[list[Ticket], list[Ticket]]:
    """Store fault events and what they mean; returns the tickets opened and changed."""
    if not transitions:
        return [], []
    desk.load(connection, transitions)
    faults.add_fault_events(connection, [(t, desk.take(t)) for t in transitions])
    faults.save_standings(connection, list(desk.moved.values()))
    opened = list(desk.opened.values())
    changed = [t for t in desk.touched.values() if t.history and _key(t) not in desk.opened]
    tickets.write(connection, opened, changed)
    return opened, changed


def _key(ticket: Ticket) -> tuple[str, int]:
    return ticket.device, ticket.number


class _Desk:
    """The faults and tickets that a batch is about, loaded once, decided upon one by one."""

    def __init__(
        self,
        manifests: Mapping[str, str | None],
        catalogue: Catalogue,
        policy: Policy,
        now_at: int,
    ) -> None:
        self._manifests = manifests
        self._catalogue = catalogue
        self._policy = policy
        self._now_at = now_at
        self._standings: dict[faults.FaultKey, Standing] = {}
        self._newest: dict[faults.FaultKey, Ticket] = {}
        self._numbers: dict[str, int] = {}
        self._products: dict[str, str | None] = {}
        self.moved: dict[faults.FaultKey, Transition] = {}
        self.opened: dict[tuple[str, int], Ticket] = {}
        self.touched: dict[tuple[str, int], Ticket] = {}

    def load(self, connection: Connection, transitions: Sequence[Transition]) -> None:
        """Read what these transitions are about."""
        keys = {transition.key for transition in transitions}
        devices = {transition.head.device for transition in transitions}
        self._standings = faults.load_standings(connection, keys)
        self._newest = tickets.load_newest(connection, keys)
        opening = {t.head.device for t in transitions if not self._has_open(t)}
        self._numbers = tickets.load_last_numbers(connection, opening)
        self._products = load_registered(connection, devices)

    def take(self, transition: Transition) -> int | None:
        """Decide about one transition; returns the number of the ticket it belongs to."""
        key, device = transition.key, transition.head.device
        product = self._product_of(device)
        number = self._numbers.get(device, 0) + 1
        standing, before = self._standings.get(key), self._newest.get(key)
        known = self._catalogue.fault(product, transition.spn, transition.fmi)
        ticket = decide(
            transition, standing, before, known, product, number, self._policy, self._now_at
        )
        is_newest = standing is None or transition.head.order > standing.order
        if is_newest and not transition.is_test:
            self._standings[key] = _standing(transition)
            self.moved[key] = transition
        if ticket is None:
            return None
        if ticket is not before:
            self._numbers[device] = number
            self._newest[key] = ticket
            self.opened[_key(ticket)] = ticket
        self.touched[_key(ticket)] = ticket
        return ticket.number

    def _has_open(self, transition: Transition) -> bool:
        """Whether its fault has a ticket that stays the newest, whatever comes in a batch."""
        newest = self._newest.get(transition.key)
        return newest is not None and is_open(newest.state)

    def _product_of(self, device: str) -> str | None:
        product = self._products.get(device)
        return product or self._catalogue.product_of(self._manifests.get(device))


def _standing(transition: Transition) -> Standing:
    return Standing(transition.head.order, transition.kind, transition.head.time.at)
