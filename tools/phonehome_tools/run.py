"""`phonehome run`: run a program of this computer on a board, without installing it."""

import argparse
import sys
from pathlib import Path

from phonehome_tools.cable.board import Board, find_ports, open_board
from phonehome_tools.cable.errors import FAILED, GOOD, UsageError, complain
from phonehome_tools.cable.ports import expect_one
from phonehome_tools.fleet.errors import FleetError

_INTERRUPTED = 130


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where, and what."""
    parser.epilog = "What the program prints is printed; Ctrl-C interrupts it on the board."
    parser.add_argument("words", nargs="+", metavar="[PORT] FILE", help="the port, and a .py file")
    parser.add_argument("--reset", action="store_true", help="start the board again behind it")


def run(args: argparse.Namespace) -> int:
    """Run it: 0 it ended, 1 with an exception, 130 by Ctrl-C."""
    *ports, file = args.words
    try:
        text = read_program(Path(file))
        with open_board(expect_one(find_ports(ports))) as board:
            code = follow(board, text)
            if args.reset:
                board.reset()
    except FleetError as error:
        return complain("run", error)
    return code


def read_program(path: Path) -> str:
    """The text of a program; UsageError."""
    try:
        return path.read_text()
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: cannot be read: {error}") from error


def follow(board: Board, text: str) -> int:
    """Run a text on a board and print what it prints; the exit code of the verb."""
    is_interrupted = False
    board.begin(text)
    while True:
        try:
            for piece in board.output():
                print(piece.decode(errors="replace"), end="", flush=True)
            break
        except KeyboardInterrupt:
            is_interrupted = True
            board.interrupt()
    complaint = board.complaint()
    if is_interrupted:
        return _INTERRUPTED
    print(complaint, end="", file=sys.stderr)
    return FAILED if complaint else GOOD
