"""The loop that samples: step, sleep until the next sample is due, note how late the loop is."""

import asyncio

from phonehome_wire.compat import const

LATE_S = const(30)  # a slow bus is no reason to reset
_LONGEST_MS = const(
    1000
)  # uptime is asked often enough to never miss a wrap, and rules stay awake


async def run(alive, step, uptime, note_lag) -> None:
    """Call `step(now_ms)`, which returns when it wants to be called again, for ever."""
    while True:
        alive()
        now_ms = uptime.now_ms()
        wait_ms = min(max(step(now_ms) - uptime.now_ms(), 0), _LONGEST_MS)
        wanted_ms = uptime.now_ms() + wait_ms
        await asyncio.sleep(wait_ms / 1000)
        note_lag(uptime.now_ms() - wanted_ms)
