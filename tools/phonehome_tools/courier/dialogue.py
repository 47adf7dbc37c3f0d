"""Asking a device's console, on a line that it shares with whatever its application prints."""

import json
import time
from collections.abc import Iterator
from typing import Any, Final

from phonehome_tools.cable.errors import NoBoardError, RefusedError
from phonehome_tools.cable.line import Line
from phonehome_tools.cable.ports import is_eui, plain_eui
from phonehome_wire.serial import MARK, line_count, numbered_line

from .capture import Capture, Captured

ANSWER_S: Final = 10.0  # a board loads what a command needs from flash, beside its other work
_TRY_S: Final = 3.0  # for a first answer: what was typed into a boot is lost
_TRIES: Final = 3
_STALE_S: Final = 0.1
_CLEAR: Final = b"\x15"  # Ctrl-U: whatever somebody left on the line
_NO_CONSOLE: Final = (
    "is the application running, and 'console' not false in phonehome.json? "
    "'phonehome doctor' looks at a board that has only a prompt"
)
_NOISE: Final = "look at the cable and at the baud rate"
_LOST: Final = "the board may have started again, or its application holds up everything"
# What the console says behind an export, for when the export's own end was damaged.
_BEHIND_EXPORT: Final = ("error: ", "reports: ", "records: ")
# Reasons only: a board has no room for the words behind them.
_OF_THE_LINE: Final = ("ack: line", "ack: crc", "ack: order", "ack: length")


class AnswerError(RefusedError):
    """The console answered with an error; the text is its own."""


class Dialogue:
    """Commands and answers on a Line; every answer is one line of JSON."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def expect_console(self) -> str:
        """The EUI-64 of the device whose console answers; NoBoardError when none does."""
        for _ in range(_TRIES):
            answer = self._try("version", _TRY_S)
            device = str(answer.get("device", "")) if answer is not None else ""
            if is_eui(device):
                return plain_eui(device)
        raise NoBoardError(f"{self._line.name}: no console of phonehome answers", _NO_CONSOLE)

    def ask(self, command: str, within_s: float = ANSWER_S) -> dict[str, Any]:
        """What a command answers; AnswerError when that is an error, NoBoardError when nothing."""
        answer = self._try(command, within_s)
        if answer is None:
            name = command.split(maxsplit=1)[0]
            raise NoBoardError(f"{self._line.name}: no answer to {name!r}", _LOST)
        if "error" in answer:
            raise AnswerError(str(answer["error"]))
        return answer

    def export(self, capture: Capture, within_s: float = ANSWER_S) -> Iterator[Captured]:
        """Feed a capture with one export; its reports as they come. See the capture for the end.

        `within_s` is how long nothing of it may come, whatever else the application prints.
        """
        for _ in self._line.lines(_STALE_S):
            pass  # the rest of an export that was given up would be taken for one of this
        self._type("export")
        deadline = time.monotonic() + within_s
        while (line := self._line.read_line(deadline - time.monotonic())) is not None:
            report = capture.feed(line)
            if report is not None:
                yield report
            if capture.announced is not None or line.startswith(_BEHIND_EXPORT):
                break
            if MARK in line:
                deadline = time.monotonic() + within_s

    def type_ack(self, ack: bytes) -> dict[str, Any]:
        """Type the receiver's answer; what the device did. AnswerError when it refuses it.

        NoBoardError when the line damages whatever is typed.
        """
        for _ in range(_TRIES):
            try:
                answers = [
                    self.ask(f"ack {numbered_line(ack, i + 1)}") for i in range(line_count(ack))
                ]
            except AnswerError as error:
                if not str(error).startswith(_OF_THE_LINE):
                    raise
            else:
                return answers[-1]
        raise NoBoardError(f"{self._line.name}: the line damages what is typed", _NOISE)

    def _try(self, command: str, within_s: float) -> dict[str, Any] | None:
        self._type(f"{command} --json")
        begin = '{"command": ' + json.dumps(command.split(maxsplit=1)[0])
        for line in self._line.lines(within_s):
            at = line.rfind(begin)
            if at >= 0:
                try:
                    found: dict[str, Any] = json.loads(line[at:])
                except ValueError:
                    continue  # cut by what the application printed, or an echo
                return found
        return None

    def _type(self, command: str) -> None:
        self._line.write(_CLEAR + command.encode() + b"\r")
