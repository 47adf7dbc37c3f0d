"""Quarantine on the desk API: what was authentic and unreadable, and another try for it."""

import base64
from typing import Any

import msgspec
from aiohttp import web
from sqlalchemy import RowMapping

from phonehome_cloud.errors import ConflictError, StoreUnavailableError
from phonehome_cloud.store import misfits
from phonehome_wire.envelope import payload_span
from phonehome_wire.errors import WireError
from phonehome_wire.uplink import decode_uplink

from .decoding import describe_message
from .hashed import fields_of, read_hash
from .operations import Operation, json_response
from .paging import page, read_cursor, read_limit, write_cursor
from .parts import DATABASE, INTAKE
from .queries import PAGING, check_names, read_device

REPLAYED = "replay"  # the transport of what comes out of quarantine


class Misfit(msgspec.Struct):
    """Something in quarantine; `boot` and `seq` are set when it is one record of a message."""

    id: str
    device: str
    reason: str
    detail: str
    transport: str
    received_at: int
    boot: int | None
    seq: int | None


class MisfitDetail(Misfit):
    """With its bytes in base64, and what they say as far as this version can read them."""

    raw: str
    decoded: dict[str, Any] | None


class MisfitPage(msgspec.Struct):
    """Some of the quarantine, and the cursor of the next page or null."""

    items: list[Misfit]
    next: str | None


class Replayed(msgspec.Struct):
    """What became of it: the status that intake gave it, and why."""

    id: str
    device: str
    status: int
    reason: str


async def list_misfits(request: web.Request) -> web.Response:
    """The quarantine, newest first."""
    check_names(request, FILTERS)
    limit = read_limit(request.query)
    after = read_cursor(request.query, "quarantine", int, str, str)
    device = read_device(request.query.get("device"))
    place = None if after is None else (after[0], after[1], read_hash(after[2]))
    database = request.config_dict[DATABASE]
    rows = await database.read(misfits.list_quarantined, device, place, limit + 1)
    more = None
    if len(rows) > limit:
        last = rows[limit - 1]
        words = last["received_at"], last["device"], last["hash"].hex()
        more = write_cursor("quarantine", *words)
    return json_response(page([Misfit(**fields_of(row, Misfit)) for row in rows[:limit]], more))


async def get_misfit(request: web.Request) -> web.Response:
    """One of them, with its bytes."""
    check_names(request, ())
    row = await _expect(request)
    raw = bytes(row["raw"])
    text = base64.b64encode(raw).decode()
    return json_response(MisfitDetail(**fields_of(row, Misfit), raw=text, decoded=_read(row, raw)))


async def replay_misfit(request: web.Request) -> web.Response:
    """Take it in again, as this version reads it; then it leaves the quarantine.

    409 while it still cannot be read, or its key may not sign any more.
    """
    check_names(request, ())
    row = await _expect(request)
    database = request.config_dict[DATABASE]
    message = bytes(row["raw"])
    if row["seq"] is not None:
        carrier = await database.read(misfits.find_carrier, row)
        if carrier is None:
            raise ConflictError("the message that brought this record is not stored any more")
        message = carrier
        _check_record(row, carrier)
    reply = await request.config_dict[INTAKE].accept(message, REPLAYED, row["device"])
    if reply.status >= 500:
        raise StoreUnavailableError("it could not be stored now")
    if reply.status != 200:
        raise ConflictError(f"it was refused again: {reply.status} {reply.reason}")
    await database.write(misfits.release, row["device"], row["hash"])
    return json_response(Replayed(row["hash"].hex(), row["device"], reply.status, reply.reason))


def _check_record(row: RowMapping, carrier: bytes) -> None:
    """ConflictError while the record breaks the schema of this version, too."""
    start, end = payload_span(carrier)
    for record in decode_uplink(carrier[start:end]).records:
        if bytes(record.raw) == bytes(row["raw"]) and record.defect is not None:
            raise ConflictError(f"it still cannot be read: {record.defect}")


def _read(row: RowMapping, raw: bytes) -> dict[str, Any] | None:
    if row["seq"] is not None:
        return None
    try:
        return describe_message(raw)
    except WireError:
        return None


async def _expect(request: web.Request) -> RowMapping:
    device, item = request.match_info["device"], bytes.fromhex(request.match_info["item"])
    return await request.config_dict[DATABASE].read(misfits.expect_quarantined, device, item)


FILTERS = {**PAGING, "device": "16 lower-case hex digits"}
_ONE = "/devices/{device:[0-9a-f]{16}}/quarantine/{item:[0-9a-f]{32}}"
OPERATIONS = (
    Operation(
        "GET",
        "/quarantine",
        list_misfits,
        "What cannot be read, newest first",
        MisfitPage,
        query=FILTERS,
    ),
    Operation("GET", _ONE, get_misfit, "One of it, with its bytes", MisfitDetail),
    Operation(
        "POST",
        _ONE + "/replay",
        replay_misfit,
        "Take it in again",
        Replayed,
        problems=("conflict",),
    ),
)
