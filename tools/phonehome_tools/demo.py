"""`phonehome demo`: a receiver, a washer over MQTT, a fridge over HTTP, and their story."""

import argparse
import sys
from pathlib import Path

from phonehome_tools.fleet.children import run_until_signalled
from phonehome_tools.fleet.direction import direct
from phonehome_tools.fleet.errors import FleetError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Whether to stay, and where to keep what the demo makes."""
    add = parser.add_argument
    add("--once", action="store_true", help="end by itself: 0 when the whole story came true")
    add("--state", type=Path, metavar="DIR", help="keep database and devices; else temporary")


def run(args: argparse.Namespace) -> int:
    """Tell the story; 1 with the reason when it did not come true."""
    try:
        return run_until_signalled(direct(args.state, once=args.once))
    except FleetError as error:
        print(f"phonehome demo: {error}", file=sys.stderr)
        return 1
