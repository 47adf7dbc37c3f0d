"""`phonehome admin`: look after a receiver over its API: devices, quarantine, what leaves, paths.

Exit codes: 0 good, 1 the receiver refused or is not there, 2 wrong use, 3 nothing was replayed or
retried because it would fail again.
"""

import argparse
import base64
import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from phonehome_tools.decode import describe
from phonehome_tools.fleet.desk import Desk
from phonehome_tools.fleet.errors import SetupError
from phonehome_tools.fleet.steps import GOOD, add_step, run_at_desk
from phonehome_tools.outbox import Outbox
from phonehome_tools.webhooks import Webhooks
from phonehome_wire.errors import WireError

_CONFLICT = 409
_NEWEST = "20"  # reports of a device, when no one is named
_REPORT = re.compile(r"[0-9a-f]{32}", re.ASCII)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The things to look after, each with what can be done."""
    things = parser.add_subparsers(dest="thing", metavar="THING", required=True)
    devices = add_step(things, "devices", _list_devices, "devices, and what each last said")
    devices.add_argument("device", nargs="?", help="only this one, with all that is known")
    text = "only those whose outbox has dropped records since they started"
    devices.add_argument("--dropping", action="store_true", help=text)
    add_step(things, "receivers", _list_receivers, "who runs on the database")
    report = add_step(things, "report", _show_report, "the whole path of one report")
    report.add_argument("device")
    report.add_argument("report", nargs="?", help="its id; without it, the newest are listed")
    _add_quarantine(things)
    _add_letters(things)
    Outbox(add_step, _tell, _when).add_to(things)
    Webhooks(add_step, _tell, _when).add_to(things)


def _add_quarantine(things: Any) -> None:
    text = "what is authentic and cannot be read"
    steps = things.add_parser("quarantine", help=text, description=text)
    steps = steps.add_subparsers(dest="step", metavar="STEP", required=True)
    found = add_step(steps, "list", _list_quarantine, "newest first")
    found.add_argument("--device", help="only of this device")
    shown = add_step(steps, "show", _show_quarantine, "one of it, decoded as far as that goes")
    shown.add_argument("--raw", type=Path, metavar="FILE", help="write its bytes to a new file")
    again = add_step(steps, "replay", _replay, "take it in again, after an update")
    for step in (shown, again):
        step.add_argument("device")
        step.add_argument("id")


def _add_letters(things: Any) -> None:
    text = "dead letters: records that the digest has set aside"
    steps = things.add_parser("dead", help=text, description=text)
    steps = steps.add_subparsers(dest="step", metavar="STEP", required=True)
    found = add_step(steps, "list", _list_dead, "newest first")
    again = add_step(steps, "retry", _retry_dead, "digest them again, after an update")
    for step in (found, again):
        step.add_argument("--device", help="only of this device")


def run(args: argparse.Namespace) -> int:
    """Do one step; see the module for the exit codes."""
    return run_at_desk("admin", args, _CONFLICT)


async def _list_devices(desk: Desk, args: argparse.Namespace) -> int:
    if args.device is not None:
        print(json.dumps(await desk.get(f"/devices/{args.device}"), indent=1))
        return GOOD
    wanted = {"dropping": "yes"} if args.dropping else {}
    async for row in desk.items("/devices", **wanted):
        detail = await desk.get(f"/devices/{row['device']}")
        presence = detail["presence"] or {}
        _tell(
            args,
            detail,
            detail["device"],
            detail["product"] or "-",
            "revoked" if detail["revoked_at"] else _when(presence.get("last_seen_at")),
            f"dropped={presence.get('dropped') or 0}",
            f"tickets={detail['open_tickets']}",
            detail["label"],
        )
    return GOOD


async def _list_receivers(desk: Desk, args: argparse.Namespace) -> int:
    for row in (await desk.get("/receivers"))["items"]:
        since, seen = _when(row["started_at"]), _when(row["seen_at"])
        _tell(args, row, row["name"], f"since {since}", f"wrote {seen}")
    return GOOD


async def _show_report(desk: Desk, args: argparse.Namespace) -> int:
    if args.report is None:
        for row in (await desk.get(f"/devices/{args.device}/reports", limit=_NEWEST))["items"]:
            where = _when(row["received_at"]), row["id"], "over " + row["transport"]
            _tell(args, row, *where, f"boot {row['inc']}-{row['boot']}")
        return GOOD
    if not _REPORT.fullmatch(args.report):
        raise SetupError(
            f"report {args.report}: want 32 hex digits, as `report DEVICE` lists them"
        )
    path = await desk.get(f"/devices/{args.device}/reports/{args.report}/path")
    records = path.pop("records")
    head = f"boot {path['inc']}-{path['boot']}"
    _tell(args, path, _when(path["arrived_at"]), "arrived over", path["transport"], head)
    for step in records:
        digested = "digested " + _when(step.get("digested_at"))
        if step.get("digest_failure"):
            digested = f"set aside: {step['digest_failure']}"
        by = step.get("stored_by", args.report)
        words = [step["record"], step["type"], f"ack: {step['ack']}", digested]
        words += [f"first brought by {by}"] if by != args.report else []
        words += [f"fault {step['fault']}"] if step.get("fault") else []
        words += [f"ticket {step['ticket']} {step['ticket_state']}"] if step.get("ticket") else []
        _tell(args, step, *words)
    return GOOD


async def _list_quarantine(desk: Desk, args: argparse.Namespace) -> int:
    async for row in desk.items("/quarantine", **_of(args.device)):
        what = f"record {row['boot']}-{row['seq']}" if row["seq"] is not None else "message"
        where = (_when(row["received_at"]), row["device"], row["id"])
        _tell(args, row, *where, what, f"{row['reason']}: {row['detail']}")
    return GOOD


async def _show_quarantine(desk: Desk, args: argparse.Namespace) -> int:
    row = await desk.get(f"/devices/{args.device}/quarantine/{args.id}")
    raw = base64.b64decode(row["raw"])
    if args.raw is not None:
        with args.raw.open("xb") as file:
            file.write(raw)
    if row["seq"] is None:
        row["decode"] = _decode(raw)
    print(json.dumps(row, indent=1, ensure_ascii=False))
    return GOOD


def _decode(raw: bytes) -> Any:
    """What `phonehome decode` says about a message, or why it cannot be read."""
    try:
        return describe(raw, None, None)
    except WireError as error:
        return str(error)


async def _replay(desk: Desk, args: argparse.Namespace) -> int:
    done = await desk.post(f"/devices/{args.device}/quarantine/{args.id}/replay")
    _tell(args, done, done["id"], done["reason"])
    return GOOD


async def _list_dead(desk: Desk, args: argparse.Namespace) -> int:
    async for row in _dead(desk, args):
        _tell(args, row, _when(row["received_at"]), row["device"], row["id"], row["reason"])
    return GOOD


async def _retry_dead(desk: Desk, args: argparse.Namespace) -> int:
    async for row in _dead(desk, args):
        done = await desk.post(f"/devices/{row['device']}/dead-letters/{row['id']}/retry")
        _tell(args, done, row["device"], row["id"], "is digested again")
    return GOOD


def _dead(desk: Desk, args: argparse.Namespace) -> AsyncIterator[dict[str, Any]]:
    return desk.items("/dead-letters", **_of(args.device))


def _of(device: str | None) -> dict[str, str]:
    return {} if device is None else {"device": device}


def _tell(args: argparse.Namespace, row: dict[str, Any], *words: str) -> None:
    print(json.dumps(row) if args.json else "  ".join(words))


def _when(at_ms: int | None) -> str:
    if at_ms is None:
        return "never"
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="seconds")
