"""One conversation at the console: from the first key to two minutes of silence.

Lines are read a byte at a time into a buffer that is made once, and echoed, as a dumb terminal
wants it; a prompt comes only behind Enter, so that what the application prints stays readable.
What a command needs is loaded for it and dropped behind it. Ctrl-C is not ours: the firmware
raises KeyboardInterrupt wherever the program is.
"""

import asyncio
import sys

from phonehome_wire.compat import const

from .console.lines import Line
from .core.ondemand import forget
from .ports.terminal import Terminal

_PROMPT = "ph> "
_TURN_BYTES = const(64)  # of a paste, before the loop has its turn again
_LOOK_S = 0.02
_IDLE_MS = const(120000)

_ROOM = __name__.rpartition(".")[0]
_CONSOLE = _ROOM + ".console"
_LINES = _CONSOLE + ".lines"
_TERMINAL = _ROOM + ".ports.terminal"


async def converse(agent, poll) -> bool:
    """Answer lines until nobody types any more or Ctrl-D is typed; False at the end of input."""
    terminal = Terminal(poll)
    conversation = Conversation(agent.uptime, terminal)
    while True:
        line = await conversation.read_line()
        if conversation.is_over:
            break
        if line != "":
            from .console.commands import carry_out

            await carry_out(agent, conversation, line)
            del carry_out
            _rest()
        terminal.write(_PROMPT)
    forget(_LINES, _TERMINAL)
    return not terminal.is_gone


class Conversation:
    """Whoever types: their lines, and until when they need no PIN."""

    def __init__(self, uptime, terminal) -> None:
        self._uptime = uptime
        self._terminal = terminal
        self._line = Line()
        self.write = terminal.write
        self.unlocked_ms = 0  # uptime until which guarded commands ask for nothing
        self.is_over = False

    async def read_line(self, is_hidden: bool = False) -> "str | None":
        """The next line without its end; None when it was too long, or `is_over`."""
        line, uptime = self._line, self._uptime
        line.is_hidden = is_hidden
        idle_at = uptime.now_ms() + _IDLE_MS
        while not line.is_done:
            if self._take_turn():
                idle_at = uptime.now_ms() + _IDLE_MS
                await asyncio.sleep(0)
            elif line.is_left or self._terminal.is_gone or uptime.now_ms() > idle_at:
                self.is_over = True
                line.wipe()
                return None
            else:
                await asyncio.sleep(_LOOK_S)
        return line.end()

    def is_called(self) -> bool:
        """True when a key was hit; it is taken away. For what goes on until then."""
        return self._terminal.read() >= 0

    def _take_turn(self) -> bool:
        """Take what was typed, up to the end of a line; False when that is nothing."""
        line, echo, count = self._line, "", 0
        while count < _TURN_BYTES and not (line.is_done or line.is_left):
            byte = self._terminal.read()
            if byte < 0:
                break
            echo += line.take(byte)
            count += 1
        if echo:
            self._terminal.write(echo)
        return count > 0


def _rest() -> None:
    """Drop what the command has loaded."""
    for name in list(sys.modules):
        if name != _LINES and name.rpartition(".")[0] == _CONSOLE:
            forget(name)
