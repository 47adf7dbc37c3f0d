"""Appliances that change hands, on the desk API: who waits, and a yes or no for who has it."""

from typing import Final

import msgspec
from aiohttp import web

from phonehome_cloud.clock import now_ms
from phonehome_cloud.core.people import kinds
from phonehome_cloud.store import claiming, directory

from .operations import Operation, json_response
from .paging import page
from .parts import DATABASE
from .people import show
from .people_bodies import Appliance
from .queries import check_names


class Transfer(msgspec.Struct):
    """Somebody has claimed an appliance with its code; its owner is asked until it expires."""

    device: str
    owner: str | None
    to_owner: str
    asked_at: int
    expires_at: int


class TransferPage(msgspec.Struct):
    """Everybody who waits, the oldest first."""

    items: list[Transfer]
    next: str | None


async def list_transfers(request: web.Request) -> web.Response:
    """Who waits for which appliance."""
    check_names(request, ())
    rows = await request.config_dict[DATABASE].read(claiming.list_transfers)
    return json_response(page([Transfer(**row) for row in rows], None))


async def approve_transfer(request: web.Request) -> web.Response:
    """The appliance is theirs; what the owner before left is wiped."""
    return await _settle(request, claiming.approve)


async def refuse_transfer(request: web.Request) -> web.Response:
    """It stays whose it is; who claimed it is erased again."""
    return await _settle(request, claiming.refuse)


async def _settle(request: web.Request, settle: claiming.Settle) -> web.Response:
    check_names(request, ())
    device, database = request.match_info["device"], request.config_dict[DATABASE]
    await database.write(settle, device, now_ms())
    return json_response(
        show(kinds.APPLIANCES, await database.read(directory.expect, kinds.APPLIANCES, device))
    )


_PATH: Final = "/transfers/{device:[0-9a-f]{16}}"
OPERATIONS = (
    Operation("GET", "/transfers", list_transfers, "Who waits for an appliance", TransferPage),
    Operation("POST", _PATH + "/approve", approve_transfer, "Give an appliance away", Appliance),
    Operation("POST", _PATH + "/refuse", refuse_transfer, "Let an appliance stay", Appliance),
)
