"""`phonehome archive`: old raw messages into Parquet files, and back."""

import argparse
from pathlib import Path

from .receiver import become, options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the files are, what to do with them, and the receiver's settings."""
    parser.add_argument("folder", type=Path, help="where the files are")
    parser.add_argument("--config", type=Path, metavar="FILE", help="the receiver's settings")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--days", type=int, help="keep so many days in the database (90)")
    how.add_argument("--check", action="store_true", help="read every file: is it whole?")
    how.add_argument("--restore", nargs="*", metavar="NAME", help="put files back; all of them")


def run(args: argparse.Namespace) -> int:
    """Does not return."""
    given = options((("--config", args.config), ("--days", args.days)))
    flags = ["--check"] if args.check else []
    back = [] if args.restore is None else ["--restore", *args.restore]
    become("archive", str(args.folder), *given, *flags, *back)
