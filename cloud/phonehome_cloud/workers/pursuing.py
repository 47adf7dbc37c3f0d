"""The loop that pursues actions: steps a device may have proven, commands, orders, promises."""

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from phonehome_cloud.errors import StoreUnavailableError
from phonehome_cloud.store import pursuing
from phonehome_cloud.store.database import Database

_LOG = logging.getLogger(__name__)
_TICK_S = 1.0


class Counters(Protocol):
    """Where the pursuit counts."""

    def count_pursued(self, table: str, *, failed: bool) -> None:
        """One row of a table was looked at."""


class Pursuing:
    """Looks each second at what is due; remembers nothing."""

    def __init__(self, database: Database, clock: Callable[[], int], counters: Counters) -> None:
        self._database = database
        self._clock = clock
        self._counters = counters

    async def run(self) -> None:
        """Pursue until cancelled; when the database is away, again each second."""
        while True:
            try:
                await self.step()
            except StoreUnavailableError as error:
                _LOG.warning("actions wait for the database: %s", error)
            await asyncio.sleep(_TICK_S)

    async def step(self) -> int:
        """Look at what is due now; returns how many rows that were.

        One that fails is looked at again some minutes later, and never stands in anybody's way.
        """
        due = await self._database.read(pursuing.find_due, self._clock())
        for one in due:
            self._counters.count_pursued(one.table, failed=not await self._pursue(one))
        return len(due)

    async def _pursue(self, due: pursuing.Due) -> bool:
        try:
            await self._database.write(pursuing.pursue, due, self._clock())
        except StoreUnavailableError:
            raise
        except Exception:  # noqa: BLE001 - one mistake must not hold up everybody else's action
            _LOG.exception("%s of device %s could not be pursued", due.table, due.key[0])
            await self._database.write(pursuing.put_off, due, self._clock())
            return False
        return True
