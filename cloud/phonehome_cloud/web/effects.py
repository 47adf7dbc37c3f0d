"""Effects on the desk API: what leaves, how each try went, another try, and dead addresses."""

from typing import Annotated, Any, Literal

import msgspec
from aiohttp import web

from phonehome_cloud.clock import now_ms
from phonehome_cloud.core.telling.effect import KINDS, STATES
from phonehome_cloud.errors import ConflictError
from phonehome_cloud.store import contacts, effects, outbox, resending

from .bodies import read_json
from .operations import Operation, json_response
from .paging import page, read_cursor, read_limit, write_cursor
from .parts import ACTOR, DATABASE
from .queries import PAGING, check_names, read_device, wrong_parameter

_WORDS = {"state": STATES, "kind": KINDS}
FILTERS = {
    **PAGING,
    "state": f"one of {', '.join(STATES)}",
    "kind": f"one of {', '.join(KINDS)}",
    "to": "whom it goes to, as in owner:ID, hook:ID, desk",
    "device": "16 lower-case hex digits",
}


class Effect(msgspec.Struct, kw_only=True):
    """Something that goes outside, without its content; times are unix milliseconds UTC."""

    key: str
    kind: Literal["mail", "webhook"]
    to: str
    template: str
    weight: Literal["safety", "service", "notice"]
    device: str | None
    ticket: int | None
    state: Literal["waiting", "sent", "dead", "merged", "cancelled"]
    attempts: int
    failure: str | None
    created_at: int
    due_at: int
    expires_at: int
    ended_at: int | None
    digest: str | None


class EffectPage(msgspec.Struct):
    """Some effects, and the cursor of the next page or null."""

    items: list[Effect]
    next: str | None


class Attempt(msgspec.Struct):
    """How one try went; one whose number is missing was cut short."""

    number: int
    at: int
    took_ms: int
    outcome: Literal["sent", "retry", "dead"]
    reason: str


class EffectDetail(Effect, kw_only=True):
    """An effect with what it says and how each try went."""

    data: dict[str, Any]
    tries: list[Attempt]


class Cancellation(msgspec.Struct, forbid_unknown_fields=True):
    """Why an effect is taken back."""

    reason: Annotated[
        str, msgspec.Meta(min_length=1, max_length=200, description="1 to 200 characters")
    ]


class Suppression(msgspec.Struct):
    """An address that nothing is written to, because its server says that nobody is there."""

    address: str
    reason: str
    at: int


class SuppressionPage(msgspec.Struct):
    """Some of those addresses, and the cursor of the next page or null."""

    items: list[Suppression]
    next: str | None


class Released(msgspec.Struct):
    """An address that is written to again."""

    address: str


async def list_effects(request: web.Request) -> web.Response:
    """Effects, newest first."""
    check_names(request, FILTERS)
    query, limit = request.query, read_limit(request.query)
    wanted = {"device": read_device(query.get("device")), "recipient": query.get("to")}
    for name, known in _WORDS.items():
        wanted[name] = query.get(name)
        if wanted[name] is not None and wanted[name] not in known:
            raise wrong_parameter(name, query[name], FILTERS[name])
    after: Any = read_cursor(query, "effects", int, str)
    given = {name: value for name, value in wanted.items() if value is not None}
    rows = await request.config_dict[DATABASE].read(outbox.list_effects, given, after, limit + 1)
    more = None
    if len(rows) > limit:
        last = rows[limit - 1]
        more = write_cursor("effects", last["created_at"], last["key"])
    return json_response(page([show_effect(row) for row in rows[:limit]], more))


async def get_effect(request: web.Request) -> web.Response:
    """One effect, with what it says and how each try went."""
    check_names(request, ())
    database, key = request.config_dict[DATABASE], request.match_info["key"]
    row = await database.read(outbox.expect, key)
    tries = await database.read(outbox.list_attempts, key)
    names = Attempt.__struct_fields__
    found = [Attempt(**{name: each[name] for name in names}) for each in tries]
    shown = msgspec.structs.asdict(show_effect(row))
    return json_response(EffectDetail(**shown, data=row["data"], tries=found))


async def retry_effect(request: web.Request) -> web.Response:
    """Send a dead one again, or replay a webhook: within seconds, under the key it has."""
    check_names(request, ())
    database, key = request.config_dict[DATABASE], request.match_info["key"]
    return json_response(
        show_effect(await database.write(resending.retry, key, now_ms())), status=202
    )


async def cancel_effect(request: web.Request) -> web.Response:
    """Take back one that nobody has begun to send."""
    check_names(request, ())
    reason = (await read_json(request, Cancellation)).reason
    database, key = request.config_dict[DATABASE], request.match_info["key"]
    because = f"{reason} ({request[ACTOR]})"
    is_back = await database.write(effects.cancel, key, because, now_ms())
    row = await database.read(outbox.expect, key)
    if not is_back:
        raise ConflictError(f"effect {key} is {row['state']}: it cannot be taken back")
    return json_response(show_effect(row))


async def list_suppressions(request: web.Request) -> web.Response:
    """Addresses that nothing is written to, by name."""
    check_names(request, PAGING)
    limit = read_limit(request.query)
    (after,) = read_cursor(request.query, "suppressions", str) or ("",)
    database = request.config_dict[DATABASE]
    rows = await database.read(contacts.list_suppressed, after, limit + 1)
    more = write_cursor("suppressions", rows[limit - 1]["address"]) if len(rows) > limit else None
    return json_response(page([Suppression(**row) for row in rows[:limit]], more))


async def release_address(request: web.Request) -> web.Response:
    """Write to an address again."""
    check_names(request, ())
    address = request.match_info["address"]
    await request.config_dict[DATABASE].write(contacts.release, address)
    return json_response(Released(address))


def show_effect(row: Any) -> Effect:
    """A row as the API shows it."""
    names = set(Effect.__struct_fields__) - {"to"}
    return Effect(to=row["recipient"], **{name: row[name] for name in names})


_EFFECT = "/effects/{key:[A-Za-z0-9:_-]{1,200}}"
_CONFLICT = ("conflict",)
OPERATIONS = (
    Operation("GET", "/effects", list_effects, "Effects, newest first", EffectPage, query=FILTERS),
    Operation("GET", _EFFECT, get_effect, "One effect and its tries", EffectDetail),
    Operation(
        "POST",
        _EFFECT + "/retry",
        retry_effect,
        "Send a dead one again, or replay a webhook",
        Effect,
        status=202,
        problems=_CONFLICT,
    ),
    Operation(
        "POST",
        _EFFECT + "/cancel",
        cancel_effect,
        "Take back what is not begun",
        Effect,
        body=Cancellation,
        problems=_CONFLICT,
    ),
    Operation(
        "GET",
        "/suppressions",
        list_suppressions,
        "Addresses that nothing is written to",
        SuppressionPage,
        query=PAGING,
    ),
    Operation(
        "DELETE",
        "/suppressions/{address:[^/]{1,254}}",
        release_address,
        "Write to an address again",
        Released,
    ),
)
