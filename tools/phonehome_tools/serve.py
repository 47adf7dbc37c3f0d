"""`phonehome serve`: become the receiver, which reads its settings and the environment itself."""

import argparse
import os
import sys
from pathlib import Path

RECEIVER = "phonehome_cloud"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the receiver's own `serve`."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings in TOML")
    parser.add_argument("--log", metavar="LEVEL", help="DEBUG to ERROR")


def run(args: argparse.Namespace) -> int:
    """Execute the receiver in place of this process; does not return."""
    words = [sys.executable, "-m", RECEIVER, "serve"]
    for option, value in (("--config", args.config), ("--log", args.log)):
        words += [option, str(value)] if value is not None else []
    sys.stdout.flush()
    os.execv(sys.executable, words)  # noqa: S606 - no shell is the point
