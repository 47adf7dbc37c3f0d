"""Notices that somebody types: all that is resident of the console."""

import asyncio
import select
import sys

from phonehome_wire.compat import const

from .core.ondemand import forget

_LOOK_S = 0.2  # what is typed meanwhile waits in the firmware, which has room for 512 bytes
_POLLIN = const(1)  # the same on every port
_CONVERSING = __name__.rpartition(".")[0] + ".conversing"


async def attend(agent) -> None:
    """Answer whoever types; a computer has a console only where the settings say so."""
    is_wanted = agent.config.console
    if not (agent.board.can_reboot if is_wanted is None else is_wanted):
        return
    poll = select.poll()
    poll.register(sys.stdin, _POLLIN)
    while True:
        await asyncio.sleep(_LOOK_S)
        if poll.poll(0):
            try:
                from .conversing import converse

                if not await converse(agent, poll):
                    return
            except ImportError:
                print("no console: install phonehome-console with mip")
                return
            except Exception as error:  # outermost; the application goes on without a console
                agent.record_crash(error)
                return
            finally:
                forget(_CONVERSING)
