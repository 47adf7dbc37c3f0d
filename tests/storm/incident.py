"""Every appliance of a fleet restarts within ten minutes and complains: one incident.

    python -m tests.storm.incident [--devices 100000] [--store sqlite|postgresql]

Signed reports (a hello and a fault each) go through real intake, digest and care of one receiver
on a real database; only the clock is the test's. It prints what it came to, and ends with 1 when
a promise was broken.
"""

import argparse
import asyncio
import contextlib
import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from sqlalchemy import func, select

from phonehome_cloud.core.deciding.incidents import DAY_MS
from phonehome_cloud.core.telling.effect import CANCELLED
from phonehome_cloud.core.tickets import OPEN
from phonehome_cloud.store import care_tables, schema, tallies
from phonehome_tools.fleet.postgresql import PostgreSQL
from phonehome_wire.registry import RTYPE_HEARTBEAT
from tests.cloud.household import CLOGGED, Household
from tests.cloud.remedies import PRODUCT
from tests.fakes.appliance import Appliance, fault, hello, record
from tests.fakes.bases import use_base

TEN_MINUTES_MS = 600_000
CHUNKS = 20
# Before anybody can know that it is one problem, a few tickets are tickets: the fifth device makes
# it an incident, but a batch of the care of tickets may have been taken before that.
FIRST_FEW = 100


class Storm:
    """A fleet, its receiver, and what became of them."""

    def __init__(self, folder, devices):
        self.home = Household(folder, PRODUCT, max_waiting=20_000, digest_batch=400)
        self.pumps = [Appliance(number) for number in range(1, devices + 1)]
        self.took_s = Counter()

    async def prepare(self):
        """All are registered in homes, and a month has passed."""
        home = self.home
        await home.do(tallies.watch, home.clock())
        for first in range(0, len(self.pumps), 1000):
            await home.do(self._move_in, first)
        home.clock.advance(30 * DAY_MS)

    def _move_in(self, connection, first):
        for number, pump in enumerate(self.pumps[first : first + 1000], first + 1):
            self.home._move_in(connection, pump, number, (), {})

    async def blow(self):
        """The restarts, spread over ten minutes, with digest and care at work meanwhile."""
        share = max(1, len(self.pumps) // CHUNKS)
        for first in range(0, len(self.pumps), share):
            await self._timed("intake", self._report(self.pumps[first : first + share]))
            await self._timed("digest", self.home.digest_all())
            await self._timed("care", self.home.care(100_000))
            self.home.clock.advance(TEN_MINUTES_MS * share // len(self.pumps))

    async def _timed(self, name, work):
        started_s = time.process_time()
        await work
        self.took_s[name] += time.process_time() - started_s

    async def _report(self, pumps):
        for first in range(0, len(pumps), 500):
            some = pumps[first : first + 500]
            replies = await asyncio.gather(*(self.home.accept(_said(pump)) for pump in some))
            assert {reply.status for reply in replies} == {200}

    async def verdict(self):
        """What it came to."""
        return await self.home.database.read(self._count)

    def _count(self, connection):
        def count(table, *where):
            query = select(func.count()).select_from(table).where(*where)
            return connection.execute(query).scalar_one()

        care, ticket = care_tables.care.c, schema.ticket.c
        return {
            "devices": len(self.pumps),
            "tickets": count(schema.ticket),
            "open": count(schema.ticket, ticket.state == OPEN),
            "incidents": count(care_tables.incident),
            "held": count(care_tables.care, care.incident.is_not(None)),
            "set_aside": count(care_tables.care, care.failure.is_not(None)),
            "still_due": count(care_tables.care, care.due_at <= self.home.clock()),
            "actions": count(care_tables.action),
            "letters": count(schema.effect, schema.effect.c.state != CANCELLED),
            "cpu_s": {name: round(seconds, 1) for name, seconds in self.took_s.items()},
        }


def _said(pump):
    """A report of a pump that has just started and does not pump."""
    records = [
        hello(0, boot=2),
        record(RTYPE_HEARTBEAT, {128: CLOGGED}, seq=1, boot=2),
        fault(2, spn=520192, fmi=7, boot=2),
    ]
    return pump.message(records, now_ms=60_000, boot=2)


def broken(found):
    """The promises that were broken, in words."""
    devices = found["devices"]
    kept = {
        "no ticket is lost": found["tickets"] == devices,
        "one incident": found["incidents"] == 1,
        "every ticket is held by it": found["held"] == devices,
        "no ticket is set aside or forgotten": found["set_aside"] + found["still_due"] == 0,
        "letters are bounded": 1 <= found["letters"] <= FIRST_FEW,
        "only the first few were acted upon": found["actions"] <= FIRST_FEW,
    }
    return [promise for promise, is_kept in kept.items() if not is_kept]


async def storm(folder, devices):
    """One storm; returns what it came to."""
    made = Storm(folder, devices)
    try:
        await made.prepare()
        await made.blow()
        return await made.verdict()
    finally:
        made.home.close()


def main(words):
    """Run one and tell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--devices", type=int, default=100_000)
    parser.add_argument("--store", choices=("sqlite", "postgresql"), default="sqlite")
    given = parser.parse_args(words)
    began_s = time.monotonic()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if given.store == "postgresql":
            use_base(folder, stack.enter_context(PostgreSQL()).url())
        found = asyncio.run(storm(folder, given.devices))
    found["took_s"] = round(time.monotonic() - began_s)
    found["broken"] = broken(found)
    sys.stdout.write(json.dumps(found, indent=2) + "\n")
    return 1 if found["broken"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
