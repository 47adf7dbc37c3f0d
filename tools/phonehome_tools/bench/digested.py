"""The receiver's own count of what it has digested, read over HTTP."""

import asyncio
import re
import time

# The receiver's counters have no client of their own; this reads one text page.
import aiohttp

from phonehome_tools.fleet.errors import ChildError
from phonehome_tools.fleet.receiver import Receiver

WITHIN_S = 120.0
ASK_EVERY_S = 0.05  # each question costs the receiver a millisecond
SETTLED_S = 0.7  # a batch takes less, and a digest that gave way is back before
COUNTER = re.compile(r'^phonehome_digested_records_total\{outcome="(\w+)"\} (\S+)', re.MULTILINE)


async def read_digested(receiver: Receiver) -> int:
    """Records digested since the receiver started; ChildError when some of them failed."""
    url = receiver.http + "/metrics"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        counts = {name: float(n) for name, n in COUNTER.findall(await answer.text())}
    if counts.get("failed"):
        raise ChildError(f"{counts['failed']:.0f} records could not be digested")
    return int(counts.get("done", 0))


async def settle(receiver: Receiver) -> float:
    """Wait until nothing more is digested; records per second until then.

    TimeoutError when that takes too long.
    """
    started_s = last_s = time.monotonic()
    first = before = await read_digested(receiver)
    async with asyncio.timeout(WITHIN_S):
        while time.monotonic() - last_s < SETTLED_S:
            await asyncio.sleep(ASK_EVERY_S)
            if (now := await read_digested(receiver)) != before:
                before, last_s = now, time.monotonic()
    return (before - first) / max(ASK_EVERY_S, last_s - started_s)
