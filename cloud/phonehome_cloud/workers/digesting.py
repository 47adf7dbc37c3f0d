"""The digest: from stored records to fault history and tickets, apart from intake.

Whatever is undigested in the table is the work; this loop remembers nothing. A record that cannot
be digested is marked with the reason and never stands in the way of the next.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from sqlalchemy import Row

from phonehome_cloud.core.catalogue import Catalogue
from phonehome_cloud.core.digesting import Policy, Ticket
from phonehome_cloud.errors import StoreError, StoreUnavailableError
from phonehome_cloud.store.database import Database
from phonehome_cloud.store.digest import (
    Digested,
    digest_records,
    mark_failed,
    resolve_tickets,
)
from phonehome_cloud.store.reports import load_waiting
from phonehome_cloud.store.tickets import has_due

_LOG = logging.getLogger(__name__)
# Small enough that a commit of intake never waits long for the writer thread.
_BATCH = 200
_TICK_S = 1.0
_MAX_REASON = 500


async def _at_once() -> None:
    """Give way to nobody."""


class Counters(Protocol):
    """Where the digest counts."""

    def count_digested(self, records: int, failed: int) -> None:
        """So many records were digested, so many of them set aside."""

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
        self._on_ticket = on_ticket
        self._batch = batch
        self._work = asyncio.Event()

    def wake(self) -> None:
        """There may be something to digest."""
        self._work.set()

    async def run(self, give_way: Callable[[], Awaitable[None]] = _at_once) -> None:
        """Digest until cancelled; when the database is away, try again each second.

        Each batch begins when `give_way` returns: whoever goes first has gone.
        """
        while True:
            await give_way()
            self._work.clear()
            try:
                done = await self.step()
            except StoreUnavailableError as error:
                _LOG.warning("the digest waits for the database: %s", error)
                done = 0
            if done < self._batch:
                await self._sleep()

    async def _sleep(self) -> None:
        # Not wait_for: on Python 3.11 it loses a cancellation that comes together with the event.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_TICK_S):
                await self._work.wait()

    async def step(self) -> int:
        """Digest one batch; returns how many records it had. Off-rules come when none are left."""
        rows = await self._database.read(load_waiting, self._batch)
        if rows:
            await self._digest(rows)
        if len(rows) < self._batch:
            await self.resolve()
        return len(rows)

    async def resolve(self) -> None:
        """Resolve the tickets whose off-rule has held."""
        now_at = self._clock()
        if not await self._database.read(has_due, now_at):
            return
        resolved = await self._database.write(resolve_tickets, now_at)
        self._counters.count_tickets(0, len(resolved))
        self._tell(resolved)

    async def _digest(self, rows: Sequence[Row[Any]]) -> None:
        """All in one transaction; when one record spoils it, each in its own."""
        try:
            digested = await self._database.write(
                digest_records, rows, self._catalogue, self._policy, self._clock()
            )
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - poison is set aside, whatever it raised
            if len(rows) == 1:
                await self._set_aside(rows[0], error)
                return
            _LOG.exception("a batch of %d records is digested one by one", len(rows))
            for row in rows:
                await self._digest([row])
            return
        self._count(digested)
        self._tell([*digested.opened, *digested.changed])

    async def _set_aside(self, row: Row[Any], error: Exception) -> None:
        why = f"{type(error).__name__}: {error}"[:_MAX_REASON]
        _LOG.error(
            "record %s of device %s was set aside: %s",
            (row.inc, row.boot, row.seq),
            row.device,
            why,
        )
        await self._database.write(mark_failed, row, why, self._clock())
        self._counters.count_digested(1, 1)

    def _count(self, digested: Digested) -> None:
        self._counters.count_digested(digested.records, len(digested.failed))
        self._counters.count_tickets(len(digested.opened), 0)

    def _tell(self, tickets: Sequence[Ticket]) -> None:
        for ticket in tickets:
            self._on_ticket(ticket)
