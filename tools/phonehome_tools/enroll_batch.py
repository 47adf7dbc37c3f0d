"""`phonehome enroll-batch`: a claim for boards that get their keys in the field."""

import argparse
import asyncio
import json
import os
from pathlib import Path
from typing import Any

from phonehome_tools.cable.errors import UsageError, complain
from phonehome_tools.cable.ports import is_eui, plain_eui
from phonehome_tools.fleet.desk import Desk, read_token
from phonehome_tools.fleet.errors import FleetError
from phonehome_tools.fleet.script import parse_duration

EPILOG = """
The claim file, 8 bytes id and 32 bytes secret, goes into the image of all boards as
phonehome.claim, with "claim": "phonehome.claim" in phonehome.json. A board then asks for a key of
its own at its first contact; those that --devices names need nobody's approval. The secret is in
the file alone.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """For how many boards, until when, and where the claim goes."""
    parser.epilog = EPILOG
    add = parser.add_argument
    add("--server", required=True, metavar="URL", help="the desk API of the receiver")
    add("--token-file", type=Path, metavar="FILE", help="API token of the desk")
    add("--product", required=True, metavar="NAME", help="the product of the boards")
    add("--count", type=int, default=1, metavar="N", help="so many boards, 1 to 100000")
    add(
        "--expires", default="720h", metavar="TIME", help="nobody gets a key later (default: 720h)"
    )
    add("--label", default="", metavar="TEXT", help="what people call the batch")
    add("--devices", type=Path, metavar="FILE", help="an EUI-64 a line: expected boards")
    add("--codes", type=int, default=0, metavar="N", help="one-time codes for installers")
    add("-o", "--output", type=Path, required=True, metavar="FILE", help="the claim file")
    add("--json", action="store_true", help="what was made as JSON, without the secret")


def run(args: argparse.Namespace) -> int:
    """Make the claim and its codes; the file is there before anything is told."""
    try:
        made = asyncio.run(_make(args))
    except FleetError as error:
        return complain("enroll-batch", error)
    if args.json:
        print(json.dumps(made, indent=1))
    else:
        print(f"{args.output}: claim {made['claim']} for {made['max_uses']} boards")
        for code in made["codes"]:
            print(f"  code {code}")
    return 0


async def _make(args: argparse.Namespace) -> dict[str, Any]:
    if args.output.exists():
        raise UsageError(f"{args.output} is there already", "a claim is never written over")
    body = {
        "product": args.product,
        "label": args.label,
        "uses": args.count,
        "expires_in_s": parse_duration(args.expires) // 1000,
        "devices": read_devices(args.devices),
    }
    async with Desk(args.server, read_token(args.token_file)) as desk:
        claim = await desk.add_claim(body)
        secret = bytes.fromhex(claim.pop("secret"))
        write_claim(args.output, bytes.fromhex(claim["claim"]) + secret)
        claim["codes"] = [await desk.add_code(claim["claim"]) for _ in range(args.codes)]
    return claim


def read_devices(path: Path | None) -> list[str]:
    """The devices of a file, an EUI-64 a line; UsageError names the line that is none."""
    if path is None:
        return []
    try:
        lines = path.read_text().split()
    except OSError as error:
        raise UsageError(f"--devices {path}: cannot be read: {error.strerror}") from error
    wrong = [line for line in lines if not is_eui(line)]
    if wrong:
        raise UsageError(f"--devices {path}: {wrong[0]!r} is no EUI-64 of 16 hex digits")
    return [plain_eui(line) for line in lines]


def write_claim(path: Path, data: bytes) -> None:
    """Write a new file that only its owner can read."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        file.write(data)
