"""The test's board with its console at the other end of a serial cable of this computer."""

import subprocess
import tty

from phonehome_tools.fleet.children import TETHER
from tests.fakes.board import HEAP, MAIN
from tests.fakes.cabled import CabledBoard
from tests.fakes.typing_board import write_settings


class TypedAtBoard(CabledBoard):
    """The real agent (tests/fakes/board_main.py) at a `port`; its settings are a TypingBoard's.

    Behind `pull_after` bytes that were typed the cable is pulled.
    """

    def __init__(self, interpreter, environment, folder, pull_after=-1, **settings):
        super().__init__(folder / "flash.img", pull_after=pull_after)
        self.flow = folder / "flow"
        self._argv = [interpreter, "-X", HEAP, MAIN, write_settings(folder, **settings)]
        self._environment = environment

    def _run(self):
        tty.setraw(self._board[1])
        self._process = subprocess.Popen(
            [*TETHER, *map(str, self._argv)],
            stdin=self._board[1],
            stdout=self._board[1],
            stderr=self._board[1],
            env=self._environment,
        )
