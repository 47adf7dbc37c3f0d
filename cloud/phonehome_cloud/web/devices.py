"""Devices on the desk API: add, list, get, revoke."""

import secrets
from typing import Annotated, Any

import msgspec
from aiohttp import web
from sqlalchemy import Connection, RowMapping

from phonehome_cloud.clock import now_ms
from phonehome_cloud.store import devices
from phonehome_cloud.store.registering import register
from phonehome_cloud.store.rotation import order_rotation
from phonehome_cloud.store.vault import Vault

from .bodies import read_json
from .operations import Operation, json_response
from .paging import page, read_cursor, read_limit, write_cursor
from .parts import ACTOR, DATABASE, KEYS, NOTE_ORDER, PRODUCTS, VAULT
from .problems import ProblemError, field_error
from .queries import PAGING, check_names, wrong_parameter

_KEY_BYTES = 32

DeviceID = Annotated[
    str,
    msgspec.Meta(
        pattern="^[0-9a-f]{16}$",
        max_length=16,
        description="an EUI-64 as 16 lower-case hex digits",
        examples=["a4cf12fffe05d3b1"],
    ),
]
KeyText = Annotated[
    str,
    msgspec.Meta(
        pattern="^[0-9a-f]{64}$",
        max_length=64,
        description="32 bytes as 64 lower-case hex digits; leave it out to have one drawn",
        extra={"secret": True},
    ),
]


_LISTING = PAGING | {"dropping": "yes: only those whose outbox has dropped records"}


class NewDevice(msgspec.Struct, forbid_unknown_fields=True):
    """A device to register."""

    device: DeviceID
    product: Annotated[str, msgspec.Meta(description="the name of a product file")]
    label: Annotated[
        str, msgspec.Meta(max_length=120, description="up to 120 characters for people")
    ] = ""
    key: KeyText | None = None
    replace: Annotated[
        bool,
        msgspec.Meta(description="even if the device is known under another key or product"),
    ] = False


class Presence(msgspec.Struct):
    """What the newest boot of a device said about itself; `_ms` is its uptime."""

    inc: str
    boot: int
    first_seen_at: int
    last_seen_at: int
    last_now_ms: int
    build: str
    dropped: int | None
    state: int | None
    agent: str | None
    platform: str | None
    reset_cause: int | None
    config_version: int | None


class Device(msgspec.Struct, omit_defaults=True):
    """A device; times are unix milliseconds UTC."""

    device: str
    product: str | None
    label: str
    created_at: int
    revoked_at: int | None


class DeviceDetail(Device):
    """A device with what it last said, and how much it asks of people."""

    open_tickets: int
    presence: Presence | None


class RegisteredDevice(Device):
    """A device that was registered; `key` only if the receiver drew it: it is told this once.

    So is `code`, which goes on the label of the device for its owner; the one before it ends.
    """

    epoch: int
    code: str
    key: str | None = None


class NextKey(msgspec.Struct):
    """A key that a device is told to derive; it counts from the first report under it."""

    device: str
    epoch: int
    created_at: int


class DevicePage(msgspec.Struct):
    """Some devices, and the cursor of the next page or null."""

    items: list[Device]
    next: str | None


async def add_device(request: web.Request) -> web.Response:
    """Register a device under the key it has, or under one that is drawn here.

    The same device under the same key again is the same registration: who lost the answer asks
    again. Under another key it is a conflict, unless `replace` is set.
    """
    check_names(request, ())
    wanted = await read_json(request, NewDevice)
    check_product(request, wanted.product)
    key = bytes.fromhex(wanted.key) if wanted.key else secrets.token_bytes(_KEY_BYTES)
    row: dict[str, Any] = {
        "device": wanted.device,
        "product": wanted.product,
        "label": wanted.label,
        "created_at": now_ms(),
    }
    database, vault = request.config_dict[DATABASE], request.config_dict[VAULT]
    made = await database.write(register, vault, row, key, wanted.replace)
    request.config_dict[KEYS].forget(wanted.device)  # it may have knocked before it was known
    known = await database.read(devices.expect, wanted.device)
    drawn = None if wanted.key else key.hex()
    return json_response(
        RegisteredDevice(**known, epoch=made.epoch, code=made.code, key=drawn),
        status=201,
        headers={"Location": f"/api/v1/devices/{wanted.device}", "Cache-Control": "no-store"},
    )


