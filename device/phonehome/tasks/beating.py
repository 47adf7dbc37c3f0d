"""The loop that beats: a heartbeat every period, and the clock's floor to flash every hour."""

import asyncio

from phonehome_wire.compat import const

LATE_S = const(150)
_KEEP_S = const(3600)
_LOOK_S = const(1)


async def run(alive, config, draw, beat, keep, tend) -> None:
    """Call `beat()` when the boot has settled and then every period, `keep()` about hourly.

    The periods are those of `config` at the time: it may change. `tend()` is called each second.
    Devices that got their power at one instant shall not beat at one instant: `draw` spreads them.
    """
    alive()
    await asyncio.sleep((config.settle_ms + draw(config.settle_ms + 1)) / 1000)
    beat()
    since_beat_s = draw(config.heartbeat_s)
    since_kept_s = 0
    while True:
        await asyncio.sleep(_LOOK_S)
        alive()
        tend()
        since_beat_s += _LOOK_S
        since_kept_s += _LOOK_S
        if since_beat_s >= config.heartbeat_s:
            since_beat_s = 0
            beat()
        if since_kept_s >= _KEEP_S:
            since_kept_s = 0
            keep()
