"""What can go wrong at a cable, under one root; `code` is the exit code of the command.

CableError            1  it could not be done
├── UsageError        2  words that do not fit together
├── RefusedError      3  it could be done and must not
└── NoBoardError      4  no port, no right to it, somebody else has it, or nobody answers
    └── GoneError     4  the board went away in the middle
CableError
└── ScriptError       1  the board's own exception; `errno` when it is an OSError
"""

import re
import sys

from phonehome_tools.fleet.errors import FleetError

GOOD, FAILED, WRONG_USE, REFUSED, NO_BOARD = 0, 1, 2, 3, 4

# Names of errno as MicroPython prints them, for boards that print no number.
_ERRNOS = {"ENOENT": 2, "EIO": 5, "EEXIST": 17, "ENOSPC": 28, "EROFS": 30}
_OS_ERROR = re.compile(r"OSError: (?:\[Errno )?(\d+|[A-Z]+)")


class CableError(FleetError):
    """One line for a person, and `hint`: what to do about it."""

    code = FAILED

    def __init__(self, text: str, hint: str = "") -> None:
        super().__init__(text)
        self.hint = hint


class UsageError(CableError):
    """An option or a word that does not fit."""

    code = WRONG_USE


class RefusedError(CableError):
    """It could be done, but must not."""

    code = REFUSED


class NoBoardError(CableError):
    """There is no port or no board that answers on it."""

    code = NO_BOARD


class GoneError(NoBoardError):
    """The board went away in the middle: a cable was pulled, or the power."""


class ScriptError(CableError):
    """What we ran on the board ended with an exception there; `traceback` is what it printed."""

    def __init__(self, traceback: str) -> None:
        lines = traceback.strip().splitlines()
        super().__init__(f"the board says: {lines[-1] if lines else 'nothing'}")
        self.traceback = traceback
        match = _OS_ERROR.search(traceback)
        word = match[1] if match else ""
        self.errno = int(word) if word.isdigit() else _ERRNOS.get(word, 0)


def complain(verb: str, error: FleetError) -> int:
    """Print an error and its hint to the standard error, a line each; return its exit code."""
    print(f"phonehome {verb}: {error}", file=sys.stderr)
    hint = getattr(error, "hint", "")
    if hint:
        print(f"  {hint}", file=sys.stderr)
    return int(getattr(error, "code", FAILED))
