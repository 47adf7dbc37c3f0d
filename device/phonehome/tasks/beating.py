"""The loop that beats: a heartbeat every period, and the clock's floor to flash every hour."""

import asyncio

from phonehome_wire.compat import const

_KEEP_S = const(3600)


async def run(periods, beat, keep) -> None:
    """Call `beat()` when the boot has settled and then every period, `keep()` about hourly.

    `periods` are the settling time in ms and the heartbeat in s.
    """
    settle_ms, period_s = periods
    await asyncio.sleep(settle_ms / 1000)
    since_kept_s = 0
    while True:
        beat()
        await asyncio.sleep(period_s)
        since_kept_s += period_s
        if since_kept_s >= _KEEP_S:
            since_kept_s = 0
            keep()
