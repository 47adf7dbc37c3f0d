"""Reports on the desk API: the signed messages of a device, as received and as they read."""

import base64
from typing import Any

import msgspec
from aiohttp import web
from sqlalchemy import Connection, RowMapping

from phonehome_cloud.store import devices, listing

from .decoding import describe_message
from .hashed import fields_of, read_hash
from .operations import Operation, json_response
from .paging import page, read_cursor, read_limit, write_cursor
from .parts import DATABASE
from .queries import PAGING, check_names


class Report(msgspec.Struct):
    """One signed message; `id` is a hash of its bytes, `now_ms` the device's uptime at signing."""

    id: str
    device: str
    received_at: int
    transport: str
    inc: str
    boot: int
    now_ms: int


class ReportDetail(Report):
    """A message with its signed bytes in base64, and what they say under their names."""

    raw: str
    decoded: dict[str, Any]


class ReportPage(msgspec.Struct):
    """Some reports, and the cursor of the next page or null."""

    items: list[Report]
    next: str | None


async def list_reports(request: web.Request) -> web.Response:
    """The reports of one device, newest first."""
    check_names(request, PAGING)
    limit = read_limit(request.query)
    after = read_cursor(request.query, "reports", int, str)
    place = None if after is None else (after[0], read_hash(after[1]))
    rows = await _read(request, _list, place, limit + 1)
    more = None
    if len(rows) > limit:
        last = rows[limit - 1]
        more = write_cursor("reports", last["received_at"], last["hash"].hex())
    return json_response(page([Report(**fields_of(row, Report)) for row in rows[:limit]], more))


async def get_report(request: web.Request) -> web.Response:
    """One report with its decoded form."""
    check_names(request, ())
    row = await _read(request, listing.expect_report, bytes.fromhex(request.match_info["report"]))
    return json_response(
        ReportDetail(
            **fields_of(row, Report),
            raw=base64.b64encode(row["raw"]).decode(),
            decoded=describe_message(row["raw"]),
        )
    )


async def _read(request: web.Request, function: Any, *args: Any) -> Any:
    database, device = request.config_dict[DATABASE], request.match_info["device"]
    return await database.read(function, device, *args)


def _list(
    connection: Connection, device: str, after: tuple[int, bytes] | None, limit: int
) -> list[RowMapping]:
    devices.expect(connection, device)
    return listing.list_reports(connection, device, after, limit)


_PATH = "/devices/{device:[0-9a-f]{16}}/reports"
OPERATIONS = (
    Operation(
        "GET", _PATH, list_reports, "A device's reports, newest first", ReportPage, query=PAGING
    ),
    Operation(
        "GET", _PATH + "/{report:[0-9a-f]{32}}", get_report, "One report, decoded", ReportDetail
    ),
)
