"""The books: what was made against what is stored, and what became of it."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, create_engine, func, select
from sqlalchemy.engine import make_url

from phonehome_cloud.store import schema
from tests.survival.device import FIRST_SPN, FMI, Device

STUCK_S = 600.0  # a digest that gets nothing done for so long is not at work
LOOK_S = 0.5


@dataclass(frozen=True)
class Books:
    """Counts that a receiver that keeps its promises leaves at zero, and the sums behind them."""

    made: int
    stored: int
    lost: int
    foreign: int  # stored and never made
    undigested: int
    doubled_events: int
    doubled_tickets: int
    miscounted: int  # tickets whose occurrences are not the confirmations made
    refused: int

    @property
    def is_balanced(self) -> bool:
        """Whether every promise was kept."""
        return not any(
            (
                self.lost,
                self.foreign,
                self.undigested,
                self.doubled_events,
                self.doubled_tickets,
                self.miscounted,
                self.refused,
            )
        )


def compare(url: str, devices: Sequence[Device]) -> Books:
    """Read the store when the digest has nothing left to do, or gets nothing done any more."""
    engine = create_engine(make_url(url).set(drivername=_driver(url)))
    try:
        with engine.connect() as connection:
            undigested = _await_digest(connection)
            return _compare(connection, devices, undigested)
    finally:
        engine.dispose()


def _driver(url: str) -> str:
    return "postgresql+psycopg" if url.startswith("postgresql") else "sqlite"


def _await_digest(connection: Connection) -> int:
    """How many records the digest still owes an answer, or could not read."""
    record = schema.record
    owed = select(func.count()).where(record.c.digested_at.is_(None))
    least, last_s = connection.execute(owed).scalar_one(), time.monotonic() + STUCK_S
    while least and time.monotonic() < last_s:
        connection.rollback()
        time.sleep(LOOK_S)
        left = connection.execute(owed).scalar_one()
        if left < least:
            least, last_s = left, time.monotonic() + STUCK_S
    failed = select(func.count()).where(record.c.digest_failure.is_not(None))
    return int(least + connection.execute(failed).scalar_one())


def _compare(connection: Connection, devices: Sequence[Device], undigested: int) -> Books:
    record, event = schema.record.c, schema.fault_event.c
    made = {
        (device.name, device.inc.hex(), boot, seq)
        for device in devices
        for boot, count in device.made.items()
        for seq in range(count)
    }
    rows = connection.execute(select(record.device, record.inc, record.boot, record.seq))
    stored = {tuple(row) for row in rows}
    events = connection.execute(select(func.count()).select_from(schema.fault_event)).scalar_one()
    named = select(event.device, event.inc, event.boot, event.seq).distinct()
    distinct = connection.execute(select(func.count()).select_from(named.subquery())).scalar_one()
    doubled, miscounted = _compare_tickets(connection, devices)
    return Books(
        made=len(made),
        stored=len(stored),
        lost=len(made - stored),
        foreign=len(stored - made),
        undigested=undigested,
        doubled_events=abs(events - len(made)) + events - distinct,
        doubled_tickets=doubled,
        miscounted=miscounted,
        refused=sum(len(device.refused) for device in devices),
    )


def _compare_tickets(connection: Connection, devices: Sequence[Device]) -> tuple[int, int]:
    """(tickets more than one of a problem, problems whose occurrences are not what was made)."""
    ticket = schema.ticket.c
    rows = connection.execute(select(ticket.device, ticket.spn, ticket.fmi, ticket.occurrences))
    tickets: Counter[tuple[str, int, int]] = Counter()
    occurrences: Counter[tuple[str, int, int]] = Counter()
    for device, spn, fmi, count in rows:
        tickets[device, spn, fmi] += 1
        occurrences[device, spn, fmi] += count
    made = Counter(
        {
            (device.name, FIRST_SPN + fault, FMI): count
            for device in devices
            for fault, count in enumerate(device.confirmed)
            if count
        }
    )
    doubled = sum(count - 1 for count in tickets.values())
    problems = made.keys() | occurrences.keys()
    return doubled, sum(made[problem] != occurrences[problem] for problem in problems)
