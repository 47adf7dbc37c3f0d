"""Dead letters on the desk API: records that the digest has set aside, and another try."""

from typing import Any

import msgspec
from aiohttp import web
from sqlalchemy import RowMapping

from phonehome_cloud.errors import NotFoundError
from phonehome_cloud.store import misfits
from phonehome_wire import names

from .operations import Operation, json_response
from .paging import page, read_cursor, read_limit, write_cursor
from .parts import DATABASE
from .queries import PAGING, check_names, read_device

_MAX_DIGITS = 16  # of MAX_INT
_PLACE = ("received_at", "device", "inc", "boot", "seq")


class Letter(msgspec.Struct):
    """A record that is stored and could not be digested; `id` is `inc-boot-seq`."""

    id: str
    device: str
    type: str
    received_at: int
    digested_at: int
    reason: str


class LetterPage(msgspec.Struct):
    """Some dead letters, and the cursor of the next page or null."""

    items: list[Letter]
    next: str | None


class Retried(msgspec.Struct):
    """A record that the digest will try again."""

    id: str
    device: str


async def list_letters(request: web.Request) -> web.Response:
    """The dead letters, newest first."""
    check_names(request, FILTERS)
    limit = read_limit(request.query)
    after = read_cursor(request.query, "letters", int, str, str, int, int)
    device = read_device(request.query.get("device"))
    rows = await request.config_dict[DATABASE].read(misfits.list_dead, device, after, limit + 1)
    more = None
    if len(rows) > limit:
        more = write_cursor("letters", *(rows[limit - 1][name] for name in _PLACE))
    return json_response(page([_letter(row) for row in rows[:limit]], more))


async def retry_letter(request: web.Request) -> web.Response:
    """Let the digest try it again, within seconds."""
    check_names(request, ())
    device, name = request.match_info["device"], request.match_info["record"]
    inc, boot, seq = name.split("-")
    if max(len(boot), len(seq)) > _MAX_DIGITS:
        raise NotFoundError(f"there is no record {name}")
    place = inc, int(boot), int(seq)
    await request.config_dict[DATABASE].write(misfits.retry_record, device, place)
    return json_response(Retried(name, device), status=202)


def type_name(rtype: int) -> str:
    """The word for a type of record."""
    return names.RTYPE_NAMES.get(rtype, str(rtype))


def _letter(row: RowMapping) -> Letter:
    found: dict[str, Any] = {name: row[name] for name in ("device", "received_at", "digested_at")}
    return Letter(
        id=f"{row['inc']}-{row['boot']}-{row['seq']}",
        type=type_name(row["rtype"]),
        reason=row["digest_failure"],
        **found,
    )


FILTERS = {**PAGING, "device": "16 lower-case hex digits"}
_RECORD = "{record:[0-9a-f]+-[0-9]+-[0-9]+}"
OPERATIONS = (
    Operation(
        "GET",
        "/dead-letters",
        list_letters,
        "Records set aside, newest first",
        LetterPage,
        query=FILTERS,
    ),
    Operation(
        "POST",
        "/devices/{device:[0-9a-f]{16}}/dead-letters/" + _RECORD + "/retry",
        retry_letter,
        "Digest it again",
        Retried,
        status=202,
    ),
)
