"""`phonehome bench NAME|all`: the promised figures, measured again on this machine."""

import argparse
import importlib
import json
import sys
from collections.abc import Sequence

# Tables for people; the same library draws the live views.
from rich.console import Console
from rich.table import Table

from phonehome_tools.bench.figures import Figure
from phonehome_tools.bench.options import STORES, Options
from phonehome_tools.fleet.errors import FleetError
from phonehome_tools.pico import settings

BENCHES = {
    "wire": "Message sizes against their budgets, encode time and heap.",
    "heap": "Heap of the agent on unix MicroPython, beyond the bare interpreter.",
    "intake": "Signed reports committed and acked, beside a bare aiohttp server.",
    "digest": "Committed records turned into tickets, per accepted report and among many.",
    "decide": "Tickets diagnosed and decided on one core, beside reading their facts.",
    "storage": "Bytes and database time of a report, memory of an idle device at the broker.",
    "latency": "From a fault confirmed on the device to its ticket in the API.",
    "energy": "A day of a freezer logger on a battery: wakes, bytes, charge, battery life.",
    "courier": "An exported fault and its ack on a serial line: bytes, and seconds by arithmetic.",
    "pico": "Heap, flash and time of the agent on real firmware in an emulated Pico.",
}
OF_STORES = ("intake", "digest", "decide", "storage")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """NAME or all, and the form of the output."""
    lines = "; ".join(f"{name}: {text}" for name, text in BENCHES.items())
    parser.add_argument("name", choices=[*BENCHES, "all"], metavar="NAME|all", help=lines)
    parser.add_argument(
        "--store", choices=STORES, default=STORES[0], help="where intake and digest store"
    )
    parser.add_argument("--quick", action="store_true", help="only to see that intake runs")
    parser.add_argument("--json", action="store_true", help="a list of figures as JSON")


def run(args: argparse.Namespace) -> int:
    """Measure and print; 1 when a figure misses its bar or a bench could not run."""
    names = list(BENCHES) if args.name == "all" else [args.name]
    figures: list[Figure] = []
    failed = False
    for name in names:
        if name != args.name and (reason := reason_to_skip(name)):
            print(f"phonehome bench {name}: skipped: {reason}", file=sys.stderr)
            continue
        try:
            measured = measure(name, Options(args.store, args.quick))
        except FleetError as error:
            print(f"phonehome bench {name}: {error}", file=sys.stderr)
            failed = True
            continue
        figures += measured
        if not args.json:
            print_table(BENCHES[name], measured)
    if args.json:
        print(json.dumps([figure.as_dict() for figure in figures], indent=1))
    return 1 if failed or not all(figure.holds for figure in figures) else 0


def measure(name: str, options: Options) -> list[Figure]:
    """The figures of one bench."""
    module = importlib.import_module(f"phonehome_tools.bench.{name}")
    found: list[Figure] = module.measure(options) if name in OF_STORES else module.measure()
    return found


def reason_to_skip(name: str) -> str:
    """Why a bench cannot run among all others here; empty when it can."""
    lacks = settings.missing() if name == "pico" else []
    return f"{lacks[0]} (tests/pico/README.md)" if lacks else ""


def print_table(title: str, figures: Sequence[Figure]) -> None:
    """One bench as a table; a missed bar stands out by words, not by colour alone."""
    table = Table("figure", title=title, title_justify="left", min_width=len(title) + 4)
    for heading in ("value", "unit", "bar", ""):
        table.add_column(heading, justify="right")
    for figure in figures:
        verdict = "" if figure.bar is None else "holds" if figure.holds else "[red]MISSED[/red]"
        table.add_row(figure.figure, figure.value_text, figure.unit, figure.bar_text, verdict)
    Console().print(table)
