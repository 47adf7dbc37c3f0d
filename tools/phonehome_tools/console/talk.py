"""One talk with the console of a board: a line typed, its answer heard, an export kept."""

import json
import time
from collections.abc import Callable
from typing import Any, Final

from phonehome_tools.cable.errors import CableError, RefusedError
from phonehome_tools.cable.line import Line
from phonehome_tools.console.stream import Said, Stream

# A board that is busy with TLS or flash has its turn late; a self-test takes a second.
ANSWER_S: Final = 15.0
GREET_S: Final = 5.0
_GREETINGS: Final = 4  # a board that just starts hears none of the first
_LEAVE: Final = b"\x04"
_KEY: Final = b" "
_HEAD: Final = '{"command": '


class Talk:
    """Types lines and hears answers; whatever else the application prints goes to `on_other`."""

    def __init__(self, line: Line) -> None:
        self.name = line.name
        self._line = line
        self._stream = Stream()
        self.on_other: Callable[[str], None] = lambda _text: None

    def greet(self) -> None:
        """Reach the console; RefusedError at a REPL, CableError when nothing answers."""
        for _ in range(_GREETINGS):
            self.type("")
            deadline = time.monotonic() + GREET_S / _GREETINGS
            while time.monotonic() < deadline:
                for said in self.hear():
                    if said.kind == "prompt":
                        return
                    if said.kind == "repl":
                        raise RefusedError(f"{self.name}: {_AT_REPL}", _START_IT)
                    self.on_other(said.text)
        raise CableError(f"{self.name}: no console answers", _NO_CONSOLE)

    def type(self, text: str, *, is_hidden: bool = False) -> None:
        """Type a line and Enter; a hidden one is not echoed by the board."""
        self._stream.expect_echo("" if is_hidden else text)
        self._line.write(text.encode("ascii", "ignore") + b"\r")

    def hit_key(self) -> None:
        """End what goes on until a key is hit."""
        self._line.write(_KEY)

    def leave(self) -> None:
        """End the conversation on the board: the next one is asked for the PIN again."""
        self._line.write(_LEAVE)

    def hear(self) -> list[Said]:
        """What came in meanwhile, waiting a moment for it; GoneError."""
        return self._stream.feed(self._line.read_some())

    def ask(self, command: str, within_s: float = ANSWER_S) -> dict[str, Any]:
        """The answer of a command that needs no PIN, from its JSON."""
        self.type(f"{command} --json")
        deadline = time.monotonic() + within_s
        answer: dict[str, Any] | None = None
        while time.monotonic() < deadline:
            for said in self.hear():
                if said.kind == "prompt" and answer is not None:
                    return answer
                answer = maybe_answer(said) or answer
        raise CableError(f"{self.name}: no answer to {command!r}", "is the board busy? try again")


def maybe_answer(said: Said) -> dict[str, Any] | None:
    """The object of a line that is an answer in JSON."""
    if said.kind != "line" or not said.text.startswith(_HEAD):
        return None
    try:
        found = json.loads(said.text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


_AT_REPL: Final = "the board is at its Python prompt, its application does not run"
_START_IT: Final = "start it: 'phonehome reset'"
_NO_CONSOLE: Final = (
    "is the agent older than this command, 'console' false in phonehome.json, or the package "
    "phonehome-console not installed?"
)
