"""Reports that nobody signed, on the desk API: filed by a person, listed, read, let go.

A device without a key says what it has to say, but nobody can tell who said it. So nothing of it
reaches intake: no ticket, no ack, no presence.
"""

import base64
import binascii
from typing import Annotated, Any

import msgspec
from aiohttp import web

from phonehome_cloud.clock import now_ms
from phonehome_cloud.store import unverified
from phonehome_wire.errors import RefusedError
from phonehome_wire.limits import MAX_MESSAGE_BYTES
from phonehome_wire.plain import open_plain
from phonehome_wire.uplink import Uplink, decode_uplink

from .bodies import read_json
from .decoding import describe_uplink
from .hashed import fields_of, read_hash
from .operations import Operation, json_response
from .paging import page, read_cursor, read_limit, write_cursor
from .parts import ACTOR, DATABASE
from .problems import ProblemError, field_error
from .queries import PAGING, check_names

_WANTED = "a report as a device without a key exports it, in base64"
_MAX_CHARS = MAX_MESSAGE_BYTES * 4 // 3 + 4


class UnsignedReport(msgspec.Struct, forbid_unknown_fields=True):
    """What a courier brought."""

    report: Annotated[str, msgspec.Meta(max_length=_MAX_CHARS, description=_WANTED)]


class Unverified(msgspec.Struct):
    """A report of whoever says to be `device`; `filed_by` is the token that filed it."""

    id: str
    device: str
    records: int
    filed_at: int
    filed_by: str


class UnverifiedDetail(Unverified):
    """It with its bytes in base64, and what they say under their names."""

    raw: str
    decoded: dict[str, Any]


class UnverifiedPage(msgspec.Struct):
    """Some unverified reports, and the cursor of the next page or null."""

    items: list[Unverified]
    next: str | None


async def file_report(request: web.Request) -> web.Response:
    """File one; the same again is the same."""
    check_names(request, ())
    wanted = await read_json(request, UnsignedReport)
    raw, device, uplink = _read(wanted.report)
    row: dict[str, Any] = {
        "device": device,
        "records": len(uplink.records),
        "filed_at": now_ms(),
        "filed_by": request[ACTOR],
    }
    database = request.config_dict[DATABASE]
    digest = await database.write(unverified.add, {**row, "raw": raw})
    return json_response(Unverified(id=digest.hex(), **row), status=201)


async def list_unverified(request: web.Request) -> web.Response:
    """All that were filed, by device."""
    check_names(request, PAGING)
    limit = read_limit(request.query)
    after = read_cursor(request.query, "unverified", str, str)
    place = None if after is None else (after[0], read_hash(after[1]))
    rows = await request.config_dict[DATABASE].read(unverified.list_after, place, limit + 1)
    more = None
    if len(rows) > limit:
        last = rows[limit - 1]
        more = write_cursor("unverified", last["device"], last["hash"].hex())
    return json_response(
        page([Unverified(**fields_of(row, Unverified)) for row in rows[:limit]], more)
    )


async def get_unverified(request: web.Request) -> web.Response:
    """One in words."""
    check_names(request, ())
    device, report = request.match_info["device"], request.match_info["report"]
    database = request.config_dict[DATABASE]
    row = await database.read(unverified.expect, device, bytes.fromhex(report))
    return json_response(
        UnverifiedDetail(
            **fields_of(row, Unverified),
            raw=base64.b64encode(row["raw"]).decode(),
            decoded=describe_uplink(decode_uplink(open_plain(row["raw"])[1])),
        )
    )


async def discard_unverified(request: web.Request) -> web.Response:
    """Let those of a device go."""
    check_names(request, ())
    await request.config_dict[DATABASE].write(unverified.discard, request.match_info["device"])
    return json_response(page([], None))


def _read(text: str) -> tuple[bytes, str, Uplink]:
    """(bytes, device, uplink) of a report in base64; ProblemError when it is none."""
    try:
        raw = base64.b64decode(text, validate=True)
        device, payload = open_plain(raw)
        return raw, device.hex(), decode_uplink(payload)
    except binascii.Error:
        why = "not base64"
    except RefusedError as error:
        why = str(error)
    shown = field_error("report", text[:40], _WANTED)
    raise ProblemError("invalid-body", f"report: {why}", shown)


_DEVICE = "/unverified/{device:[0-9a-f]{16}}"
OPERATIONS = (
    Operation(
        "POST",
        "/unverified",
        file_report,
        "File a report that nobody signed",
        Unverified,
        body=UnsignedReport,
        status=201,
        problems=("conflict",),
    ),
    Operation(
        "GET",
        "/unverified",
        list_unverified,
        "List reports that nobody signed",
        UnverifiedPage,
        query=PAGING,
    ),
    Operation(
        "GET",
        _DEVICE + "/{report:[0-9a-f]{32}}",
        get_unverified,
        "One of them, decoded",
        UnverifiedDetail,
    ),
    Operation("DELETE", _DEVICE, discard_unverified, "Let those of a device go", UnverifiedPage),
)
