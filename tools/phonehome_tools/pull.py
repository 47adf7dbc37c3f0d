"""`phonehome pull`: what devices have to say, over the serial line, and the answer to it."""

import argparse
import json
import sys

from phonehome_tools.cable.board import find_ports
from phonehome_tools.cable.errors import GOOD, REFUSED, complain
from phonehome_tools.cable.line import open_line
from phonehome_tools.courier.options import add_receiver, add_store, make_uploader, open_store
from phonehome_tools.courier.telling import tell_upload, tell_visit
from phonehome_tools.courier.visit import Courier, Visit
from phonehome_tools.fleet.errors import FleetError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Ports, where the receiver is, and the laptop's folder."""
    parser.add_argument(
        "ports", nargs="*", metavar="PORT", help="as mpremote names it (default: the only board)"
    )
    add_receiver(parser)
    parser.add_argument(
        "--no-upload", action="store_true", help="keep the reports here: for 'push-reports'"
    )
    add_store(parser)
    parser.add_argument("--json", action="store_true", help="one object for each device")


def run(args: argparse.Namespace) -> int:
    """Visit each board: 0 good, without a network too; 3 refused, 4 no board: the worst counts."""
    try:
        store = open_store(args)
        uploader = None if args.no_upload else make_uploader(args)
        courier = Courier(store, uploader)
        ports = find_ports(args.ports)
    except FleetError as error:
        return complain("pull", error)
    return max(_visit(port, courier, args.json) for port in ports)


def _visit(port: str, courier: Courier, is_json: bool) -> int:
    try:
        with open_line(port) as line:
            visit = courier.visit(line)
    except FleetError as error:
        return complain("pull", error)
    if is_json:
        print(json.dumps(visit.facts()))
    else:
        tell_visit(visit)
        if visit.upload is not None:
            tell_upload(visit.upload)
    return _code(visit)


def _code(visit: Visit) -> int:
    for remark in visit.remarks:
        print(f"phonehome pull: {visit.port}: {remark}", file=sys.stderr)
    return REFUSED if visit.upload is not None and visit.upload.refused else GOOD
