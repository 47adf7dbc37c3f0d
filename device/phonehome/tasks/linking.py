"""The loops that keep the way to the receiver open: the Wi-Fi, and a link that listens."""

import asyncio

from phonehome_wire.compat import const

JOIN_S = const(60)  # a try to join takes 20 s
LISTEN_S = const(200)  # half a keep-alive, a ping and a packet
_LOOK_S = const(2)
_SLICE_S = const(60)  # of a wait, so that the watchdog hears of it


async def join(alive, wifi, note) -> None:
    """Keep the Wi-Fi joined; `note(is_up)` hears of each change."""
    was_up = False
    while True:
        alive()
        if was_up and not wifi.is_joined:
            note(False)
            was_up = False
        is_up = await wifi.join()
        if is_up != was_up:
            note(is_up)
            was_up = is_up
        await asyncio.sleep(_LOOK_S)


async def listen(alive, link, note) -> None:
    """Let a link hear what comes in by itself; `note(is_up)` hears when it went down."""
    while True:
        alive()
        try:
            await asyncio.wait_for(link.opened.wait(), _SLICE_S)
        except asyncio.TimeoutError:
            continue
        link.opened.clear()
        await link.listen(alive)
        note(False)
