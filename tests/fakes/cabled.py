"""Unix MicroPython as a board at a real pseudo-terminal, with littlefs in a file of the host.

machine.reset() starts it again at the same terminal. Its power can go at a program or an erase of
the flash, and its cable after so many bytes; the flash file then is what another one begins with.
"""

import os
import pty
import select
import signal
import subprocess
import threading
import tty
from contextlib import suppress
from pathlib import Path
from typing import Self

from phonehome_tools.fleet.children import TETHER
from phonehome_tools.fleet.interpreter import find_interpreter

MAIN = Path(__file__).with_name("cabled_main.py")
BLOCK_BYTES = 4096
CUT = -signal.SIGUSR2
GRACE_S = 5.0


class CabledBoard:
    """A board with this flash file; a context manager. `port` is where its cable ends.

    Behind `pull_after` bytes that were typed the cable is pulled; after `cut_after` programs and
    erases of one boot the board has no power any more, and a port of native USB is gone. Without
    `runs_main` it is at its prompt: this interpreter raises KeyboardInterrupt in its signal
    handler, and where that is in the middle of a collection its heap is locked for good.
    """

    def __init__(
        self,
        flash: Path,
        blocks: int = 128,
        device: str = "e66038b713aabbcc",
        is_read_only: bool = False,
        pull_after: int = -1,
        cut_after: int = -1,
        runs_main: bool = True,
    ) -> None:
        if not flash.exists():
            flash.write_bytes(b"\xff" * BLOCK_BYTES * blocks)
        self._flash = flash
        mode, program = "ro" if is_read_only else "rw", "main" if runs_main else "prompt"
        self._words = (str(cut_after), mode, device, program)
        self._pull_after = pull_after
        self._process: subprocess.Popen[bytes] | None = None
        self._is_on = threading.Event()
        self._board = open_terminal()
        self._host = open_terminal()
        self._threads: list[threading.Thread] = []
        self._wake = os.pipe()
        self.bytes_to_board = self.bytes_to_host = 0

    @property
    def port(self) -> str:
        """The other end of the cable: a serial port of this computer."""
        return os.ttyname(self._host[1])

    def __enter__(self) -> Self:
        self._start(self._forward)
        self.power_on()
        return self

    def __exit__(self, *_: object) -> None:
        self.power_off()
        os.write(self._wake[1], b".")
        for thread in self._threads:
            thread.join()
        self.power_off()  # what a reset had just started
        for end in (*self._board, *self._host, *self._wake):
            with suppress(OSError):
                os.close(end)

    def power_on(self) -> None:
        """Start the board."""
        self._is_on.set()
        self._run()
        self._start(self._keep_running)

    def power_off(self) -> None:
        """Cut the power."""
        self._is_on.clear()
        process = self._process
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()
            process.wait(GRACE_S)

    def flash_operations(self) -> int:
        """Programs and erases of the boot that the newest reset has ended."""
        return int(Path(f"{self._flash}.count").read_text().split()[-1])

    def _run(self) -> None:
        tty.setraw(self._board[1])  # an interpreter at its prompt has left other modes
        argv = [find_interpreter(), "-i", MAIN, self._flash, *self._words]
        self._process = subprocess.Popen(
            # A process of its own session, whose terminal this is.
            [*TETHER, "setsid", "--ctty", *map(str, argv)],
            stdin=self._board[1],
            stdout=self._board[1],
            stderr=self._board[1],
        )

    def _keep_running(self) -> None:
        """A reset starts the program again, and so does what a board would call a panic."""
        while self._is_on.is_set():
            process = self._process
            assert process is not None
            end = process.wait()
            if end == CUT or not self._is_on.is_set():
                os.write(self._wake[1], b"." if end == CUT else b"")
                return
            self._run()

    def _forward(self) -> None:
        """The cable, both ways, until somebody pulls it."""
        board, host = self._board[0], self._host[0]
        while True:
            ready, _, _ = select.select([board, host, self._wake[0]], [], [])
            if self._wake[0] in ready:
                break
            if board in ready:
                self.bytes_to_host += self._pass(board, host)
            if host in ready:
                self.bytes_to_board += self._pass(host, board)
                if 0 <= self._pull_after < self.bytes_to_board:
                    break
        os.close(host)

    def _pass(self, source: int, target: int) -> int:
        """Pass on what is there; a reader that does not read makes the writer wait."""
        data = b""
        with suppress(OSError):  # the other end may be closed for a moment
            data = os.read(source, 1024)
            rest = data
            while rest and self._wake[0] not in select.select([self._wake[0]], [target], [])[0]:
                rest = rest[os.write(target, rest) :]
        return len(data)

    def _start(self, work) -> None:
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        self._threads.append(thread)


def open_terminal() -> tuple[int, int]:
    """(master, slave) of a terminal that changes no byte."""
    master, slave = pty.openpty()
    os.set_blocking(master, False)
    tty.setraw(slave)
    return master, slave
