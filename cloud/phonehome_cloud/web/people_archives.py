"""What is stored of an owner, an appliance or a technician, to take along: one ZIP of JSON lines.

A file for each table, one object a line; `reports.jsonl` has every signed message in words.
"""

import asyncio
import base64
import io
import json
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Mapping
from typing import IO, Any, Final

from aiohttp import web
from sqlalchemy import Connection, select

from phonehome_cloud.clock import now_ms
from phonehome_cloud.errors import NotFoundError
from phonehome_cloud.store import devices, people
from phonehome_cloud.store.erasing import Subject
from phonehome_cloud.store.exporting import list_tables, read_rows
from phonehome_cloud.store.people_tables import appliance
from phonehome_wire.errors import WireError

from .decoding import describe_message
from .operations import Operation
from .parts import DATABASE
from .queries import check_names

Find = Callable[[Connection, str], tuple[Subject, dict[str, int]]]

ZIP: Final = "application/zip"
_PIECE_BYTES: Final = 262_144
_ABOUT: Final = """\
What is stored here of {what}, as of {at} (unix ms).

Each .jsonl file has one JSON object a line, the columns of one table. Times that end in _at are
unix milliseconds UTC, _ms are milliseconds of a device's uptime. Bytes are in base64.
reports.jsonl has what the appliance sent, in words; message.jsonl has the same as it was signed.
"""


async def export_owner(request: web.Request) -> web.StreamResponse:
    """Everything of an owner, and of their appliances since those are theirs."""
    return await _export(request, "owner", find_owner_data)


async def export_appliance(request: web.Request) -> web.StreamResponse:
    """Everything of an appliance, whoever had it; it may have no owner."""
    return await _export(request, "device", _of_appliance)


async def export_technician(request: web.Request) -> web.StreamResponse:
    """Everything of a technician."""
    return await _export(request, "technician", _of_technician)


def find_owner_data(connection: Connection, name: str) -> tuple[Subject, dict[str, int]]:
    """An owner with their appliances, and since when each is theirs; NotFoundError."""
    if people.find_owner_by_id(connection, name) is None:
        raise NotFoundError(f"no owner {name}")
    query = select(appliance.c.device, appliance.c.owned_at).where(appliance.c.owner == name)
    since = {row.device: row.owned_at or 0 for row in connection.execute(query)}
    return Subject(owner=name, devices=tuple(since)), since


def _of_appliance(connection: Connection, name: str) -> tuple[Subject, dict[str, int]]:
    devices.expect(connection, name)
    owner = people.find_owner(connection, name)
    return Subject(owner=owner.id if owner else None, devices=(name,)), {}


def _of_technician(connection: Connection, name: str) -> tuple[Subject, dict[str, int]]:
    if people.find_technician(connection, name) is None:
        raise NotFoundError(f"no technician {name[:64]}")
    return Subject(technician=name), {}


async def _export(request: web.Request, one: str, find: Find) -> web.StreamResponse:
    check_names(request, ())
    return await send_archive(request, one, request.match_info[one], find)


async def send_archive(
    request: web.Request, one: str, name: str, find: Find
) -> web.StreamResponse:
    """Everything of what `find` finds by this name, as one ZIP, whole before it is sent."""
    with tempfile.TemporaryFile() as file:
        await request.config_dict[DATABASE].read(_write, file, f"{one} {name}", find, name)
        response = web.StreamResponse(headers=_headers(one, name, file.tell()))
        file.seek(0)
        await response.prepare(request)
        while piece := await asyncio.to_thread(file.read, _PIECE_BYTES):
            await response.write(piece)
        await response.write_eof()
    return response


def _headers(one: str, name: str, size_bytes: int) -> dict[str, str]:
    return {
        "Content-Type": ZIP,
        "Content-Length": str(size_bytes),
        "Content-Disposition": f'attachment; filename="phonehome-{one}-{name}.zip"',
        "Cache-Control": "no-store",
    }


def _write(connection: Connection, file: IO[bytes], what: str, find: Find, name: str) -> None:
    """The whole archive as of one moment."""
    subject, since = find(connection, name)
    now_at, counts = now_ms(), dict[str, int]()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", _ABOUT.format(what=what, at=now_at))
        for table, rows in list_tables(subject):
            found = read_rows(connection, table, rows, since)
            counts[table.name] = _put(archive, table.name, found)
            if table.name == "message" and counts["message"]:
                again = read_rows(connection, table, rows, since)
                counts["reports"] = _put(archive, "reports", map(_in_words, again))
        about = {"of": what, "made_at": now_at, "rows": {n: c for n, c in counts.items() if c}}
        archive.writestr("about.json", json.dumps(about, indent=1))


def _put(archive: zipfile.ZipFile, name: str, rows: Iterable[Mapping[str, Any]]) -> int:
    """A file of one table, unless there is nothing of it."""
    count, iterator = 0, iter(rows)
    first = next(iterator, None)
    if first is None:
        return 0
    with archive.open(f"{name}.jsonl", "w", force_zip64=True) as raw:
        text = io.TextIOWrapper(raw, "utf-8", write_through=True)
        for row in (first, *iterator):
            text.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
        text.detach()
    return count


def _in_words(row: Mapping[str, Any]) -> dict[str, Any]:
    try:
        said = describe_message(base64.b64decode(row["raw"]))
    except WireError as error:
        said = {"unreadable": str(error)}
    return {"received_at": row["received_at"], "hash": row["hash"], **said}


def _operation(path: str, handler: Any, text: str) -> Operation:
    return Operation("GET", path, handler, text, bytes, media=ZIP, problems=("not-found",))


OPERATIONS = (
    _operation("/owners/{owner:[0-9a-f]{16}}/export", export_owner, "All data of an owner"),
    _operation(
        "/appliances/{device:[0-9a-f]{16}}/export", export_appliance, "All data of an appliance"
    ),
    _operation(
        "/technicians/{technician:[A-Za-z0-9][A-Za-z0-9_-]{0,31}}/export",
        export_technician,
        "All data of a technician",
    ),
)
