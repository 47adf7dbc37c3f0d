"""`phonehome push-reports`: upload what a laptop carries, and keep the answers for the devices."""

import argparse
import asyncio
import json
from dataclasses import asdict

from phonehome_tools.cable.errors import FAILED, GOOD, REFUSED, UsageError, complain
from phonehome_tools.courier.options import add_receiver, add_store, make_uploader, open_store
from phonehome_tools.courier.store import REFUSED as REFUSED_FILES
from phonehome_tools.courier.telling import tell_upload
from phonehome_tools.fleet.errors import FleetError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the receiver is, and the laptop's folder."""
    add_receiver(parser)
    add_store(parser)
    parser.add_argument(
        "--again", action="store_true", help="try what the receiver refused once more"
    )
    parser.add_argument("--json", action="store_true", help="one object")


def run(args: argparse.Namespace) -> int:
    """Upload: 0 all is there, 1 some still waits, 3 some was refused."""
    try:
        uploader = make_uploader(args)
        if uploader is None:
            raise UsageError("no receiver", "give --server URL or set PHONEHOME_UPLOAD_URL")
        store = open_store(args)
        waiting = store.reports()
        if args.again:
            waiting += store.reports((REFUSED_FILES,))
        upload = asyncio.run(uploader.upload(store, waiting))
    except FleetError as error:
        return complain("push-reports", error)
    if args.json:
        print(json.dumps(asdict(upload)))
    else:
        tell_upload(upload)
    return REFUSED if upload.refused else FAILED if upload.later else GOOD
