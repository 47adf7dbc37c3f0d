"""What a board prints, taken apart: lines, the prompt, the question for the PIN. No I/O."""

import codecs
from dataclasses import dataclass
from typing import Final

PROMPT: Final = "ph> "
PIN: Final = "PIN: "
REPL: Final = ">>> "
# As phonehome_tools.cable.line: what has no end is no line of ours.
MAX_LINE: Final = 8192


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that a board said: `kind` is line, prompt, pin or repl."""

    kind: str
    text: str = ""


_ENDS: Final = {PROMPT: "prompt", PIN: "pin", REPL: "repl"}


class Stream:
    """Fed with bytes, gives what was said; noise is shown as U+FFFD and ends with its line.

    `expect_echo` names a line that was typed: the board repeats it, and nobody needs it twice.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._pending = ""
        self._echoes: list[str] = []

    def expect_echo(self, line: str) -> None:
        """A line that is going to come back."""
        self._echoes.append(line)

    def feed(self, data: bytes) -> list[Said]:
        """What these bytes complete."""
        self._pending += self._decoder.decode(data)
        said = []
        while (one := self._next()) is not None:
            if one.kind != "line" or not self._is_echo(one.text):
                said.append(one)
        return said

    @property
    def rest(self) -> str:
        """The beginning of what is not complete yet."""
        return self._pending

    def _next(self) -> Said | None:
        for end, kind in _ENDS.items():
            if self._pending.startswith(end):
                self._pending = self._pending[len(end) :]
                return Said(kind)
        line, newline, rest = self._pending.partition("\n")
        if newline:
            self._pending = rest
            return Said("line", line.strip("\r"))
        if len(line) >= MAX_LINE:
            self._pending = ""
            return Said("line", line)
        return None

    def _is_echo(self, line: str) -> bool:
        if self._echoes and line == self._echoes[0]:
            self._echoes.pop(0)
            return True
        return False
