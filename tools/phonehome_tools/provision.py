"""`phonehome provision`: give boards their keys, and make the receiver know them."""

import argparse
import asyncio
import csv
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from phonehome_tools.cable.board import find_ports
from phonehome_tools.cable.errors import UsageError, complain
from phonehome_tools.cable.many import on_each
from phonehome_tools.fleet.desk import read_token
from phonehome_tools.fleet.errors import FleetError
from phonehome_tools.provisioning.label import draw_text, write_label
from phonehome_tools.provisioning.making import Provisioned, provision
from phonehome_tools.provisioning.order import (
    Order,
    check_server,
    read_ca,
    read_device,
    read_wifi,
)
from phonehome_tools.provisioning.registering import check_desk

EPILOG = """
No secret is an argument, and none is printed: the token comes from $PHONEHOME_API_TOKEN or
--token-file, the Wi-Fi password from $PHONEHOME_WIFI_PASSWORD, --wifi-password-file or a prompt.
Cut short, the same command again goes on where it was.
"""
COLUMNS = ("port", "device", "product", "epoch", "code", "result", "hint")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which boards, where they phone, and what is made of it."""
    parser.epilog = EPILOG
    add = parser.add_argument
    add(
        "ports", nargs="*", metavar="PORT", help="a port or an EUI-64; none: the only board on USB"
    )
    add("--server", required=True, metavar="URL", help="where devices phone: https, mqtts, ...")
    add("--api", metavar="URL", help="desk API, when the server URL is not http(s)")
    add("--ca", type=Path, metavar="FILE", help="authority of https and mqtts, PEM or DER")
    add("--token-file", type=Path, metavar="FILE", help="API token of the desk")
    add("--wifi", metavar="SSID", help="the network that the board joins")
    add("--wifi-password-file", type=Path, metavar="FILE", help="its password")
    add("--product", metavar="NAME", help="default: the product that push has installed")
    add("--label", default="", metavar="TEXT", help="what people call the device, on the desk")
    add("--device", metavar="EUI", help="the EUI-64 that the board must have, or is to have")
    add("--replace", action="store_true", help="even if the board or the receiver has a key")
    add("--labels", type=Path, metavar="DIR", help="draw each label as SVG, its QR code as PNG")
    add(
        "--report", type=Path, metavar="FILE.csv", help="a line for each board, for the owner only"
    )
    add("--json", action="store_true", help="a list with one object for each board")


def run(args: argparse.Namespace) -> int:
    """Provision each board; the exit code is the largest of all."""
    try:
        order = read_order(args)
        ports = find_ports(args.ports)
        if order.device and len(ports) > 1:
            raise UsageError("--device is one board", "provision it alone")
        asyncio.run(check_desk(order))
    except FleetError as error:
        return complain("provision", error)
    results, code = on_each("provision", ports, lambda port: provision(port, order))
    made = [result for _, result in results if isinstance(result, Provisioned)]
    if args.report:
        write_report(args.report, results)
    for one in made if args.labels else ():
        write_label(args.labels, one.label)
    if args.json:
        print(json.dumps([as_row(one.port, one) for one in made], indent=1))
    else:
        for one in made:
            print(f"{one.port}: registered, key epoch {one.epoch}")
            print(draw_text(one.label, with_code=sys.stdout.isatty()))
    return code


def read_order(args: argparse.Namespace) -> Order:
    """The checked options; UsageError and SetupError name the one that does not fit."""
    ca = read_ca(args.ca)
    return Order(
        server=args.server,
        api=check_server(args.server, args.api, ca),
        token=read_token(args.token_file),
        product=args.product,
        label=args.label,
        ca=ca,
        wifi=read_wifi(args.wifi, args.wifi_password_file),
        device=read_device(args.device),
        may_replace=args.replace,
    )


def write_report(path: Path, results: Sequence[tuple[str, Provisioned | FleetError]]) -> None:
    """Write the CSV of a tray; codes are for those who print labels."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        table.writerows(as_row(port, result) for port, result in results)


def as_row(port: str, result: Provisioned | FleetError) -> dict[str, object]:
    """One board of a report."""
    if isinstance(result, FleetError):
        hint = getattr(result, "hint", "")
        return {"port": port, "result": str(result), "hint": hint}
    label = result.label
    return {
        "port": port,
        "device": label.device,
        "product": label.product,
        "epoch": result.epoch,
        "code": label.code,
        "result": "registered",
    }
