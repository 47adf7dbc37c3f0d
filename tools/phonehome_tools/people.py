"""`phonehome people`: import owners, appliances, technicians and parts; export and erase a person.

Exit codes: 0 good, 1 the receiver refused or is not there, 2 wrong use, 3 an import with bad rows:
nothing was written.
"""

import argparse
import base64
import json
import sys
from pathlib import Path
from typing import Any, Final

from phonehome_tools.fleet.desk import Desk
from phonehome_tools.fleet.errors import DeskError
from phonehome_tools.fleet.steps import GOOD, REFUSED, USAGE, add_step, run_at_desk

KINDS: Final = ("owners", "technicians", "suppliers", "parts", "appliances", "desks")
_UNREADABLE: Final = 422


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What can be done with people."""
    steps = parser.add_subparsers(dest="step", metavar="STEP", required=True)
    step = add_step(steps, "import", _import, "write CSV files into the books, all or nothing")
    step.add_argument("files", nargs="+", type=Path, metavar="FILE", help="owners.csv, parts.csv")
    step.add_argument("--kind", choices=KINDS, help="what is in the file; else by its name")
    step.add_argument("--encoding", default="", help="of the files, as in cp1252; else UTF-8")
    step.add_argument("--dry-run", action="store_true", help="only say what is wrong")
    step = add_step(steps, "export", _export, "write all that is stored of somebody to a new ZIP")
    _add_subject(step)
    step.add_argument("--output", type=Path, metavar="FILE", help="a new file; else NAME.zip")
    step = add_step(steps, "erase", _erase, "wipe all that is stored of a person")
    _add_subject(step)
    step.add_argument("--yes", action="store_true", help="do it: there is no way back")


def _add_subject(step: argparse.ArgumentParser) -> None:
    whom = step.add_mutually_exclusive_group(required=True)
    whom.add_argument("--owner", help="an owner's id, or their number in your books")
    whom.add_argument("--device", help="the owner of this device, or for an export the appliance")
    whom.add_argument("--technician", help="a technician")


def run(args: argparse.Namespace) -> int:
    """Do one step; see the module for the exit codes."""
    return run_at_desk("people", args)


async def _import(desk: Desk, args: argparse.Namespace) -> int:
    kinds = [_kind_of(file, args.kind) for file in args.files]
    if None in kinds:
        file = args.files[kinds.index(None)]
        print(f"phonehome people: {file}: name it owners.csv or give --kind", file=sys.stderr)
        return USAGE
    files = [
        {
            "kind": kind,
            "name": str(file),
            "content": base64.b64encode(file.read_bytes()).decode(),
            "encoding": args.encoding,
        }
        for kind, file in zip(kinds, args.files, strict=True)
    ]
    body = {"files": files, "dry_run": args.dry_run}
    status, answer = await desk.send("POST", "/people/import", body)
    if status == _UNREADABLE:
        return _tell_errors(args, answer)
    bad = answer["problems"]
    for row in bad:
        places = row["file"], str(row["line"]), row["column"]  # of a whole line without a column
        where = ":".join(place for place in places if place)
        _tell(args, row, f"{where}: {row['value']!r}: {row['fix']}")
    for row in answer["files"]:
        counts = f"{row['created']} new, {row['updated']} changed, {row['unchanged']} as they were"
        wrong = len({each["line"] for each in bad if each["file"] == row["name"]})
        counts += f", {wrong} wrong" if wrong else ""
        _tell(args, row, f"{row['name']}: {row['kind']}: {counts}")
    if not answer["is_written"]:
        print("nothing was written", file=sys.stderr)
    return REFUSED if bad else GOOD


def _tell_errors(args: argparse.Namespace, problem: dict[str, Any]) -> int:
    for row in problem["errors"]:
        _tell(args, row, f"{row['field']}: {row['value']!r}: {row['fix']}")
    print(f"phonehome people: {problem['detail']}", file=sys.stderr)
    return REFUSED


def _kind_of(file: Path, given: str | None) -> str | None:
    """By the beginning of its name: owners.csv, parts-2026-11.csv."""
    return given or next((kind for kind in KINDS if file.name.startswith(kind)), None)


async def _export(desk: Desk, args: argparse.Namespace) -> int:
    path = await _path_of(desk, args, may_be_appliance=True)
    output = args.output or Path(path.strip("/").replace("/", "-") + ".zip")
    with output.open("xb") as file:
        try:
            size_bytes = await desk.download(path + "/export", file)
        except DeskError:
            output.unlink()
            raise
    _tell(args, {"file": str(output), "bytes": size_bytes}, f"{output}: {size_bytes} bytes")
    return GOOD


async def _erase(desk: Desk, args: argparse.Namespace) -> int:
    path = await _path_of(desk, args, may_be_appliance=False)
    if not args.yes:
        print(f"phonehome people: this wipes {path} for good: say --yes", file=sys.stderr)
        return USAGE
    status, answer = await desk.send("DELETE", path)
    if status >= 400:
        raise DeskError(f"{path}: {answer['detail']}", status)
    done = ", ".join(f"{name} {count}" for name, count in answer["removed"].items())
    _tell(args, answer, f"{path} is wiped: {done}")
    return GOOD


async def _path_of(desk: Desk, args: argparse.Namespace, *, may_be_appliance: bool) -> str:
    """Where the API has them; an owner is found by id, number or device."""
    if args.technician:
        return f"/technicians/{args.technician}"
    if args.device:
        if may_be_appliance:
            return f"/appliances/{args.device}"
        owner = (await desk.get(f"/appliances/{args.device}"))["owner"]
        if owner is None:
            raise DeskError(f"{args.device} has no owner")
        return f"/owners/{owner}"
    found = (await desk.get("/owners", number=args.owner))["items"]
    return f"/owners/{found[0]['owner'] if found else args.owner}"


def _tell(args: argparse.Namespace, row: dict[str, Any], text: str) -> None:
    print(json.dumps(row) if args.json else text)
