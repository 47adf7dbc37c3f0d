"""`phonehome capacity`: what a fleet needs, by the figures of `phonehome bench`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

# rich: the same tables as those of bench.
from rich.console import Console
from rich.table import Table

from phonehome_tools.fleet.errors import SetupError
from phonehome_tools.planning.arithmetic import (
    Fleet,
    Measured,
    Need,
    need,
    read_figures,
    shipped_figures,
)
from phonehome_tools.planning.day import simulate
from phonehome_tools.planning.drawing import draw_day

GOOD, FAILED, USAGE = 0, 1, 2
SIZES = (100_000, 1_000_000, 10_000_000)
_ROWS = (
    ("reports a second, mean", "mean_rate", ",.0f"),
    ("receiver cores in use", "receiver_cores", ",.2f"),
    ("database cores in use", "database_cores", ",.2f"),
    ("receiver processes, half busy", "receivers", ",d"),
    ("reports a second when power is back", "cut_rate", ",.0f"),
    ("seconds until all are taken, at best", "cut_s", ",.0f"),
    ("broker memory, GiB", "broker_gib", ",.1f"),
    ("database growth a day, GiB", "grown_gib_a_day", ",.0f"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The fleet, the figures, and the drawing."""
    parser.add_argument("--devices", type=int, action="append", metavar="N", help="again for more")
    parser.add_argument("--heartbeat", type=float, default=3600.0, metavar="S", help="3600")
    parser.add_argument("--faults", type=float, default=0.1, metavar="N", help="a day, 0.1")
    parser.add_argument("--cut", type=float, default=0.2, metavar="PART", help="of the power cut")
    text = "what `phonehome bench intake|storage --json` printed"
    parser.add_argument("--figures", type=Path, nargs="+", default=[], metavar="FILE", help=text)
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw a day of the largest fleet")


def run(args: argparse.Namespace) -> int:
    """Print the table; 1 when the drawing cannot be written, 2 for figures that do not do."""
    try:
        cost = read_figures(args.figures) if args.figures else shipped_figures()
    except SetupError as error:
        print(f"phonehome capacity: {error}", file=sys.stderr)
        return USAGE
    fleets = [
        Fleet(count, args.heartbeat, args.faults, args.cut) for count in args.devices or SIZES
    ]
    needs = [need(fleet, cost) for fleet in fleets]
    _print(needs)
    if args.svg is None:
        return GOOD
    try:
        args.svg.write_text(_draw(max(needs, key=lambda n: n.mean_rate), cost))
    except OSError as error:
        print(f"phonehome capacity: {args.svg}: {error.strerror}", file=sys.stderr)
        return FAILED
    return GOOD


def _draw(of: Need, cost: Measured) -> str:
    day = simulate(of.fleet, of.receivers * cost.core_rate, of.receivers)
    print(
        f"simulated: at most {max(day.tried):,.0f} reports a second come, {day.refused:,.0f} are"
        f" told to wait, and {day.settled_s} s after power is back nobody waits"
    )
    return draw_day(
        day, f"A day of {of.fleet.devices:,} devices, receiver processes: {of.receivers}"
    )


def rows_of(needs: Sequence[Need]) -> list[list[str]]:
    """What is needed, a line each, with a column for each fleet."""
    return [
        [name, *(format(getattr(of, field), form) for of in needs)] for name, field, form in _ROWS
    ]


def _print(needs: Sequence[Need]) -> None:
    table = Table("need", *(f"{of.fleet.devices:,} devices" for of in needs))
    for row in rows_of(needs):
        table.add_row(*row)
    Console().print(table)
