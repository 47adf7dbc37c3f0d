"""One emulated board: power, console and reset, as somebody at a desk has them over USB."""

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

# mpremote's transport: what every MicroPython developer's console speaks.
from mpremote.transport import TransportError
from mpremote.transport_serial import SerialTransport

from phonehome_tools.fleet.children import TETHER
from phonehome_tools.fleet.errors import ChildError
from phonehome_tools.pico.settings import Machine

LISTENING = re.compile(r"listening on [\d.]+:(\d+)")
KEPT_LINES = 30
GRACE_S = 5.0
BOOT_S = 20.0
END = b"\x04"
CTRL_C = b"\x03"
PROMPT = b">>> "


class PicoBoard:
    """A running board; a context manager. Its flash starts as the littlefs file `image`.

    With `is_paced` emulated time keeps to the wall clock, which a board on a network needs;
    without, it runs as fast as it can and idle time takes none. One that `is_left_alone` runs its
    main.py, and nobody types anything. ChildError tells what went wrong.
    """

    def __init__(
        self, machine: Machine, image: Path, is_paced: bool = False, is_left_alone: bool = False
    ) -> None:
        self._is_left_alone = is_left_alone
        self._argv = (*machine.command, "--littlefs", str(image), "--tcp-port", "0")
        self._pace = "real" if is_paced else "fast"
        self._process: subprocess.Popen[str] | None = None
        self._console: SerialTransport | None = None

    def __enter__(self) -> Self:
        """Power on, and reach the prompt unless the board is left alone."""
        self._process = subprocess.Popen(  # noqa: S603 - the emulator of the settings
            [*TETHER, *self._argv],
            env={**os.environ, "PICOEMU_PACE": self._pace, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            self._console = SerialTransport(f"socket://127.0.0.1:{self._read_port()}", timeout=1)
            if not self._is_left_alone:
                self._reach_prompt()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Power off."""
        if self._console is not None:
            with suppress(OSError):
                self._console.serial.close()
        process = self._process
        if process is not None:
            process.terminate()
            try:
                process.communicate(timeout=GRACE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()

    @contextmanager
    def lend_console(self) -> Iterator[str]:
        """The console's address for another program, which must give it back by closing it."""
        console = self._expect_console()
        console.exit_raw_repl()
        address = console.device_name
        console.serial.close()
        self._console = None
        yield address
        self._console = SerialTransport(address, timeout=1)
        self._reach_prompt()

    def run(self, script: str, within_s: float = 60.0) -> list[str]:
        """Run a script on the board and return the lines it printed."""
        return self.converse(script, lambda _line: None, within_s)

    def converse(
        self, script: str, answer: Callable[[str], str | None], within_s: float = 60.0
    ) -> list[str]:
        """Run a script; each line it prints may be answered by a line on its standard input."""
        deadline = time.monotonic() + within_s
        console = self._expect_console()
        console.exec_raw_no_follow(script)
        lines = []
        while (line := self._read_line(deadline)) is not None:
            lines.append(line)
            reply = answer(line)
            if reply is not None:
                console.serial.write(reply.encode() + b"\n")
        self._check_end(lines)
        return lines

    def run_until_reset(self, script: str, within_s: float = 60.0) -> list[str]:
        """Run a script that resets the board; return what it printed, once the board is back.

        The last line it prints must be `reset`.
        """
        deadline = time.monotonic() + within_s
        self._expect_console().exec_raw_no_follow(script)
        lines: list[str] = []
        while (line := self._read_line(deadline)) != "reset":
            if line is None:
                self._check_end(lines)
                raise ChildError("the board's script ended without a reset")
            lines.append(line)
        self._reach_prompt()
        return lines

    def run_until_gone(self, script: str = "", within_s: float = 60.0) -> list[str]:
        """Run a script until the board starts again by itself; return what it printed.

        Without a script, whatever runs already. A program that runs ignores the returns that are
        typed here, a prompt answers.
        """
        deadline = time.monotonic() + within_s
        console = self._expect_console()
        if script:
            console.exec_raw_no_follow(script)
        said = b""
        while not said.endswith(PROMPT):
            if time.monotonic() > deadline:
                raise ChildError(f"the board did not start again; it last printed {said[-200:]!r}")
            console.serial.write(b"\r")
            while (more := console.serial.read(1)) and not said.endswith(PROMPT):
                said += more
        self._reach_prompt()
        return said.decode(errors="replace").splitlines()

    def interrupt(self, script: str, line: str, within_s: float = 60.0) -> list[str]:
        """Run a script, type Ctrl-C when it prints something with `line`; return what it printed.

        ChildError unless that ends it with a KeyboardInterrupt.
        """
        deadline = time.monotonic() + within_s
        console = self._expect_console()
        console.exec_raw_no_follow(script)
        lines: list[str] = []
        while (said := self._read_line(deadline)) is not None:
            lines.append(said)
            if line in said:
                console.serial.write(CTRL_C)
        complaint = console.read_until(1, END, timeout=5).decode(errors="replace")
        if "KeyboardInterrupt" not in complaint:
            raise ChildError(f"Ctrl-C did not end the script: {complaint}")
        return lines

    def _check_end(self, lines: list[str]) -> None:
        """ChildError with the traceback when the script that has ended had failed."""
        console = self._expect_console()
        complaint = console.read_until(1, END, timeout=5).rstrip(END).decode(errors="replace")
        if complaint:
            last = "\n".join(lines[-KEPT_LINES:])
            raise ChildError(f"the board's script failed: {complaint}\nafter\n{last}")

    def _read_line(self, deadline: float) -> str | None:
        """The next line of a running script, or None at its end."""
        serial = self._expect_console().serial
        line = b""
        while not line.endswith((b"\n", END)):
            if time.monotonic() > deadline:
                raise ChildError(f"the board's script did not end; it last printed {line!r}")
            line += serial.read(1)
        return None if line == END else line.decode(errors="replace").strip("\r\n\x04")

    def _reach_prompt(self) -> None:
        """Wait for the raw prompt; a board that is booting does not answer yet."""
        deadline = time.monotonic() + BOOT_S
        console = self._expect_console()
        while True:
            try:
                console.enter_raw_repl(soft_reset=False, timeout_overall=1)
                return
            except TransportError as error:
                if time.monotonic() > deadline:
                    raise ChildError(f"the board has no prompt: {error}") from error

    def _expect_console(self) -> SerialTransport:
        if self._console is None:
            raise ChildError("the board is off")
        return self._console

    def _read_port(self) -> str:
        """The port that the emulator announces; ChildError with its last words instead."""
        said: list[str] = []
        process = self._process
        while process is not None and process.stdout is not None:
            line = process.stdout.readline()
            if not line:
                break
            match = LISTENING.search(line)
            if match:
                return match[1]
            said.append(line)
        raise ChildError(f"{self._argv[1]} did not start: {''.join(said[-KEPT_LINES:])}")
