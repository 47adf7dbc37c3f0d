"""Commands on the desk API: give one, list them, see what became of one."""

from typing import Annotated, Any

import msgspec
from aiohttp import web
from sqlalchemy import Connection, RowMapping

from phonehome_cloud.clock import now_ms
from phonehome_cloud.core import orders
from phonehome_cloud.store import commands, devices
from phonehome_wire.decoder import decode
from phonehome_wire.names import COMMAND_NAMES, RESULT_NAMES

from .bodies import read_json
from .operations import Operation, json_response
from .paging import page, read_cursor, read_limit, write_cursor
from .parts import ACTOR, DATABASE, NOTE_ORDER
from .problems import ProblemError, field_error
from .queries import PAGING, check_names


class NewCommand(msgspec.Struct, forbid_unknown_fields=True):
    """What a device is to do."""

    code: Annotated[
        int | str,
        msgspec.Meta(description="a command by name, as in reboot, or by number; yours: 128..255"),
    ]
    args: Annotated[
        dict[str, Any],
        msgspec.Meta(description="its arguments by name; those of your own commands by number"),
    ] = {}
    deadline_s: Annotated[
        int,
        msgspec.Meta(
            ge=1,
            le=orders.MAX_DEADLINE_S,
            description="seconds in which it is to begin, 1 to 2592000; 3600 when absent",
        ),
    ] = 3600
    repeat: Annotated[
        bool,
        msgspec.Meta(
            description="whether a command of your own may be given to the next boot when one "
            "ended without a result; false when absent"
        ),
    ] = False


class Command(msgspec.Struct):
    """A command and what became of it; times are unix milliseconds UTC.

    `state` is queued, sent, done, or why not: refused, bad_args, failed, unknown, expired, lost
    (its boot ended without a result, and it must not be done twice), superseded. `status` and
    `value` are the device's own words.
    """

    id: int
    device: str
    code: int
    name: str | None
    args: dict[str, Any]
    state: str
    repeat: bool
    asked_by: str
    asked_at: int
    deadline_at: int
    inc: str | None
    boot: int | None
    cseq: int | None
    sends: int
    sent_at: int | None
    status: str | None
    value: Any
    ended_at: int | None


class CommandPage(msgspec.Struct):
    """Some commands, and the cursor of the next page or null."""

    items: list[Command]
    next: str | None


async def add_command(request: web.Request) -> web.Response:
    """Give a command; it is sent with the device's next report, over MQTT at once."""
    check_names(request, ())
    wanted = await read_json(request, NewCommand)
    device, now_at = request.match_info["device"], now_ms()
    try:
        order = _order(wanted, device, request[ACTOR], now_at)
    except orders.OrderError as error:
        fault = field_error(error.field, error.value, error.fix)
        raise ProblemError("invalid-body", str(error), fault) from None
    database = request.config_dict[DATABASE]
    number = await database.write(commands.add, order)
    request.config_dict[NOTE_ORDER](device)
    row = await database.read(commands.expect, device, number)
    path = f"/api/v1/devices/{device}/commands/{number}"
    return json_response(_show(row), status=201, headers={"Location": path})


def _order(wanted: NewCommand, device: str, who: str, now_at: int) -> commands.Order:
    code = orders.read_code(wanted.code)
    args = orders.encode_args(orders.read_args(code, wanted.args))
    is_repeatable = orders.may_repeat(code, is_asked=wanted.repeat)
    deadline_at = now_at + wanted.deadline_s * 1000
    return commands.Order(device, code, args, is_repeatable, who, now_at, deadline_at)


async def list_commands(request: web.Request) -> web.Response:
    """The commands of one device, newest first."""
    check_names(request, PAGING)
    limit = read_limit(request.query)
    (before,) = read_cursor(request.query, "commands", int) or (None,)
    database, device = request.config_dict[DATABASE], request.match_info["device"]
    rows = await database.read(_list, device, before, limit + 1)
    more = write_cursor("commands", rows[limit - 1]["number"]) if len(rows) > limit else None
    return json_response(page([_show(row) for row in rows[:limit]], more))


def _list(connection: Connection, device: str, before: int | None, limit: int) -> list[RowMapping]:
    devices.expect(connection, device)
    return commands.list_before(connection, device, before, limit)


async def get_command(request: web.Request) -> web.Response:
    """One command and what became of it."""
    check_names(request, ())
    device, number = request.match_info["device"], int(request.match_info["command"])
    row = await request.config_dict[DATABASE].read(commands.expect, device, number)
    return json_response(_show(row))


def _show(row: RowMapping) -> Command:
    args = decode(row["args"]) if row["args"] is not None else None
    status = row["status"]
    same = ("device", "code", "state", "asked_at", "deadline_at", "inc", "boot", "cseq", "sends")
    return Command(
        id=row["number"],
        name=COMMAND_NAMES.get(row["code"]),
        args=orders.name_args(row["code"], args),
        repeat=row["repeatable"],
        asked_by=row["who"],
        sent_at=row["sent_at"],
        status=None if status is None else RESULT_NAMES.get(status, str(status)),
        value=row["value"],
        ended_at=row["ended_at"],
        **{name: row[name] for name in same},
    )


_PATH = "/devices/{device:[0-9a-f]{16}}/commands"
OPERATIONS = (
    Operation(
        "POST",
        _PATH,
        add_command,
        "Give a device a command",
        Command,
        body=NewCommand,
        status=201,
        problems=("conflict",),
    ),
    Operation(
        "GET", _PATH, list_commands, "A device's commands, newest first", CommandPage, query=PAGING
    ),
    Operation(
        "GET", _PATH + "/{command:[0-9]{1,9}}", get_command, "One command and its result", Command
    ),
)
