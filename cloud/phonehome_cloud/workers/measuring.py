"""What nobody counts as it happens is looked up from time to time, and whether all is well."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from phonehome_cloud.errors import StoreError
from phonehome_cloud.store import outbox, receivers
from phonehome_cloud.store.database import Database

_LOG = logging.getLogger(__name__)
_TICK_S = 10.0


class Gauges(Protocol):
    """Where it is shown."""

    def set_lag(self, lag_s: float, waiting: int) -> None:
        """The oldest of so many undigested records has waited so long."""

    def set_effects(self, lag_s: float, waiting: int, dead: int) -> None:
        """So many effects are due, the oldest for so long; so many were given up."""

    def set_dropped(self, dropping: int, records: int) -> None:
        """So many devices say that they have dropped so many records."""


class Measuring:
    """Looks every ten seconds; `look` is the readiness of the whole, which logs what changed."""

    def __init__(
        self,
        database: Database,
        clock: Callable[[], int],
        gauges: Gauges,
        look: Callable[[], Awaitable[object]],
    ) -> None:
        self._database = database
        self._clock = clock
        self._gauges = gauges
        self._look = look
        self.lag_s = 0.0  # of the digest, when it was last looked at

    async def run(self) -> None:
        """Measure until cancelled."""
        while True:
            try:
                await self.measure()
            except StoreError as error:
                _LOG.warning("nothing could be measured: %s", error)
            await self._look()
            await asyncio.sleep(_TICK_S)

    async def measure(self) -> None:
        """Look once."""
        backlog = await self._database.read(receivers.load_backlog)
        self.lag_s = self._passed_s(backlog.since_at)
        self._gauges.set_lag(self.lag_s, backlog.waiting)
        outgoing = await self._database.read(outbox.load_backlog, self._clock())
        self._gauges.set_effects(
            self._passed_s(outgoing.since_at), outgoing.waiting, outgoing.dead
        )
        self._gauges.set_dropped(*await self._database.read(receivers.count_dropped))

    def _passed_s(self, since_at: int | None) -> float:
        """How long ago that was; 0 for never."""
        return 0.0 if since_at is None else max(0, self._clock() - since_at) / 1000
