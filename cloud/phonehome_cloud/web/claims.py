"""Claims and enrollments on the desk API: make, list, end; approve and deny who waits."""

from typing import Annotated, Any, Literal

import msgspec
from aiohttp import web

from phonehome_cloud.clock import now_ms
from phonehome_cloud.core.enrolling import APPROVED, DENIED, STATES
from phonehome_cloud.store import claims, enrollments

from .bodies import read_json
from .devices import DeviceID, check_product
from .operations import Operation, json_response
from .paging import page, read_cursor, read_limit, write_cursor
from .parts import ACTOR, DATABASE, VAULT
from .queries import PAGING, check_names, wrong_parameter

_DAY_S = 86_400
ENROLLMENT_FILTERS = {"state": f"one of {', '.join(STATES)}"}


class NewClaim(msgspec.Struct, forbid_unknown_fields=True):
    """A claim for a batch of boards."""

    product: Annotated[str, msgspec.Meta(description="the name of a product file")]
    label: Annotated[
        str, msgspec.Meta(max_length=120, description="up to 120 characters for people")
    ] = ""
    uses: Annotated[
        int, msgspec.Meta(ge=1, le=100_000, description="how many boards, 1 to 100000")
    ] = 1
    expires_in_s: Annotated[
        int,
        msgspec.Meta(ge=60, le=400 * _DAY_S, description="seconds from now, 60 to 400 days"),
    ] = 30 * _DAY_S
    devices: Annotated[
        list[DeviceID],
        msgspec.Meta(max_length=10_000, description="devices that need nobody's approval"),
    ] = []


class Claim(msgspec.Struct, omit_defaults=True):
    """A claim; times are unix milliseconds UTC."""

    claim: str
    product: str
    label: str
    devices: list[str]
    max_uses: int
    used: int
    created_at: int
    created_by: str
    expires_at: int
    revoked_at: int | None


class MadeClaim(Claim):
    """A claim that was just made; `secret` is told this once."""

    secret: str = ""


class ClaimPage(msgspec.Struct):
    """Some claims, and the cursor of the next page or null."""

    items: list[Claim]
    next: str | None


class MadeCode(msgspec.Struct):
    """A one-time code for an installer, told this once."""

    claim: str
    code: str


class Enrollment(msgspec.Struct):
    """The newest question of a device for a key, and what became of it."""

    device: str
    claim: str
    platform: str
    build: str
    state: Literal["pending", "approved", "denied", "issued", "active"]
    asked_at: int
    decided_at: int | None
    decided_by: str | None
    issued_at: int | None
    epoch: int | None


class EnrollmentPage(msgspec.Struct):
    """Some enrollments, and the cursor of the next page or null."""

    items: list[Enrollment]
    next: str | None


async def add_claim(request: web.Request) -> web.Response:
    """Make a claim; its id and secret go into the image of the boards."""
    check_names(request, ())
    wanted = await read_json(request, NewClaim)
    check_product(request, wanted.product)
    now_at = now_ms()
    row: dict[str, Any] = {
        "product": wanted.product,
        "label": wanted.label,
        "devices": sorted(set(wanted.devices)),
        "max_uses": wanted.uses,
        "created_at": now_at,
        "created_by": request[ACTOR],
        "expires_at": now_at + wanted.expires_in_s * 1000,
    }
    database, vault = request.config_dict[DATABASE], request.config_dict[VAULT]
    name, secret = await database.write(claims.add, vault, row)
    return json_response(
        MadeClaim(claim=name, used=0, revoked_at=None, secret=secret.hex(), **row),
        status=201,
        headers={"Location": f"/api/v1/claims/{name}", "Cache-Control": "no-store"},
    )


async def list_claims(request: web.Request) -> web.Response:
    """Claims by id."""
    check_names(request, PAGING)
    limit = read_limit(request.query)
    (after,) = read_cursor(request.query, "claims", str) or ("",)
    rows = await request.config_dict[DATABASE].read(claims.list_after, after, limit + 1)
    more = write_cursor("claims", rows[limit - 1]["claim"]) if len(rows) > limit else None
    return json_response(page([Claim(**row) for row in rows[:limit]], more))


