"""What is known about many tickets at once, for their diagnosis: each question is one query.

Every query goes by the device, or by keys that begin with it; none looks at more than its tickets
need, so their cost is that of the batch and not of the table.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, Select, func, select

from phonehome_cloud.core.catalogue import Catalogue
from phonehome_cloud.core.diagnosing.facts import Facts, Repair, usage_of
from phonehome_cloud.core.diagnosing.outcomes import (
    MENDED,
    NEVER_MENDED,
    find_mended,
    taken_back_key,
)
from phonehome_cloud.core.digesting import Ticket
from phonehome_cloud.core.people.owners import Appliance
from phonehome_cloud.core.transitions import read_body
from phonehome_wire.names import COMMAND_NAMES
from phonehome_wire.registry import KIND_CONFIRMED, RESULT_OK, RTYPE_HEARTBEAT

from .bulk import fetch_of
from .dialects import join_keys, run_with_keys
from .frames import load_frames
from .prior_tables import outcome
from .schema import command, fault, fault_event, record, session

TicketKey = tuple[str, int]  # device, number
Metrics = Mapping[int, int]

# Heartbeats take turns with their metrics: so many records back, every metric was said.
_HEARTBEAT_RECORDS: Final = 64


class Devices:
    """What is known about the devices of a batch of tickets, read once."""

    def __init__(self, connection: Connection, devices: set[str]) -> None:
        self.sessions = _load_sessions(connection, devices)
        boots = [(row.device, row.inc, row.boot) for row in self.sessions.values()]
        self.metrics = _load_metrics(connection, boots)
        self.active = _load_active(connection, devices)
        self.repairs = _load_repairs(connection, devices)
        self.answers = _load_answers(connection, devices)


def load_facts(
    connection: Connection,
    tickets: Sequence[Ticket],
    devices: Devices,
    appliances: Mapping[str, Appliance],
    catalogue: Catalogue,
    now_at: int,
) -> dict[TicketKey, Facts]:
    """The facts of each ticket, by its device and number."""
    events = _load_events(connection, [(ticket.device, ticket.number) for ticket in tickets])
    framed = [_record_key(row) for row in events.values() if row.has_frame]
    frames = load_frames(connection, framed)
    found = {}
    for ticket in tickets:
        key = ticket.device, ticket.number
        row = events.get(key)
        frame = frames.get(_record_key(row)) if row is not None else None
        found[key] = _facts(ticket, row, frame, devices, appliances, catalogue, now_at)
    return found


def _record_key(row: Any) -> tuple[str, str, int, int]:
    return row.device, row.inc, row.boot, row.seq


def _facts(
    ticket: Ticket,
    event: Row[Any] | None,
    frame: Mapping[str, Any] | None,
    devices: Devices,
    appliances: Mapping[str, Appliance],
    catalogue: Catalogue,
    now_at: int,
) -> Facts:
    dev, product = ticket.device, catalogue.products.get(ticket.product or "")
    metrics, of_device = devices.metrics.get(dev, {}), devices.sessions.get(dev)
    appliance = appliances.get(dev)
    return Facts(
        dev,
        ticket.number,
        ticket.product,
        ticket.spn,
        ticket.fmi,
        now_at,
        frame=frame,
        value=_value(event),
        context=event.context if event is not None else None,
        active=frozenset(devices.active.get(dev, set()) - {(ticket.spn, ticket.fmi)}),
        metrics=metrics,
        age_days=appliance.age_days(now_at) if appliance else None,
        usage=usage_of(product, metrics, ticket.occurrences, ticket.reopened),
        build=of_device.build if of_device is not None else None,
        repairs=devices.repairs.get(dev, ()),
        answers=_answers(product, devices.answers.get(dev, ()), ticket.opened_at),
    )


def _value(event: Row[Any] | None) -> float | None:
    if event is None or event.value is None:
        return None
    number, exp = event.value, event.exp or 0
    return float(number * 10**exp) if exp >= 0 else float(number / 10**-exp)


def _answers(product: Any, rows: Sequence[Row[Any]], opened_at: int) -> dict[str, Any]:
    """Of commands that were given since the ticket was opened, the newest value of each."""
    if product is None:
        return {}
    names = {_code(command_.code): command_.name for command_ in product.commands}
    given = [row for row in rows if row.asked_at >= opened_at and row.code in names]
    return {names[row.code]: row.value for row in sorted(given, key=lambda row: row.number)}


def _code(code: int | str) -> int:
    return code if isinstance(code, int) else _CODES.get(code, -1)


_CODES: Final = {name: number for number, name in COMMAND_NAMES.items()}


def _load_events(connection: Connection, keys: Sequence[TicketKey]) -> dict[TicketKey, Row[Any]]:
    """The newest confirmation of each ticket."""
    columns = fault_event.c.device, fault_event.c.ticket
    statement = _newest_events(connection.dialect.name)
    rows = run_with_keys(connection, statement, columns, keys)
    return {(row.device, row.ticket): row for row in rows}


@cache
def _newest_events(dialect: str) -> Select[Any]:
    names = ("inc", "boot", "seq", "exp", "value", "context", "has_frame")
    columns = fault_event.c.device, fault_event.c.ticket
    newest_first = fault_event.c.event_at.desc(), fault_event.c.seq.desc()
    place = func.row_number().over(partition_by=columns, order_by=newest_first).label("place")
    kept = (*columns, *(fault_event.c[name] for name in names), place)
    each = join_keys(dialect, columns, kept, lock=False)
    confirmed = each.where(fault_event.c.kind == KIND_CONFIRMED).subquery()
    return select(confirmed).where(confirmed.c.place == 1)


def _load_sessions(connection: Connection, devices: set[str]) -> dict[str, Row[Any]]:
    """The newest boot of each device."""
    rows = fetch_of(connection, _newest, session.c.device, devices)
    return {row.device: row for row in sorted(rows, key=lambda row: row.inc_seen_at)}


def _newest(of_devices: Any) -> Select[Any]:
    names = ("device", "inc", "boot", "inc_seen_at", "last_seen_at", "build", "manifest", "state")
    return select(*(session.c[name] for name in names)).where(of_devices, session.c.newest)


def _load_metrics(
    connection: Connection, boots: Sequence[tuple[str, str, int]]
) -> dict[str, dict[int, int]]:
    """The newest word on each metric in each boot's last heartbeats."""
    columns = session.c.device, session.c.inc, session.c.boot
    found: dict[str, dict[int, int]] = {}
    statement = _recent_heartbeats(connection.dialect.name)
    for dev, _, raw in run_with_keys(connection, statement, columns, boots):
        found.setdefault(dev, {}).update(read_body(raw))
    return found