def check_product(request: web.Request, product: str) -> None:
    """ProblemError when no product file has this name."""
    known = request.config_dict[PRODUCTS]
    if product not in known:
        error = field_error("product", product, f"one of {', '.join(sorted(known))}")
        raise ProblemError("invalid-body", "there is no such product", error)


async def list_devices(request: web.Request) -> web.Response:
    """Devices by id."""
    check_names(request, _LISTING)
    is_dropping = request.query.get("dropping", "no")
    if is_dropping not in {"yes", "no"}:
        raise wrong_parameter("dropping", is_dropping, "yes or no")
    limit = read_limit(request.query)
    (after,) = read_cursor(request.query, "devices", str) or ("",)
    database = request.config_dict[DATABASE]
    rows = await database.read(
        devices.list_after, after, limit + 1, is_dropping=is_dropping == "yes"
    )
    more = write_cursor("devices", rows[limit - 1]["device"]) if len(rows) > limit else None
    return json_response(page([Device(**row) for row in rows[:limit]], more))


async def get_device(request: web.Request) -> web.Response:
    """One device with its presence."""
    check_names(request, ())
    return json_response(await _show(request))


async def revoke_device(request: web.Request) -> web.Response:
    """Destroy a device's keys: what it signs is refused from now on, its data stays."""
    check_names(request, ())
    device_id = request.match_info["device"]
    database = request.config_dict[DATABASE]
    await database.write(devices.revoke, device_id, now_ms())
    request.config_dict[KEYS].forget(device_id)
    return json_response(await _show(request))


async def rotate_key(request: web.Request) -> web.Response:
    """Make the next key of a device; asked again while the device has not used it: the same."""
    check_names(request, ())
    device_id = request.match_info["device"]
    database, vault = request.config_dict[DATABASE], request.config_dict[VAULT]
    made = await database.write(_rotate, vault, device_id, request[ACTOR], now_ms())
    request.config_dict[KEYS].forget(device_id)
    request.config_dict[NOTE_ORDER](device_id)
    return json_response(made, status=202)


def _rotate(
    connection: Connection, vault: Vault, device_id: str, who: str, now_at: int
) -> NextKey:
    devices.expect(connection, device_id)
    rotation = order_rotation(connection, vault, device_id, who, now_at)
    return NextKey(device_id, rotation.epoch, rotation.created_at)


async def _show(request: web.Request) -> DeviceDetail:
    return await request.config_dict[DATABASE].read(_detail, request.match_info["device"])


def _detail(connection: Connection, device_id: str) -> DeviceDetail:
    row = devices.expect(connection, device_id)
    presence = devices.maybe_presence(connection, device_id)
    return DeviceDetail(
        **row,
        open_tickets=devices.count_open_tickets(connection, device_id),
        presence=_presence(presence),
    )


def _presence(row: RowMapping | None) -> Presence | None:
    values: dict[str, Any] = dict(row) if row is not None else {}
    return Presence(**values) if values else None


_PATH = "/devices/{device:[0-9a-f]{16}}"
OPERATIONS = (
    Operation(
        "POST",
        "/devices",
        add_device,
        "Register a device",
        RegisteredDevice,
        body=NewDevice,
        status=201,
        problems=("conflict",),
    ),
    Operation("GET", "/devices", list_devices, "List devices by id", DevicePage, query=_LISTING),
    Operation("GET", _PATH, get_device, "One device with its presence", DeviceDetail),
    Operation(
        "POST",
        _PATH + "/rotate-key",
        rotate_key,
        "Give a device its next key",
        NextKey,
        status=202,
        problems=("conflict",),
    ),
    Operation("POST", _PATH + "/revoke", revoke_device, "Destroy a device's keys", DeviceDetail),
)