async def get_claim(request: web.Request) -> web.Response:
    """One claim, without its secret."""
    check_names(request, ())
    name = request.match_info["claim"]
    return json_response(Claim(**await request.config_dict[DATABASE].read(claims.expect, name)))


async def revoke_claim(request: web.Request) -> web.Response:
    """End a claim: it brings nobody a key any more; keys that are in use stay."""
    check_names(request, ())
    await request.config_dict[DATABASE].write(claims.revoke, request.match_info["claim"], now_ms())
    return await get_claim(request)


async def add_code(request: web.Request) -> web.Response:
    """A one-time code: the device whose installer types it needs nobody's approval."""
    check_names(request, ())
    name = request.match_info["claim"]
    code = await request.config_dict[DATABASE].write(claims.add_code, name, now_ms())
    return json_response(MadeCode(name, code), status=201, headers={"Cache-Control": "no-store"})


async def list_enrollments(request: web.Request) -> web.Response:
    """Who asked for a key, by device."""
    check_names(request, (*PAGING, *ENROLLMENT_FILTERS))
    limit, state = read_limit(request.query), request.query.get("state")
    if state is not None and state not in STATES:
        raise wrong_parameter("state", state, ENROLLMENT_FILTERS["state"])
    (after,) = read_cursor(request.query, "enrollments", str) or ("",)
    database = request.config_dict[DATABASE]
    rows = await database.read(enrollments.list_after, state, after, limit + 1)
    more = write_cursor("enrollments", rows[limit - 1]["device"]) if len(rows) > limit else None
    return json_response(page([_show(row) for row in rows[:limit]], more))


async def approve_enrollment(request: web.Request) -> web.Response:
    """Let a device that waits have a key; one that was revoked may speak again."""
    return await _settle(request, APPROVED)


async def deny_enrollment(request: web.Request) -> web.Response:
    """Refuse a device until somebody approves it."""
    return await _settle(request, DENIED)


async def _settle(request: web.Request, state: str) -> web.Response:
    check_names(request, ())
    device, who = request.match_info["device"], request[ACTOR]
    database = request.config_dict[DATABASE]
    return json_response(
        _show(await database.write(enrollments.settle, device, state, who, now_ms()))
    )


def _show(row: Any) -> Enrollment:
    return Enrollment(**{name: row[name] for name in Enrollment.__struct_fields__})


_CLAIM = "/claims/{claim:[0-9a-f]{16}}"
_ENROLLMENT = "/enrollments/{device:[0-9a-f]{16}}"
OPERATIONS = (
    Operation("POST", "/claims", add_claim, "Make a claim", MadeClaim, body=NewClaim, status=201),
    Operation("GET", "/claims", list_claims, "List claims by id", ClaimPage, query=PAGING),
    Operation("GET", _CLAIM, get_claim, "One claim", Claim),
    Operation("POST", _CLAIM + "/revoke", revoke_claim, "End a claim", Claim),
    Operation(
        "POST",
        _CLAIM + "/codes",
        add_code,
        "Make a one-time code",
        MadeCode,
        status=201,
        problems=("conflict",),
    ),
    Operation(
        "GET",
        "/enrollments",
        list_enrollments,
        "List who asked for a key",
        EnrollmentPage,
        query={**PAGING, **ENROLLMENT_FILTERS},
    ),
    Operation(
        "POST",
        _ENROLLMENT + "/approve",
        approve_enrollment,
        "Let a device have a key",
        Enrollment,
        problems=("conflict",),
    ),
    Operation(
        "POST",
        _ENROLLMENT + "/deny",
        deny_enrollment,
        "Refuse a device a key",
        Enrollment,
        problems=("conflict",),
    ),
)
