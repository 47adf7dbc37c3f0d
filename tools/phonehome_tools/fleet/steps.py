"""Steps of a verb that are done at a receiver's desk: what they are told, and how they end."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from .desk import Desk, read_token
from .errors import DeskError, FleetError

GOOD, FAILED, USAGE, REFUSED = 0, 1, 2, 3
SERVER: Final = "http://127.0.0.1:8470"

Step = Callable[[Desk, argparse.Namespace], Awaitable[int]]


def add_step(steps: Any, name: str, run_step: Step, text: str) -> argparse.ArgumentParser:
    """A step with the words that all of them take: --server, --token-file, --json."""
    step: argparse.ArgumentParser = steps.add_parser(name, help=text, description=text)
    step.add_argument("--server", default=SERVER, metavar="URL", help=f"default {SERVER}")
    step.add_argument("--token-file", type=Path, metavar="FILE", help="the API token")
    step.add_argument("--json", action="store_true", help="one object a line")
    step.set_defaults(run_step=run_step)
    return step


def run_at_desk(verb: str, args: argparse.Namespace, refused_by: int | None = None) -> int:
    """Do the step that was asked for; its exit code, or FAILED when the desk says no, USAGE when
    it could not be asked. `refused_by` is the status of an answer that is REFUSED instead.
    """
    try:
        return asyncio.run(_with_desk(args))
    except DeskError as error:
        print(f"phonehome {verb}: {error}", file=sys.stderr)
        return REFUSED if error.status == refused_by else FAILED
    except (FleetError, OSError) as error:
        print(f"phonehome {verb}: {error}", file=sys.stderr)
        return USAGE


async def _with_desk(args: argparse.Namespace) -> int:
    async with Desk(args.server, read_token(args.token_file)) as desk:
        return int(await args.run_step(desk, args))
