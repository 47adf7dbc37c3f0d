"""`phonehome backup`: the whole store in one new file, while the receiver goes on."""

import argparse
from pathlib import Path

from .receiver import become, options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where to write, and the receiver's settings."""
    parser.add_argument("file", type=Path, help="a file that is not there yet")
    parser.add_argument(
        "--archive",
        type=Path,
        metavar="FOLDER",
        help="where `phonehome archive` has its files: copy the new ones to archive/ beside FILE",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="the receiver's settings")


def run(args: argparse.Namespace) -> int:
    """Does not return."""
    become(
        "backup",
        *options((("--config", args.config), ("--archive", args.archive))),
        "--",
        str(args.file),
    )
