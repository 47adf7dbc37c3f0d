"""After a reset: the board is back on its port, and the agent on it says who it is.

On native USB a port goes away with the board, and what was printed before it is back is lost.
So the console of the agent is asked until it answers, instead of waiting for a line.
"""

import json
import time
from contextlib import suppress
from typing import Any, Final

from phonehome_tools.cable.errors import CableError, NoBoardError
from phonehome_tools.cable.line import Line, open_line

# An RP2040 that compiles nothing is there after 2 s; one that joins a Wi-Fi takes its time.
WITHIN_S: Final = 60.0
_ASK_EVERY_S: Final = 1.0
_REOPEN_S: Final = 0.2
_QUESTION: Final = "version --json"
_ANSWER: Final = '{"command": "version"'
_PROMPT: Final = ">>> "
_FAILURE: Final = "Traceback"
_KEPT_LINES: Final = 24
# A board whose application ends starts again; the second time it is a loop.
_LOOP: Final = 2


def wait_for_agent(port: str, within_s: float = WITHIN_S) -> dict[str, Any]:
    """What the agent's console says to `version`; CableError with the board's last words."""
    deadline = time.monotonic() + within_s
    last: CableError = NoBoardError(f"{port}: the board did not come back", "look at the cable")
    while time.monotonic() < deadline:
        try:
            with open_line(port) as line:
                return _ask(port, line, deadline)
        except NoBoardError as error:
            last = error
            time.sleep(_REOPEN_S)
    raise last


def _ask(port: str, line: Line, deadline: float) -> dict[str, Any]:
    heard: list[str] = []
    failures = 0
    while time.monotonic() < deadline:
        line.write_line(_QUESTION)
        for said in line.lines(_ASK_EVERY_S):
            at = said.find(_ANSWER)
            if at >= 0:
                with suppress(ValueError):
                    return dict(json.loads(said[at:]))
            heard = [*heard, said][-_KEPT_LINES:]
            failures += said.startswith(_FAILURE)
            if said.startswith(_PROMPT) or failures >= _LOOP:
                raise CableError(f"{port}: {_why(heard)}", "'phonehome logs' shows all of it")
    raise CableError(f"{port}: the agent's console did not answer; {_why(heard)}", _SILENT)


_SILENT: Final = 'is "console": false in phonehome.json, or does the application hold up the loop?'


def _why(heard: list[str]) -> str:
    """What the board said before it was at its prompt instead of running."""
    failures = [at for at, said in enumerate(heard) if said.startswith(_FAILURE)]
    if failures:
        told = [said for said in heard[failures[0] + 1 :] if said and not said.startswith(" ")]
        if told:
            return f"the application ended: {told[0]}"
    said = [line for line in heard if line.strip()]
    return f"it said: {said[-1]}" if said else "it said nothing"
