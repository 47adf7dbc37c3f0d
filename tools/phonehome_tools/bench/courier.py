"""Bench `courier`: what an exported fault and its ack are on a serial line, in bytes and seconds.

The messages are those of bench `wire`, written by unix MicroPython; the lines are the wire's own.
Times are arithmetic: what a line carries, without the board's and the receiver's own work.
`phonehome pull --json` tells of a real visit how long the export and all of it took.
"""

import json
from typing import Final

from phonehome_tools.bench.figures import Figure
from phonehome_tools.bench.wire import BOARD, answers, run_board
from phonehome_wire.serial import MARK, closing_line, done_line, line_count, numbered_line

# 8 data bits, start and stop.
BAUD_BYTES_S: Final = 115_200 / 10
# The least that a full-speed USB device sends: one packet of 64 bytes a frame of 1 ms.
USB_BYTES_S: Final = 64_000
EXPORTED: Final = {"fault": 1, "fault 8x16": 1, "20 faults": 20}  # and how many are in it
CARRIED_BYTES: Final = 2  # key 16 of the uplink, which says that it goes by courier
_END: Final = 2  # of a line: return, line feed
# What the console echoes and answers to each line of an ack, without its echo.
_ANSWER: Final = '{"command": "ack", "taken": "1/2"}'


def measure() -> list[Figure]:
    """Bytes and seconds of exports, then of an ack."""
    rows = {row["name"]: row for row in json.loads(run_board(str(BOARD)))}
    figures = []
    for name, count in EXPORTED.items():
        message = bytes.fromhex(rows[name]["message"]) + bytes(CARRIED_BYTES)
        figures += _exported(name, message, count)
    ack = answers()["ack"]
    typed = [f"ack {numbered_line(ack, i + 1)} --json" for i in range(line_count(ack))]
    both_ways = _size(typed) * 2 + len(typed) * (len(_ANSWER) + _END)
    return [
        *figures,
        Figure("ack, typed", _size(typed), "B"),
        Figure("ack, with echo and answer", both_ways, "B"),
        *_times("ack, with echo and answer", both_ways),
    ]


def _exported(name: str, message: bytes, count: int) -> list[Figure]:
    """One export with one report."""
    lines = [numbered_line(message, i + 1) for i in range(line_count(message))]
    lines += [closing_line(message, is_signed=True), done_line(1, count)]
    size = _size([MARK + line for line in lines])
    return [
        Figure(f"{name}, signed", len(message), "B"),
        Figure(f"{name}, lines of its export", size, "B"),
        Figure(f"{name}, on the line per exported fault", size / count, "B"),
        *_times(f"{name}, export", size),
    ]


def _times(name: str, size: int) -> list[Figure]:
    return [
        Figure(f"{name}, at 115200 Bd", 1000 * size / BAUD_BYTES_S, "ms"),
        Figure(f"{name}, on USB at the least", 1000 * size / USB_BYTES_S, "ms"),
    ]


def _size(lines: list[str]) -> int:
    return sum(len(line) + _END for line in lines)
