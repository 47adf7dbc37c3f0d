"""The whole path of one report: arrived, stored, digested, fault, ticket, and what it is told."""

from typing import Any

import msgspec
from aiohttp import web
from sqlalchemy import Connection

from phonehome_cloud.core.tickets import ticket_id
from phonehome_cloud.errors import NotFoundError
from phonehome_cloud.store import listing, misfits, receivers
from phonehome_wire.envelope import payload_span
from phonehome_wire.registry import REFUSED_COLLISION, REFUSED_MALFORMED
from phonehome_wire.uplink import Record, decode_uplink

from .letters import type_name
from .operations import Operation, json_response
from .parts import DATABASE
from .queries import check_names

_WHY = {REFUSED_MALFORMED: "malformed", REFUSED_COLLISION: "collision"}


class Step(msgspec.Struct, omit_defaults=True):
    """What became of one record of a report.

    `stored_by` is the report that brought it first: another one when this was a retransmission.
    `ack` is what the device is told about it: `stored`, or why it is refused.
    """

    record: str
    type: str
    ack: str
    stored_by: str | None = None
    late: bool = False
    digested_at: int | None = None
    digest_failure: str | None = None
    fault: str | None = None
    event_at: int | None = None
    ticket: str | None = None
    ticket_state: str | None = None


class Journey(msgspec.Struct):
    """One report from its arrival on; times are unix milliseconds UTC."""

    id: str
    device: str
    arrived_at: int
    transport: str
    inc: str
    boot: int
    records: list[Step]


class Receiver(msgspec.Struct):
    """A receiver process on this database; `seen_at` is when it last proved that it can write."""

    name: str
    started_at: int
    seen_at: int


class ReceiverList(msgspec.Struct):
    """The receivers that wrote within a day."""

    items: list[Receiver]


async def get_journey(request: web.Request) -> web.Response:
    """The path of one report by its id."""
    check_names(request, ())
    device, report = request.match_info["device"], request.match_info["report"]
    database = request.config_dict[DATABASE]
    return json_response(await database.read(_follow, device, bytes.fromhex(report)))


async def list_receivers(request: web.Request) -> web.Response:
    """Who runs on this database."""
    check_names(request, ())
    rows = await request.config_dict[DATABASE].read(receivers.list_alive)
    return json_response({"items": [Receiver(**row) for row in rows]})


def _follow(connection: Connection, device: str, digest: bytes) -> Journey:
    try:
        row = listing.expect_report(connection, device, digest)
    except NotFoundError as error:
        raise NotFoundError(
            f"{error}{misfits.tell_whereabouts(connection, device, digest)}"
        ) from None
    raw = bytes(row["raw"])
    start, end = payload_span(raw)
    uplink = decode_uplink(raw[start:end])
    origin = row["inc"] if uplink.origin_inc is None else uplink.origin_inc.hex()
    return Journey(
        id=digest.hex(),
        device=device,
        arrived_at=row["received_at"],
        transport=row["transport"],
        inc=row["inc"],
        boot=row["boot"],
        records=[_step(connection, device, origin, record) for record in uplink.records],
    )


def _step(connection: Connection, device: str, origin: str, record: Record) -> Step:
    name = f"{origin}-{record.boot}-{record.seq}"
    kind = type_name(record.rtype)
    if record.defect is not None:
        return Step(name, kind, ack=_WHY[REFUSED_MALFORMED])
    found = misfits.follow_record(connection, device, (origin, record.boot, record.seq))
    if found is None:
        return Step(name, kind, ack="not stored")
    is_ours = found["raw"] == record.raw
    step = Step(
        name,
        kind,
        ack="stored" if is_ours else _WHY[REFUSED_COLLISION],
        stored_by=found["message"].hex(),
        late=found["late"],
        digested_at=found["digested_at"],
        digest_failure=found["digest_failure"],
    )
    if is_ours and found["fault"] is not None:
        _add_fault(step, device, found["fault"])
    return step


def _add_fault(step: Step, device: str, fault: Any) -> None:
    step.fault = f"{fault['spn']}.{fault['fmi']}"
    step.event_at = fault["event_at"]
    if fault["ticket"] is not None:
        step.ticket = ticket_id(device, fault["ticket"])
        step.ticket_state = fault["state"]


OPERATIONS = (
    Operation(
        "GET",
        "/devices/{device:[0-9a-f]{16}}/reports/{report:[0-9a-f]{32}}/path",
        get_journey,
        "What became of one report",
        Journey,
    ),
    Operation("GET", "/receivers", list_receivers, "Who runs on this database", ReceiverList),
)
