"""Looking after tickets: what is due is considered, apart from the digest.

Whatever is due in the table is the work; this loop remembers nothing. A ticket that cannot be
considered is set aside with the reason and never stands in the way of the next.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from sqlalchemy import Connection

from phonehome_cloud.core.considering import Knowledge
from phonehome_cloud.errors import StoreUnavailableError
from phonehome_cloud.store import incidents, priors, tallies
from phonehome_cloud.store.considering import Considered, consider_next, has_due
from phonehome_cloud.store.database import Database

from .waiting import at_once, wait_within

_LOG = logging.getLogger(__name__)
_BATCH: Final = 100  # a commit of intake waits for one of them, some 100 ms
_BRIEF: Final = 10  # so many times smaller while somebody waits
_TICK_S: Final = 1.0
_FOLLOW: Final = 1000  # tickets of an incident that are made due at a time
_WATCH_S: Final = 10.0  # so often devices that restart are counted
_FORGET_S: Final = 3600.0
_SETTLE_S: Final = 60.0  # so often outcomes that held for 90 days are counted


class Counters(Protocol):
    """Where the care of tickets is counted."""

    def count_considered(self, done: Considered, seconds: float) -> None:
        """One batch came to this, and took so long."""


class Caring:
    """Considers what is due, and sleeps until `wake` or the next second."""

    def __init__(
        self,
        database: Database,
        knowledge: Knowledge,
        clock: Callable[[], int],
        counters: Counters,
        batch: int = _BATCH,
    ) -> None:
        self._database = database
        self._knowledge = knowledge
        self._clock = clock
        self._counters = counters
        self._batch = batch
        self._work = asyncio.Event()
        self._watched_s = self._forgot_s = self._settled_s = float("-inf")

    def wake(self) -> None:
        """There may be a ticket to consider."""
        self._work.set()

    async def run(self, give_way: Callable[[float], Awaitable[bool]] = at_once) -> None:
        """Look after tickets until cancelled; when the database is away, again each second.

        `give_way` is told how many seconds the turn before took, and says whether there is time.
        """
        spent_s = 0.0
        while True:
            batch = self._batch if await give_way(spent_s) else max(1, self._batch // _BRIEF)
            self._work.clear()
            started_s = time.monotonic()
            try:
                done = await self.step(batch)
            except StoreUnavailableError as error:
                _LOG.warning("the care of tickets waits for the database: %s", error)
                done = 0
            spent_s = time.monotonic() - started_s
            if done == 0:
                await wait_within(self._work, _TICK_S)

    async def step(self, batch: int | None = None) -> int:
        """Consider one batch; returns how many tickets it had."""
        await self._watch()
        now_at = self._clock()
        if not await self._database.read(_has_work, now_at):
            return 0
        started_s = time.perf_counter()
        done = await self._database.write(_work, batch or self._batch, self._knowledge, now_at)
        self._counters.count_considered(done, time.perf_counter() - started_s)
        return done.tickets

    async def _watch(self) -> None:
        """Now and then: devices that restart, counts that are too old, outcomes that held."""
        now_s = time.monotonic()
        if now_s - self._watched_s >= _WATCH_S:
            self._watched_s = now_s
            opened = await self._database.write(incidents.look_at_boots, self._clock())
            if opened:
                self._counters.count_considered(Considered(incidents=opened), 0.0)
        if now_s - self._forgot_s >= _FORGET_S:
            self._forgot_s = now_s
            await self._database.write(tallies.forget_old, self._clock())
        if now_s - self._settled_s >= _SETTLE_S:
            self._settled_s = now_s
            if await self._database.read(priors.has_held, self._clock()):
                await self._database.write(priors.settle, self._knowledge.fault, self._clock())


def _has_work(connection: Connection, now_at: int) -> bool:
    return has_due(connection, now_at) or incidents.is_following(connection)


def _work(connection: Connection, limit: int, knowledge: Knowledge, now_at: int) -> Considered:
    incidents.follow(connection, now_at, _FOLLOW)
    return consider_next(connection, limit, knowledge, now_at)