@cache
def _recent_heartbeats(dialect: str) -> Select[Any]:
    boot = session.c.device, session.c.inc, session.c.boot
    any_record = record.alias()
    last = select(func.max(any_record.c.seq)).where(*_of_boot(any_record)).scalar_subquery()
    wanted = record.c.device, record.c.seq, record.c.raw
    return (
        join_keys(dialect, boot, wanted, lock=False)
        .where(
            *_of_boot(record),
            record.c.seq > last - _HEARTBEAT_RECORDS,
            record.c.rtype == RTYPE_HEARTBEAT,
        )
        .order_by(record.c.device, record.c.seq)
    )


def _of_boot(records: Any) -> tuple[ColumnElement[bool], ...]:
    return (
        records.c.device == session.c.device,
        records.c.inc == session.c.inc,
        records.c.boot == session.c.boot,
    )


def _load_active(connection: Connection, devices: set[str]) -> dict[str, set[tuple[int, int]]]:
    """The faults that are there now, of each device."""
    found: defaultdict[str, set[tuple[int, int]]] = defaultdict(set)
    for dev, spn, fmi in fetch_of(connection, _active, fault.c.device, devices):
        found[dev].add((spn, fmi))
    return found


def _active(of_devices: Any) -> Select[Any]:
    confirmed = fault.c.kind == KIND_CONFIRMED
    return select(fault.c.device, fault.c.spn, fault.c.fmi).where(of_devices, confirmed)


def _load_repairs(connection: Connection, devices: set[str]) -> dict[str, tuple[Repair, ...]]:
    """What was mended at each device: what technicians found, and what an action probably did."""
    rows = fetch_of(connection, _repairs, outcome.c.device, devices)
    refuted = {(row.device, row.ticket, row.key) for row in rows if row.how in NEVER_MENDED}
    found: defaultdict[str, list[Repair]] = defaultdict(list)
    for row in rows:
        if row.how in MENDED and (row.device, row.ticket, taken_back_key(row.key)) not in refuted:
            found[row.device] += [Repair(cause, row.at) for cause in find_mended(row.shares)]
    return {dev: tuple(sorted(repairs, key=lambda r: r.at)) for dev, repairs in found.items()}


def _repairs(of_devices: Any) -> Select[Any]:
    ended = outcome.c.how.in_((*MENDED, *NEVER_MENDED))
    names = ("device", "ticket", "key", "how", "at", "shares")
    return select(*(outcome.c[name] for name in names)).where(of_devices, ended)


def _load_answers(connection: Connection, devices: set[str]) -> dict[str, list[Row[Any]]]:
    """What commands came back with, of each device, with when they were given."""
    found: defaultdict[str, list[Row[Any]]] = defaultdict(list)
    for row in fetch_of(connection, _answered, command.c.device, devices):
        found[row.device].append(row)
    return found


def _answered(of_devices: Any) -> Select[Any]:
    names = ("device", "number", "code", "asked_at", "value")
    wanted = select(*(command.c[name] for name in names))
    return wanted.where(of_devices, command.c.status == RESULT_OK, command.c.value.is_not(None))
