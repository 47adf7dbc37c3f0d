"""Unix MicroPython as a board at a real pseudo-terminal, with littlefs in a file of the host.

machine.reset() starts it again at the same terminal. After `cut_after` programs and erases of its
flash the power is gone, until `power_on`. The cable can be pulled after so many bytes.
"""

import fcntl
import os
import pty
import select
import signal
import subprocess
import termios
import threading
import tty
from contextlib import suppress
from pathlib import Path
from typing import Self

from phonehome_tools.fleet.interpreter import find_interpreter
from phonehome_tools.fleet.tether import ask_to_end_with_parent

MAIN = Path(__file__).with_name("cabled_main.py")
BLOCK_BYTES = 4096
RESET = -signal.SIGUSR1
GRACE_S = 5.0


class CabledBoard:
    """A board with this flash file; a context manager. `port` is where its cable ends.

    `bytes_to_board` counts what was typed; behind `pull_after` of those bytes the cable is pulled.
    """

    def __init__(
        self,
        flash: Path,
        blocks: int = 128,
        device: str = "e66038b713aabbcc",
        is_read_only: bool = False,
        pull_after: int = -1,
    ) -> None:
        if not flash.exists():
            flash.write_bytes(b"\xff" * BLOCK_BYTES * blocks)
        self._flash = flash
        self._words = (device, "ro" if is_read_only else "rw")
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
        for end in (*self._board, *self._host, *self._wake):
            with suppress(OSError):
                os.close(end)

    def power_on(self, cut_after: int = -1) -> None:
        """Start the board; its flash survives so many programs and erases, -1: all."""
        self._is_on.set()
        self._run(cut_after)
        self._start(self._keep_running)

    def power_off(self) -> None:
        """Cut the power."""
        self._is_on.clear()
        process = self._process
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()
            process.wait(GRACE_S)

    def wait_for_cut(self, within_s: float) -> bool:
        """True when the flash has cut the power in time."""
        process = self._process
        try:
            return process is not None and process.wait(within_s) not in (RESET, None)
        except subprocess.TimeoutExpired:
            return False

    def _run(self, cut_after: int) -> None:
        device, mode = self._words
        make_plain(self._board[1])
        argv = [find_interpreter(), "-i", MAIN, self._flash, str(cut_after), mode, device]
        self._process = subprocess.Popen(
            [*map(str, argv)],
            stdin=self._board[1],
            stdout=self._board[1],
            stderr=self._board[1],
            start_new_session=True,
            preexec_fn=become_board,  # noqa: PLW1509 - it only makes system calls
        )

    def _keep_running(self) -> None:
        """A reset starts the program again; any other end is the power's."""
        while self._is_on.is_set():
            process = self._process
            assert process is not None
            if process.wait() != RESET or not self._is_on.is_set():
                return
            self._run(-1)

    def _forward(self) -> None:
        """The cable, both ways, until somebody pulls it."""
        board, host = self._board[0], self._host[0]
        while True:
            ready, _, _ = select.select([board, host, self._wake[0]], [], [])
            if self._wake[0] in ready:
                return
            if board in ready:
                self.bytes_to_host += self._pass(board, host)
            if host in ready:
                self.bytes_to_board += self._pass(host, board)
                if 0 <= self._pull_after < self.bytes_to_board:
                    os.close(self._host[0])
                    return

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
    """(master, slave) of a terminal that changes no byte, but in which Ctrl-C interrupts."""
    master, slave = pty.openpty()
    os.set_blocking(master, False)
    make_plain(slave)
    return master, slave


def make_plain(terminal: int) -> None:
    """Change no byte, but let Ctrl-C interrupt; an interpreter at its prompt has other modes."""
    tty.setraw(terminal)
    modes = termios.tcgetattr(terminal)
    modes[3] |= termios.ISIG
    termios.tcsetattr(terminal, termios.TCSANOW, modes)


def become_board() -> None:
    """Have the terminal's Ctrl-C, which hurts nobody before the interpreter listens."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ask_to_end_with_parent()
