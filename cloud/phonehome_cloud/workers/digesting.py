"""The digest: from stored records to fault history and tickets, apart from intake.

Whatever is undigested in the table is the work; this loop remembers only whose turn it is. A
record that cannot be digested is marked with the reason and never stands in the way of the next.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from phonehome_cloud.core.catalogue import Catalogue
from phonehome_cloud.core.digesting import Policy, Ticket
from phonehome_cloud.errors import StoreUnavailableError
from phonehome_cloud.store.database import Database
from phonehome_cloud.store.digest import Digested, digest_next, resolve_tickets
from phonehome_cloud.store.tickets import has_due
from phonehome_cloud.store.waiting import has_waiting

from .waiting import at_once, wait_within

_LOG = logging.getLogger(__name__)
# A commit of intake may wait for the writer thread until a batch is done, some 70 ms; a record in
# one of 400 costs 8 % more, in one of 2,000 no less.
_BATCH = 1000
_BRIEF = 50  # a brief batch is so many times smaller: a report waits 3 ms for it
_TICK_S = 1.0
# So long care waits for the digest to be idle, and so many times as long as its last turn took:
# while records wait it has a tenth of the time, however slow the machine is. Never longer than the
# last: a turn that took long because the database was away says nothing about the next.
_PATIENCE_S = 0.3
_TURNS = 9
_MOST_S = 5.0


class Counters(Protocol):
    """Where the digest counts."""

    def count_digested(self, records: int, failed: int) -> None:
        """So many records were digested, so many of them set aside."""

    def time_digest(self, seconds: float) -> None:
        """One batch took so long."""

    def count_tickets(self, opened: int, resolved: int) -> None:
        """So many tickets were opened and resolved."""


class Digesting:
    """Digests what waits, resolves what is due, and sleeps until `wake` or the next second.

    `on_ticket` is called in the event loop with every ticket that was opened or changed, after
    the commit.
    """

    def __init__(
        self,
        database: Database,
        catalogue: Catalogue,
        policy: Policy,
        clock: Callable[[], int],
        counters: Counters,
        on_ticket: Callable[[Ticket], None] = lambda _ticket: None,
        batch: int = _BATCH,
    ) -> None:
        self._database = database
        self._catalogue = catalogue
        self._policy = policy
        self._clock = clock
        self._counters = counters
        self.on_ticket = on_ticket
        self._batch = batch
        self._after = ""  # the device where the last batch ended
        self._work = asyncio.Event()
        self._idle = asyncio.Event()

    def wake(self) -> None:
        """There may be something to digest."""
        self._idle.clear()
        self._work.set()

    async def wait_idle(self, spent_s: float = 0.0) -> bool:
        """True when nothing waits to be digested, False when that did not come in time: who
        decides about tickets goes behind who opens them, and is brief then. Its last turn took
        `spent_s`.
        """
        patience_s = min(_MOST_S, max(_PATIENCE_S, _TURNS * spent_s))
        return await wait_within(self._idle, patience_s)

    async def run(self, give_way: Callable[[], Awaitable[bool]] = at_once) -> None:
        """Digest until cancelled; when the database is away, try again each second.

        Each batch begins when `give_way` returns, and is a brief one when it says False: then
        somebody will be waiting for the end of it.
        """
        while True:
            batch = self._batch if await give_way() else max(1, self._batch // _BRIEF)
            self._work.clear()
            try:
                done = await self.step(batch)
            except StoreUnavailableError as error:
                _LOG.warning("the digest waits for the database: %s", error)
                done = 0
            if done == 0:
                if not self._work.is_set():
                    self._idle.set()
                await wait_within(self._work, _TICK_S)

    async def step(self, batch: int | None = None) -> int:
        """Digest one batch; returns how many records it had. Off-rules come when none are left."""
        digested = await self._digest(batch or self._batch)
        if digested.records == 0:
            await self.resolve()
        return digested.records

    async def resolve(self) -> None:
        """Resolve the tickets whose off-rule has held."""
        now_at = self._clock()
        if not await self._database.read(has_due, now_at):
            return
        resolved = await self._database.write(resolve_tickets, now_at)
        self._counters.count_tickets(0, len(resolved))
        self._tell(resolved)

    async def _digest(self, batch: int) -> Digested:
        if not await self._database.read(has_waiting):
            return Digested()
        started_s = time.perf_counter()
        digested = await self._database.write(
            digest_next, batch, self._catalogue, self._policy, self._clock(), self._after
        )
        self._after = digested.reached
        self._counters.time_digest(time.perf_counter() - started_s)
        self._counters.count_digested(digested.records, len(digested.failed))
        self._counters.count_tickets(len(digested.opened), 0)
        self._tell([*digested.opened, *digested.changed])
        return digested

    def _tell(self, tickets: Sequence[Ticket]) -> None:
        for ticket in tickets:
            self.on_ticket(ticket)
