"""`phonehome push`: put the agent, a product and an application on boards."""

import argparse
import json
import sys
from contextlib import nullcontext
from pathlib import Path

# Progress bars that leave a terminal as it was, whatever happens.
from rich.console import Console
from rich.progress import Progress

from phonehome_tools.cable.board import find_ports
from phonehome_tools.cable.errors import complain
from phonehome_tools.cable.many import on_each
from phonehome_tools.fleet.errors import FleetError
from phonehome_tools.installing.bundle import NEEDED, make_bundle
from phonehome_tools.installing.needing import expect_application
from phonehome_tools.installing.pushing import UNPROVISIONED, Pushed, push

EPILOG = """
Only files whose SHA-256 differs are sent. They wait beside the old ones until all of them read
back right; then one rename makes them count. Whenever the cable or the power goes, the board boots
the old version or the new one, and the next push goes on. PORT: see tools/README.md.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which boards, and what is to be on them."""
    parser.epilog = EPILOG
    add = parser.add_argument
    add(
        "ports", nargs="*", metavar="PORT", help="a port or an EUI-64; none: the only board on USB"
    )
    add("--product", metavar="NAME|FILE.toml", help="the product that the board is to be")
    add("--app", type=Path, metavar="FILE", help="your application; becomes app.mpy")
    add("--source", action="store_true", help="keep the application as app.py, readable")
    add("--parts", default="all", metavar="all|base|needed|http,tls,...", help="of the agent")
    add("--replace", action="store_true", help="even if main.py on the board is not ours")
    add("--json", action="store_true", help="a list with one object for each board")


def run(args: argparse.Namespace) -> int:
    """Push to each board; the exit code is the largest of all."""
    try:
        bundle = make_bundle(args.product, args.app, args.parts, args.source)
        expect_application(bundle, args.parts)
        ports = find_ports(args.ports)
    except FleetError as error:
        return complain("push", error)
    show = Progress(console=Console(stderr=True), transient=True)
    with show if sys.stderr.isatty() else nullcontext():

        def work(port: str) -> Pushed:
            task = show.add_task(port, total=None)
            return push(
                port,
                bundle,
                args.replace,
                lambda done, total: show.update(task, completed=done, total=total),
                args.parts == NEEDED,
            )

        results, code = on_each("push", ports, work)
    pushed = [result for _, result in results if isinstance(result, Pushed)]
    if args.json:
        print(json.dumps([one.as_dict() for one in pushed], indent=1))
    else:
        for one in pushed:
            print(tell(one))
    return code


def tell(pushed: Pushed) -> str:
    """One line, and a second where something is left to do."""
    removed = f", {pushed.removed} removed" if pushed.removed else ""
    text = (
        f"{pushed.port}: {pushed.firmware}: {pushed.copied} files copied, "
        f"{pushed.unchanged} unchanged{removed} in {pushed.seconds:.1f} s; "
        f"{pushed.agent or pushed.state}"
    )
    if pushed.state == UNPROVISIONED:
        text += f"\n  next: phonehome provision {pushed.port} --server URL"
    return text
