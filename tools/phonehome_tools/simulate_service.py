"""`phonehome simulate-service`: a year of service in a world whose truth the receiver has to find.

Every fault runs through the receiver's own diagnosis, decision and slots, and through three simple
policies beside it. SIMULATION.md tells what a world file says and what came out.
"""

import argparse
import json
import sys
from importlib.resources import as_file, files
from pathlib import Path

# rich: the same tables as those of bench, and a bar while it takes its minutes.
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from phonehome_product import Product, ProductError
from phonehome_tools.fleet.catalog import find_product
from phonehome_tools.fleet.errors import SetupError
from phonehome_tools.service_world.drawing import draw
from phonehome_tools.service_world.simulation import Report, simulate
from phonehome_tools.service_world.telling import tables

_NAME = "phonehome simulate-service"
_WIDTH = 124  # so many columns the figures of all policies need
GOOD, FAILED, USAGE, REFUSED = 0, 1, 2, 3
WORLDS = files("phonehome_tools.service_world").joinpath("worlds")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The world, the seeds, and the form of the output."""
    names = ", ".join(world_names())
    parser.add_argument(
        "--world", required=True, metavar="FILE.toml", help=f"a world file, or one of {names}"
    )
    parser.add_argument("--seeds", type=int, default=5, metavar="N", help="as many years, 5")
    parser.add_argument("--first-seed", type=int, default=1, metavar="N", help="1")
    parser.add_argument("--processes", type=int, metavar="N", help="one for each core")
    parser.add_argument("--json", action="store_true", help="one object instead of tables")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw what came out")


def world_names() -> list[str]:
    """The worlds that ship."""
    return sorted(
        entry.name.removesuffix(".toml")
        for entry in WORLDS.iterdir()
        if entry.name.endswith(".toml")
    )


def run(args: argparse.Namespace) -> int:
    """Simulate and print: 1 when a file cannot be read or written, 3 when the world is refused."""
    if args.seeds < 1 or (args.processes or 1) < 1:
        print(f"{_NAME}: --seeds and --processes want 1 or more", file=sys.stderr)
        return USAGE
    try:
        report = _simulate(args)
    except ProductError as error:
        print(error, file=sys.stderr)
        return REFUSED
    except OSError as error:
        print(f"{args.world}: cannot be read: {error.strerror}", file=sys.stderr)
        return FAILED
    if args.json:
        print(json.dumps(report.as_dict(), indent=1, allow_nan=False))
    else:
        console = Console()
        for table in tables(report):
            Console(width=max(_WIDTH, console.width)).print(table)
    if args.svg is None:
        return GOOD
    try:
        args.svg.write_text(draw(report), "utf-8")
    except OSError as error:
        print(f"{args.svg}: cannot be written: {error.strerror}", file=sys.stderr)
        return FAILED
    return GOOD


def _simulate(args: argparse.Namespace) -> Report:
    seeds = range(args.first_seed, args.first_seed + args.seeds)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    screen = Console(stderr=True)
    progress = Progress(
        *columns, TimeElapsedColumn(), console=screen, disable=not screen.is_terminal
    )
    named = WORLDS.joinpath(f"{args.world}.toml")
    with as_file(named) as shipped, progress:
        path = shipped if args.world in world_names() else Path(args.world)
        bar = progress.add_task("simulated years", total=len(seeds))
        return simulate(path, product_of, seeds, lambda: progress.advance(bar), args.processes)


def product_of(word: str, folder: Path) -> Product:
    """The product of a world file: a name, or a path that starts at the file's folder.

    ValueError with what is wrong.
    """
    try:
        name = str(folder / word) if word.endswith(".toml") else word
        return find_product(name).product
    except SetupError as error:
        raise ValueError(str(error)) from error
