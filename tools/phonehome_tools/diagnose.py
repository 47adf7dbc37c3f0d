"""`phonehome diagnose`: how tickets were diagnosed, and what another product file would change.

Exit codes: 0 good, 1 the receiver refused or is not there, 2 wrong use, 3 a product file is
refused.
"""

import argparse
import json
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

# rich: the table keeps its columns on a narrow terminal, and is plain text in a pipe.
from rich.console import Console
from rich.table import Table

from phonehome_product import ProductError, load
from phonehome_tools.diagnosing.telling import (
    sum_up,
    tell_diagnosis,
    tell_priors,
    tell_replayed,
)
from phonehome_tools.fleet.desk import Desk, refusal
from phonehome_tools.fleet.errors import DeskError, SetupError
from phonehome_tools.fleet.steps import GOOD, REFUSED, add_step, run_at_desk

_MS = 1000
_PIPE_WIDTH = 160  # of a table that no terminal breaks


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the steps: show TICKET, replay --products FILE, priors PRODUCT."""
    steps = parser.add_subparsers(dest="step", metavar="STEP", required=True)
    shown = add_step(steps, "show", _show, "how a ticket was diagnosed, line by line")
    shown.add_argument("ticket", metavar="TICKET", help="a ticket's id")
    again = add_step(steps, "replay", _replay, "what another product file would change")
    again.add_argument("--products", type=Path, required=True, metavar="FILE|DIR")
    again.add_argument("--since", type=_date, default=0, metavar="DATE", help="as 2026-11-01, UTC")
    again.add_argument("--all", action="store_true", help="also what would not change")
    priors = add_step(
        steps, "priors", _priors, "how often each cause is why and what is seen of it, as learnt"
    )
    priors.add_argument("product", metavar="PRODUCT")


def _date(text: str) -> int:
    """Unix ms of a day or moment in UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date such as 2026-11-01") from None
    return int(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() * _MS)


def run(args: argparse.Namespace) -> int:
    """Do one step; see the module for the exit codes."""
    try:
        return run_at_desk("diagnose", args)
    except ProductError as error:
        print(error, file=sys.stderr)
        return REFUSED


async def _show(desk: Desk, args: argparse.Namespace) -> int:
    made = (await desk.get(f"/tickets/{args.ticket}/diagnoses"))["items"]
    if args.json:
        for diagnosis in made:
            print(json.dumps(diagnosis))
        return GOOD
    if not made:
        print(f"{args.ticket}: not diagnosed yet")
    for diagnosis in made:
        print("\n".join(tell_diagnosis(diagnosis)))
    return GOOD


async def _priors(desk: Desk, args: argparse.Namespace) -> int:
    found = await desk.get(f"/products/{args.product}/priors")
    print(json.dumps(found) if args.json else "\n".join(tell_priors(found)))
    return GOOD


async def _replay(desk: Desk, args: argparse.Namespace) -> int:
    for file in _files(args.products):
        product = load(file)  # a bad file is told with its lines, before anything is sent
        wish = {"product_file": _text_of(file), "name": file.name, "since": args.since}
        items = [item async for item in _made_again(desk, wish)]
        if args.json:
            for item in items:
                print(json.dumps({"product": product.name, **item}))
        else:
            _print_table([item for item in items if args.all or item["changes"]])
            print(sum_up(product.name, items))
    return GOOD


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(path.glob("*.toml"))
    if not found:
        raise SetupError(f"{path}: no *.toml in this folder")
    return found


def _text_of(file: Path) -> str:
    return file.read_text(encoding="utf-8")


async def _made_again(desk: Desk, wish: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
    cursor: str | None = None
    while True:
        asked = {**wish, "cursor": cursor} if cursor else wish
        status, page = await desk.send("POST", "/diagnoses/replay", asked)
        if status != 200:
            raise DeskError(f"{wish['name']}: {refusal(page, status)}", status)
        for item in page["items"]:
            yield item
        cursor = page["next"]
        if cursor is None:
            return


def _print_table(items: list[dict[str, Any]]) -> None:
    if not items:
        return
    table = Table("ticket", "fault", "cause", "action", "what changes", box=None)
    for item in items:
        table.add_row(*tell_replayed(item))
    console = Console()
    (console if console.is_terminal else Console(width=_PIPE_WIDTH)).print(table)
