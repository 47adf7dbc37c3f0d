"""`phonehome serve`: become the receiver."""

import argparse
from pathlib import Path

from .receiver import become, options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the receiver's own `serve`."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings in TOML")
    parser.add_argument("--log", metavar="LEVEL", help="DEBUG to ERROR")


def run(args: argparse.Namespace) -> int:
    """Does not return."""
    become("serve", *options((("--config", args.config), ("--log", args.log))))
