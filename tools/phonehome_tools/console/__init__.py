"""`phonehome console`: a comfortable terminal around the console of a board.

With a terminal on both ends it has history, completion and live charts; without one it types the
lines of its standard input and prints the answers, for scripts.
"""

import argparse
import sys

from phonehome_tools.cable.board import find_ports
from phonehome_tools.cable.errors import UsageError, complain
from phonehome_tools.cable.line import open_line
from phonehome_tools.console import piped, screen
from phonehome_tools.console.talk import Talk
from phonehome_tools.fleet.errors import FleetError

EPILOG = """
Tab completes, arrows bring back what was typed, `sensors watch` draws charts until Enter, Ctrl-C
gives a line up, Ctrl-D leaves and locks the PIN. The application on the board goes on meanwhile.
An export is kept on this computer as it appears, for 'phonehome push-reports'. Exit codes: 1 an
answer was an error (piped), 2 wrong use, 4 no board, or it went away.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which board."""
    parser.epilog = EPILOG
    parser.add_argument("port", nargs="?", default="auto", help="port, EUI-64, or auto")


def run(args: argparse.Namespace) -> int:
    """Talk until the input ends or Ctrl-D; an exit code."""
    try:
        ports = find_ports([args.port])
        if len(ports) != 1:
            raise UsageError(f"{args.port}: {len(ports)} boards; a console is for one at a time")
        with open_line(ports[0]) as line:
            if sys.stdin.isatty() and sys.stdout.isatty():
                return screen.converse(Talk(line))
            return piped.converse(Talk(line), sys.stdin, sys.stdout)
    except FleetError as error:
        return complain("console", error)
