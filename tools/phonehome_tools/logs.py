"""`phonehome logs`: what boards print, line by line; whatever runs goes on."""

import argparse
import threading
import time

from phonehome_tools.cable.board import find_ports
from phonehome_tools.cable.errors import complain
from phonehome_tools.cable.line import open_line
from phonehome_tools.cable.many import on_each
from phonehome_tools.fleet.errors import FleetError
from phonehome_tools.fleet.script import parse_duration
from phonehome_tools.reset import reset

# A day; nobody watches a terminal longer.
_LONGEST_S = 86_400.0
# A port of native USB is away while its board starts.
_BACK_S = 10.0
# So late Ctrl-C is noticed.
_LOOK_S = 0.2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which boards, and for how long."""
    parser.epilog = (
        "Ctrl-C ends it. What is no UTF-8, as a boot ROM at another rate, is shown as �."
    )
    add = parser.add_argument
    add(
        "ports", nargs="*", metavar="PORT", help="a port or an EUI-64; none: the only board on USB"
    )
    add("--reset", action="store_true", help="start the board first, to see all of it")
    add("--duration", metavar="TIME", help="end after this time, as in 30s")


def run(args: argparse.Namespace) -> int:
    """Print lines until the time is over or Ctrl-C; of several boards with their ports."""
    try:
        ports = find_ports(args.ports)
        span_s = parse_duration(args.duration) / 1000 if args.duration else _LONGEST_S
    except FleetError as error:
        return complain("logs", error)

    stop = threading.Event()

    def follow(port: str) -> None:
        if args.reset:
            reset(port)
        head = f"{port}: " if len(ports) > 1 else ""
        deadline = time.monotonic() + span_s
        with open_line(port, within_s=_BACK_S if args.reset else 0) as line:
            while not stop.is_set() and time.monotonic() < deadline:
                said = line.read_line(_LOOK_S)
                if said is not None:
                    print(head + said, flush=True)

    return on_each("logs", ports, follow, stop)[1]
