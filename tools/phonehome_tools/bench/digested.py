"""The receiver's own count of what it has digested, read over HTTP."""

import asyncio
import re

# The receiver's counters have no client of their own; this reads one text page.
import aiohttp

from phonehome_tools.fleet.errors import ChildError
from phonehome_tools.fleet.receiver import Receiver

WITHIN_S = 120.0
ASK_EVERY_S = 0.02
SETTLED_S = 0.4  # without load a batch takes less
COUNTER = re.compile(r'^phonehome_digested_records_total\{outcome="(\w+)"\} (\S+)', re.MULTILINE)


async def read_digested(receiver: Receiver) -> int:
    """Records digested since the receiver started; ChildError when some of them failed."""
    url = receiver.http + "/metrics"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        counts = {name: float(n) for name, n in COUNTER.findall(await answer.text())}
    if counts.get("failed"):
        raise ChildError(f"{counts['failed']:.0f} records could not be digested")
    return int(counts.get("done", 0))


async def wait_digested(receiver: Receiver, records: int) -> None:
    """Wait until so many are; TimeoutError when that takes too long."""
    async with asyncio.timeout(WITHIN_S):
        while await read_digested(receiver) < records:  # noqa: ASYNC110 - of another process
            await asyncio.sleep(ASK_EVERY_S)


async def wait_settled(receiver: Receiver) -> None:
    """Wait until nothing more is digested; TimeoutError when that takes too long."""
    before = -1
    async with asyncio.timeout(WITHIN_S):
        while (now := await read_digested(receiver)) != before:
            before = now
            await asyncio.sleep(SETTLED_S)
