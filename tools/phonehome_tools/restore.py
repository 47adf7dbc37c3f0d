"""`phonehome restore`: fill an empty store from a backup."""

import argparse
from pathlib import Path

from .receiver import become, options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to read, how to check it, and the receiver's settings."""
    parser.add_argument("file", type=Path, help="what `phonehome backup` wrote")
    parser.add_argument("--config", type=Path, metavar="FILE", help="the receiver's settings")
    parser.add_argument(
        "--archive",
        type=Path,
        metavar="FOLDER",
        help="where the archive's files of this backup are, if not in archive/ beside it",
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--verify", action="store_true", help="read everything back, and compare it")
    how.add_argument("--check", action="store_true", help="only read the backup: is it whole?")


def run(args: argparse.Namespace) -> int:
    """Does not return."""
    flags = [f"--{name}" for name in ("verify", "check") if getattr(args, name)]
    become(
        "restore",
        *options((("--config", args.config), ("--archive", args.archive))),
        *flags,
        "--",
        str(args.file),
    )
