"""The loop that notices somebody at the console; all the rest of it is loaded for them."""

import asyncio

from phonehome.core.ondemand import forget

_LOOK_S = 0.2  # what is typed meanwhile waits in the firmware, which has room for 512 bytes
_CONSOLE = "phonehome.tasks.console"


async def run(agent, terminal) -> None:
    """Answer whoever types, until the input ends."""
    while not terminal.is_gone:
        await asyncio.sleep(_LOOK_S)
        if terminal.has_input():
            from .console import converse

            await converse(agent, terminal)
            forget(_CONSOLE)
