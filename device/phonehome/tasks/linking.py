"""The loops that keep the way to the receiver open: the Wi-Fi, and a link that listens."""

import asyncio

from phonehome_wire.compat import const

_LOOK_S = const(2)


async def join(wifi, note) -> None:
    """Keep the Wi-Fi joined; `note(is_up)` hears of each change."""
    was_up = False
    while True:
        is_up = await wifi.join()
        if is_up != was_up:
            note(is_up)
            was_up = is_up
        await asyncio.sleep(_LOOK_S)


async def listen(link, note) -> None:
    """Let a link hear what comes in by itself; `note(is_up)` hears when it went down."""
    while True:
        await link.opened.wait()
        link.opened.clear()
        await link.listen()
        note(False)
