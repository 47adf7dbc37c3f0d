"""The desk API under `/api/v1`: its operations, and what all of them have in common."""

from functools import cache
from typing import Any

from aiohttp import web

from . import (
    care,
    claims,
    commands,
    configs,
    devices,
    diagnoses,
    effects,
    hooks,
    importing,
    in_hand,
    incidents,
    journeys,
    letters,
    people,
    people_archives,
    previews,
    priors,
    quarantines,
    reports,
    supplying,
    tickets,
    transfers,
    unverified,
    visits,
)
from .access import require_token
from .openapi import describe_api
from .operations import add_operations, json_response
from .problems import tell_problems
from .requests import note_request

PREFIX = "/api/v1"
OPERATIONS = (
    *claims.OPERATIONS,
    *devices.OPERATIONS,
    *commands.OPERATIONS,
    *configs.OPERATIONS,
    *reports.OPERATIONS,
    *in_hand.OPERATIONS,
    *journeys.OPERATIONS,
    *quarantines.OPERATIONS,
    *letters.OPERATIONS,
    *effects.OPERATIONS,
    *hooks.OPERATIONS,
    *previews.OPERATIONS,
    *supplying.OPERATIONS,
    *tickets.OPERATIONS,
    *care.OPERATIONS,
    *incidents.OPERATIONS,
    *diagnoses.OPERATIONS,
    *priors.OPERATIONS,
    *people.OPERATIONS,
    *people_archives.OPERATIONS,
    *importing.OPERATIONS,
    *transfers.OPERATIONS,
    *visits.OPERATIONS,
    *unverified.OPERATIONS,
)


def make_desk(version: str) -> web.Application:
    """The application to mount at PREFIX; its parts are those of the application above it."""
    desk = web.Application(middlewares=[note_request, tell_problems, require_token])

    @cache  # made when somebody asks: 1 MiB
    def describe() -> dict[str, Any]:
        return describe_api(OPERATIONS, PREFIX, version)

    async def openapi(_request: web.Request) -> web.Response:
        """The whole API described for machines."""
        return json_response(describe())

    desk.router.add_get("/openapi.json", openapi)
    add_operations(desk, OPERATIONS)
    return desk
