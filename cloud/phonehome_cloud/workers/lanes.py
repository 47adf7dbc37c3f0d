"""The ledger of intake: as many commits at a time as the database has writers.

A device has its lane, so what it says is stored in the order in which it came. On PostgreSQL the
messages of one lane are decoded while the server works on those of the other: with 256 connections
two lanes take half as many reports again as one. SQLite has one writer, and one lane.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from phonehome_cloud.core.arrivals import Arrival, Intrusion, Misfit, Outcome

from .committer import Committer, Entry


class Lanes:
    """What core.intake asks of a ledger, over some committers."""

    def __init__(self, lanes: Sequence[Committer]) -> None:
        self._lanes = lanes

    @property
    def depth(self) -> int:
        """Entries that wait for a commit."""
        return sum(lane.depth for lane in self._lanes)

    def submit(self, entry: Entry, done: Callable[[Any], None]) -> None:
        """See Committer.submit."""
        self._of(entry).submit(entry, done)

    async def add(self, arrival: Arrival) -> Outcome:
        """See Committer.add."""
        return await self._of(arrival).add(arrival)

    async def quarantine(self, misfit: Misfit) -> None:
        """See Committer.quarantine."""
        await self._of(misfit).quarantine(misfit)

    async def note_intrusion(self, intrusion: Intrusion) -> None:
        """See Committer.note_intrusion."""
        await self._of(intrusion).note_intrusion(intrusion)

    async def drain(self) -> None:
        """Return when everything that was taken is committed or has failed."""
        await asyncio.gather(*(lane.drain() for lane in self._lanes))

    async def wait_quiet(self) -> bool:
        """True when nobody came to any lane for a while; see Committer.wait_quiet."""
        return all(await asyncio.gather(*(lane.wait_quiet() for lane in self._lanes)))

    def _of(self, entry: Entry) -> Committer:
        return self._lanes[hash(entry.device) % len(self._lanes)]
