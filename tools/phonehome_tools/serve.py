"""`phonehome serve`: run the receiver; every argument is the receiver's own."""

import argparse
import os
import sys

RECEIVER = "phonehome_cloud"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The receiver parses its own arguments, so that there is one place for them."""
    parser.add_argument("words", nargs=argparse.REMAINDER, help="see --help of the receiver")


def run(args: argparse.Namespace) -> int:
    """Become the receiver; does not return."""
    sys.stdout.flush()
    argv = [sys.executable, "-m", RECEIVER, "serve", *args.words]
    os.execv(sys.executable, argv)  # noqa: S606 - no shell is the point
