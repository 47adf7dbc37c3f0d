"""The receiver's own count of what it has digested and considered, read over HTTP."""

import asyncio
import re
import time

# The receiver's counters have no client of their own; this reads one text page.
import aiohttp

from phonehome_tools.fleet.errors import ChildError
from phonehome_tools.fleet.receiver import Receiver

WITHIN_S = 120.0
ASK_EVERY_S = 0.1  # each question costs the receiver a millisecond
SETTLED_S = 0.7  # a batch takes less, and a digest that gave way is back before
CONSIDERED = re.compile(r'^phonehome_considered_total\{event="done"\} (\S+)', re.MULTILINE)
COUNTER = re.compile(r'^phonehome_digested_records_total\{outcome="(\w+)"\} (\S+)', re.MULTILINE)


async def read_digested(receiver: Receiver) -> int:
    """Records digested since the receiver started; ChildError when some of them failed."""
    return (await _read(receiver))[0]


async def read_considered(receiver: Receiver) -> int:
    """Tickets considered since the receiver started."""
    return (await _read(receiver))[1]


async def _read(receiver: Receiver) -> tuple[int, int]:
    """Records digested, and tickets considered."""
    url = receiver.http + "/metrics"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        text = await answer.text()
    counts = {name: float(n) for name, n in COUNTER.findall(text)}
    if counts.get("failed"):
        raise ChildError(f"{counts['failed']:.0f} records could not be digested")
    considered = CONSIDERED.search(text)
    return int(counts.get("done", 0)), int(float(considered[1])) if considered else 0


async def settle(receiver: Receiver) -> float:
    """Wait until nothing more is digested, and no ticket considered; records digested per second
    from the first batch that is seen to the last, with everything that goes on beside them.

    Of a backlog that takes a single batch, until that is seen. TimeoutError when it takes long.
    """
    seen = [(time.monotonic(), (await _read(receiver))[0])]
    before, changed_s = (-1, -1), seen[0][0]
    async with asyncio.timeout(WITHIN_S):
        while time.monotonic() - changed_s < SETTLED_S:
            await asyncio.sleep(ASK_EVERY_S)
            if (now := await _read(receiver)) != before:
                changed_s = time.monotonic()
                if now[0] != seen[-1][1]:
                    seen.append((changed_s, now[0]))
                before = now
    (from_s, first), (to_s, last) = seen[min(1, len(seen) - 2)], seen[-1]
    return (last - first) / max(ASK_EVERY_S, to_s - from_s)
