"""Without a terminal: each line of the input is typed, each answer printed."""

import time
from collections.abc import Iterator
from typing import Final, TextIO

from phonehome_tools.cable.errors import FAILED, GOOD, CableError
from phonehome_tools.console.keeping import Keeping
from phonehome_tools.console.stream import Said
from phonehome_tools.console.talk import ANSWER_S, Talk, maybe_answer

_ERROR: Final = "error: "


def converse(talk: Talk, source: TextIO, sink: TextIO) -> int:
    """Type every line and print what it gets; FAILED when an answer was an error.

    The line behind one that asks for the PIN is the PIN. Silence for a quarter minute ends it.
    """
    keeping, code = Keeping(), GOOD
    lines = iter(source)
    talk.greet()
    for text in lines:
        talk.type(text.strip())
        for said in _until_prompt(talk, lines):
            if (word := keeping.take(said.text)) is not None:
                print(word, file=sink, flush=True)
            if _is_error(said):
                code = FAILED
            print(said.text, file=sink, flush=True)
    talk.leave()
    return code


def _until_prompt(talk: Talk, lines: Iterator[str]) -> Iterator[Said]:
    """The lines of one answer; the PIN is given when it is asked for."""
    deadline = time.monotonic() + ANSWER_S
    while True:
        for said in talk.hear():
            deadline = time.monotonic() + ANSWER_S
            if said.kind == "prompt":
                return
            if said.kind == "pin":
                talk.type(next(lines, "").strip(), is_hidden=True)
            elif said.kind == "line":
                yield said
        if time.monotonic() > deadline:
            raise CableError(f"{talk.name}: no answer within {ANSWER_S:.0f} s", "try again")


def _is_error(said: Said) -> bool:
    answer = maybe_answer(said)
    return said.text.startswith(_ERROR) or (answer is not None and "error" in answer)
