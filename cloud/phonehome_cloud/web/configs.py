"""The configuration of a device on the desk API: what it should have, and what it says it has."""

from collections.abc import Mapping
from typing import Annotated

import msgspec
from aiohttp import web
from sqlalchemy import Connection, RowMapping

from phonehome_cloud.clock import now_ms
from phonehome_cloud.core.wishes import NAMES, Wish, WishError, read_wish
from phonehome_cloud.errors import NotFoundError
from phonehome_cloud.store import commands, configs, devices, secrets
from phonehome_product import Product
from phonehome_wire.names import PUSHED_NAMES
from phonehome_wire.pushed import MAX_VERSION
from phonehome_wire.registry import PUSHED_OK

from .bodies import read_json
from .operations import Operation, json_response
from .parts import ACTOR, DATABASE, NOTE_ORDER, PRODUCTS, VAULT
from .problems import ProblemError, field_error
from .queries import check_names

_Value = int | float | str


class NewConfig(msgspec.Struct, forbid_unknown_fields=True):
    """What a device should have; what it does not name is as in the file on the device."""

    values: Annotated[
        dict[str, _Value],
        msgspec.Meta(
            description=f"settings by name ({', '.join(NAMES)}), parameters of rules, as in "
            "E21.low, in the unit of the sensor, and periods of sensors, as in water.period_ms"
        ),
    ]
    version: (
        Annotated[
            int,
            msgspec.Meta(ge=1, le=MAX_VERSION, description="the next version; drawn when absent"),
        ]
        | None
    ) = None


class ConfigStatus(msgspec.Struct):
    """What the device said of one value: ok, unknown, wrong_type, out_of_range, boot_loop or
    unsupported.

    Boots died under one with boot_loop, and the device went back by itself.
    """

    name: str
    status: str


class DeviceConfig(msgspec.Struct):
    """What a device should have and where that stands; times are unix milliseconds UTC.

    Of a secret, as the password of the Wi-Fi, `values` say "(set)" and nothing more.

    `state` is pending, applied, reverted (the device went back by itself), refused (`statuses` say
    why) or failed; `reported` is the version that the device runs under, 0 for its own file alone;
    `next_try_at` is null when nothing is tried any more.
    """

    device: str
    version: int
    values: dict[str, _Value]
    state: str
    reported: int | None
    asked_by: str
    asked_at: int
    changed_at: int
    tries: int
    next_try_at: int | None
    command: int | None
    statuses: list[ConfigStatus]


async def put_config(request: web.Request) -> web.Response:
    """Wish for a configuration; the device is told with its next report, over MQTT at once."""
    check_names(request, ())
    wanted = await read_json(request, NewConfig)
    device, database = request.match_info["device"], request.config_dict[DATABASE]
    row = await database.read(devices.expect, device)
    product = request.config_dict[PRODUCTS].get(row["product"] or "")
    wish, vault = _wish_of(wanted.values, product), request.config_dict[VAULT]

    def put(connection: Connection) -> None:
        now_at, who = now_ms(), request[ACTOR]
        before = configs.put(connection, device, wanted.version, wish, who, now_at)
        secrets.put(connection, vault, device, wish.secrets)
        if before is not None:
            commands.supersede(connection, device, before, now_at)

    await database.write(put)
    request.config_dict[NOTE_ORDER](device)
    return json_response(_show(await database.read(_expect, device)))


async def get_config(request: web.Request) -> web.Response:
    """What a device should have, and where that stands."""
    check_names(request, ())
    device = request.match_info["device"]
    return json_response(_show(await request.config_dict[DATABASE].read(_expect, device)))


def _wish_of(values: Mapping[str, _Value], product: Product | None) -> Wish:
    try:
        return read_wish(values, product)
    except WishError as error:
        errors = [
            field_error(f"values.{name}" if name else "values", value, fix)
            for name, value, fix in error.problems
        ]
        raise ProblemError("invalid-body", "some values cannot be set", *errors) from None


def _expect(connection: Connection, device: str) -> RowMapping:
    devices.expect(connection, device)
    row = configs.maybe_find(connection, device)
    if row is None:
        raise NotFoundError(f"nobody wished for a configuration of device {device}")
    return row


def _show(row: RowMapping) -> DeviceConfig:
    same = ("device", "version", "state", "reported", "asked_at", "changed_at")
    return DeviceConfig(
        values=row["wished"],
        asked_by=row["who"],
        tries=row["tries"],
        next_try_at=row["due_at"],
        command=row["command"],
        statuses=[
            ConfigStatus(row["encoded"].get(key, [key])[0], PUSHED_NAMES.get(status, str(status)))
            for key, status in sorted((row["judged"] or {}).items(), key=_worst_first)
        ],
        **{name: row[name] for name in same},
    )


def _worst_first(judged: tuple[str, int]) -> tuple[bool, str]:
    return judged[1] == PUSHED_OK, judged[0]


_PATH = "/devices/{device:[0-9a-f]{16}}/config"
OPERATIONS = (
    Operation(
        "PUT",
        _PATH,
        put_config,
        "Wish for a configuration of a device",
        DeviceConfig,
        body=NewConfig,
        problems=("conflict",),
    ),
    Operation("GET", _PATH, get_config, "What a device should have, and has", DeviceConfig),
)
