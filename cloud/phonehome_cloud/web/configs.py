"""The configuration of a device on the desk API: what it should have, and what it says it has."""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from aiohttp import web
from sqlalchemy import Connection, RowMapping

from phonehome_cloud.clock import now_ms
from phonehome_cloud.errors import NotFoundError
from phonehome_cloud.store import commands, configs, devices
from phonehome_product import Product, TuneError, tune
from phonehome_wire.names import PUSHED_NAMES
from phonehome_wire.pushed import MAX_KEYS, MAX_VERSION, SETTINGS
from phonehome_wire.registry import PUSHED_OK

from .bodies import read_json
from .operations import Operation, json_response
from .parts import ACTOR, DATABASE, NOTE_ORDER, PRODUCTS
from .problems import ProblemError, field_error
from .queries import check_names

_Number = int | float
_BY_NAME = {name: (key, least, greatest) for key, (name, least, greatest) in SETTINGS.items()}


class NewConfig(msgspec.Struct, forbid_unknown_fields=True):
    """What a device should have; what it does not name is as in the file on the device."""

    values: Annotated[
        dict[str, _Number],
        msgspec.Meta(
            description=f"settings by name ({', '.join(_BY_NAME)}) and parameters of rules, as in "
            "E21.low, in the unit of the sensor"
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
    """What the device said of one value: ok, unknown, wrong_type, out_of_range or boot_loop.

    Boots died under one with boot_loop, and the device went back by itself.
    """

    name: str
    status: str


class DeviceConfig(msgspec.Struct):
    """What a device should have and where that stands; times are unix milliseconds UTC.

    `state` is pending, applied, reverted (the device went back by itself), refused (`statuses` say
    why) or failed; `reported` is the version that the device runs under, 0 for its own file alone;
    `next_try_at` is null when nothing is tried any more.
    """

    device: str
    version: int
    values: dict[str, _Number]
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
    keys = _keys_of(wanted.values, product)

    def put(connection: Connection) -> None:
        now_at, who = now_ms(), request[ACTOR]
        before = configs.put(connection, device, wanted.version, wanted.values, keys, who, now_at)
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


def _keys_of(values: Mapping[str, _Number], product: Product | None) -> dict[str, Any]:
    """The values as they are sent, {key: [name, number]}; ProblemError names every wrong one."""
    if len(values) > MAX_KEYS:
        error = field_error("values", len(values), f"at most {MAX_KEYS}")
        raise ProblemError("invalid-body", "too many values", error)
    keys: dict[str, Any] = {}
    problems: list[tuple[str, object, str]] = []
    rules = {name: value for name, value in values.items() if "." in name}
    for name, value in values.items():
        if name in rules:
            continue
        key, least, greatest = _BY_NAME.get(name, (0, 0, 0))
        if not key:
            problems.append((name, value, f"one of {', '.join(_BY_NAME)}, or as in E21.low"))
        elif not isinstance(value, int) or not least <= value <= greatest:
            problems.append((name, value, f"a whole number from {least} to {greatest}"))
        else:
            keys[str(key)] = [name, value]
    if rules and product is None:
        fix = "leave it out: no product file of the receiver describes the device"
        problems += [(name, value, fix) for name, value in rules.items()]
    elif rules and product is not None:
        try:
            keys |= {str(t.key): [t.name, t.value] for t in tune(product, rules)}
        except TuneError as error:
            problems += error.problems
    if problems:
        errors = [field_error(f"values.{name}", value, fix) for name, value, fix in problems]
        raise ProblemError("invalid-body", "some values cannot be set", *errors)
    return keys


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
