"""`phonehome doctor`: what boards have, what is wrong with them, and what to do about it."""

import argparse
import json
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version

# A table that fits the terminal, and loses its colours in a pipe.
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from phonehome_tools.cable.board import find_ports
from phonehome_tools.cable.errors import FAILED, GOOD, complain
from phonehome_tools.cable.many import on_each
from phonehome_tools.doctoring.asking import Facts, ask_board
from phonehome_tools.doctoring.judging import BAD, Finding, judge
from phonehome_tools.fleet.errors import FleetError

EPILOG = """
The agent is asked first why it started, if one runs; then the prompt is asked for the rest, and
the board starts again. The exit code is 1 when something is bad.
"""
_STYLES = {"good": "green", "look": "yellow", "bad": "bold red"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which boards, and the form of the output."""
    parser.epilog = EPILOG
    add = parser.add_argument
    add(
        "ports", nargs="*", metavar="PORT", help="a port or an EUI-64; none: the only board on USB"
    )
    add("--json", action="store_true", help="a list with one object for each board")


def run(args: argparse.Namespace) -> int:
    """Ask each board; the exit code is the largest of all."""
    try:
        ports = find_ports(args.ports)
    except FleetError as error:
        return complain("doctor", error)
    results, code = on_each("doctor", ports, ask_board)
    told = []
    for port, facts in results:
        if not isinstance(facts, Facts):
            continue
        findings = judge(facts, datetime.now(UTC), version("phonehome"))
        code = max(code, FAILED if any(one.state == BAD for one in findings) else GOOD)
        told.append({"port": port, "findings": [asdict(one) for one in findings]})
        if not args.json:
            print_screen(port, findings)
    if args.json:
        print(json.dumps(told, indent=1))
    return code


def print_screen(port: str, findings: list[Finding]) -> None:
    """One board: a word says how it is, not its colour alone."""
    table = Table(title=port, title_justify="left", box=None, pad_edge=False)
    for heading in ("", "", "", "what to do"):
        table.add_column(heading, overflow="fold")
    for one in findings:
        state = f"[{_STYLES[one.state]}]{one.state}[/]"
        table.add_row(one.name, escape(one.value), state, escape(one.advice))
    Console().print(table)
