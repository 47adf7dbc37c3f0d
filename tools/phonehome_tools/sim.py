"""`phonehome sim`: virtual appliances that run the very device code under unix MicroPython."""

import argparse
import sys
from pathlib import Path

from phonehome_tools.fleet.children import run_until_signalled
from phonehome_tools.fleet.errors import FleetError, SetupError
from phonehome_tools.fleet.interpreter import BOARD_HEAP
from phonehome_tools.fleet.script import parse_duration, parse_fault
from phonehome_tools.fleet.simulation import Plan, simulate

DEFAULT_SERVER = "http://127.0.0.1:8470"
DEFAULT_STATE = ".phonehome/sim"
EPILOG = f"""
Each appliance is a MicroPython process with a heap of {BOARD_HEAP}: the 208 KB that a Pico W
leaves to Python, in objects that are twice as large on this 64-bit interpreter. The API token
comes from $PHONEHOME_API_TOKEN or --token-file.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What is simulated, against which server, and how it is told."""
    parser.epilog = EPILOG
    add = parser.add_argument
    add("--product", metavar="NAME|FILE.toml", help="washer, fridge, or a product file")
    add("--count", type=int, default=1, metavar="N", help="so many appliances")
    add("--server", default=DEFAULT_SERVER, metavar="URL", help="http(s):// or mqtt(s)://")
    add("--api", metavar="URL", help="desk API, when the server URL is not http(s)")
    add("--ca", type=Path, metavar="FILE", help="authority of https and mqtts, DER")
    add("--token-file", type=Path, metavar="FILE", help="API token of the desk")
    add("--state", type=Path, default=Path(DEFAULT_STATE), metavar="DIR", help="devices' folders")
    add("--fault", action="append", default=[], metavar="NAME@40s[-70s]", help="scripted fault")
    add("--seed", type=int, default=1, metavar="N", help="noise of the model")
    add("--speed", type=float, metavar="X", help="so many seconds of the appliance in one")
    add("--duration", metavar="TIME", help="end after this much of the appliance's time")
    add("--json", action="store_true", help="one JSON object a line")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--replay", type=Path, metavar="FILE.csv", help="recorded samples")
    source.add_argument("--host", action="store_true", help="sensors of this computer")
    add("--windows", type=Path, metavar="FILE.json", help="labelled windows of the recording")


def run(args: argparse.Namespace) -> int:
    """Simulate until the duration is over, the recording ends, or Ctrl-C."""
    try:
        return run_until_signalled(simulate(read_plan(args)))
    except SetupError as error:
        print(f"phonehome sim: {error}", file=sys.stderr)
        return 2
    except FleetError as error:
        print(f"phonehome sim: {error}", file=sys.stderr)
        return 1


def read_plan(args: argparse.Namespace) -> Plan:
    """The checked options; SetupError names the one that does not fit."""
    if args.count < 1:
        raise SetupError(f"--count {args.count} is no number of appliances")
    if args.speed is not None and args.speed <= 0:
        raise SetupError(f"--speed {args.speed} is not above 0")
    if args.windows is not None and args.replay is None:
        raise SetupError("--windows belongs to --replay FILE.csv")
    if args.fault and (args.replay or args.host):
        raise SetupError("--fault needs a physical model: it cannot bend real data")
    return Plan(
        product=args.product or default_product(args),
        count=args.count,
        server=args.server,
        api=args.api or desk_url(args.server),
        ca=args.ca,
        token_file=args.token_file,
        state=args.state,
        faults=tuple(parse_fault(text) for text in args.fault),
        seed=args.seed,
        speed=args.speed,
        duration_ms=parse_duration(args.duration) if args.duration else None,
        as_json=args.json,
        replay=args.replay,
        host=args.host,
        windows=args.windows,
    )


def default_product(args: argparse.Namespace) -> str:
    """What is simulated when no product is named."""
    if args.replay:
        return "room"
    return "host" if args.host else "washer"


def desk_url(server: str) -> str:
    """The desk API beside an http(s) server; others must name it."""
    if server.startswith(("http://", "https://")):
        return server
    raise SetupError(f"server {server} has no API beside it: give --api URL")
