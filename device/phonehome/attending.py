"""Notices that somebody types: all that is resident of the console."""

import asyncio
import select
import sys

from phonehome_wire.compat import const

from .core.ondemand import forget

_LOOK_S = 0.2  # what is typed meanwhile waits in the firmware, which has room for 512 bytes
_POLLIN = const(1)  # the same on every port
_MEETING = __name__.rpartition(".")[0] + ".meeting"


async def attend(agent) -> None:
    """Answer whoever types; a computer has a console only where the settings say so."""
    is_wanted = agent.config.console
    if not (agent.board.can_reboot if is_wanted is None else is_wanted):
        return
    poll = select.poll()
    poll.register(sys.stdin, _POLLIN)
    is_attending = True
    while is_attending:
        await asyncio.sleep(_LOOK_S)
        if poll.poll(0):
            from .meeting import meet

            is_attending = await meet(agent, poll)
            del meet
            forget(_MEETING)
