"""`phonehome reset`: start boards again."""

import argparse

from phonehome_tools.cable.board import find_ports, open_board
from phonehome_tools.cable.errors import complain
from phonehome_tools.cable.many import on_each
from phonehome_tools.fleet.errors import FleetError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which boards."""
    parser.add_argument(
        "ports",
        nargs="*",
        metavar="PORT",
        help="a port or an EUI-64; none: the only board on USB",
    )


def run(args: argparse.Namespace) -> int:
    """Reset each board; the exit code is the largest of all."""
    try:
        ports = find_ports(args.ports)
    except FleetError as error:
        return complain("reset", error)
    return on_each("reset", ports, reset)[1]


def reset(port: str) -> None:
    """Interrupt what runs and start again, as the button does; CableError."""
    with open_board(port) as board:
        board.reset()
