"""Webhooks on the desk API: where events go, their secrets, a test event, and a replay."""

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec
from aiohttp import web
from sqlalchemy import RowMapping

from phonehome_cloud.clock import now_ms
from phonehome_cloud.core.telling.effect import EVENTS, WEBHOOK
from phonehome_cloud.core.telling.effect import Effect as NewEffect
from phonehome_cloud.core.telling.guarding import Network, addresses_of, check_url, why_not
from phonehome_cloud.core.telling.signing import show_secret
from phonehome_cloud.store import effects, hooks, outbox, resending
from phonehome_cloud.store.database import Database

from .bodies import read_json
from .effects import Effect, show_effect
from .operations import Operation, json_response
from .parts import ACTOR, DATABASE, VAULT
from .problems import ProblemError, field_error
from .queries import check_names

NETWORKS = web.AppKey[tuple[Network, ...]]("webhook_networks")  # inside, and allowed
_DAY_S = 86_400
_TEST_LASTS_MS = 600_000
_EVENTS_FIX = f"types of {', '.join(EVENTS)}, or starts of types such as ticket."

URL = Annotated[str, msgspec.Meta(max_length=2000, description="https://host/path")]
Events = Annotated[list[str], msgspec.Meta(max_length=50, description=_EVENTS_FIX)]
Audience = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^(supplier:[A-Za-z0-9._-]{1,60}|sales|desk)$",
        description="supplier:ID, sales or desk: what is sent to them, and no other event",
    ),
]
Label = Annotated[str, msgspec.Meta(max_length=120, description="up to 120 characters")]


class NewWebhook(msgspec.Struct, forbid_unknown_fields=True):
    """Where events go: those it subscribes to (none: all), or what is meant for an audience."""

    url: URL
    label: Label = ""
    events: Events = []
    audience: Audience | None = None


class WebhookChange(msgspec.Struct, forbid_unknown_fields=True):
    """What changes; what is absent stays."""

    url: URL | msgspec.UnsetType = msgspec.UNSET
    label: Label | msgspec.UnsetType = msgspec.UNSET
    events: Events | msgspec.UnsetType = msgspec.UNSET
    enabled: Annotated[bool, msgspec.Meta(description="true or false")] | msgspec.UnsetType = (
        msgspec.UNSET
    )


class Rotation(msgspec.Struct, forbid_unknown_fields=True):
    """How long the secrets before the new one sign beside it."""

    overlap_s: Annotated[
        int, msgspec.Meta(ge=0, le=30 * _DAY_S, description="seconds, up to 30 days")
    ] = _DAY_S


class Replay(msgspec.Struct, forbid_unknown_fields=True):
    """Since when everything is sent again."""

    since_at: Annotated[int, msgspec.Meta(ge=0, description="unix milliseconds")]


class Webhook(msgspec.Struct, kw_only=True):
    """Where events go; times are unix milliseconds UTC. Its secret is not shown again."""

    webhook: str
    url: str
    label: str
    events: list[str]
    audience: str | None
    enabled: bool
    disabled_because: str | None
    created_at: int
    created_by: str


class MadeWebhook(Webhook, kw_only=True):
    """A webhook with the secret that its receiver verifies with, told this once."""

    secret: str


class WebhookList(msgspec.Struct):
    """Every webhook, the oldest first."""

    items: list[Webhook]


class Removed(msgspec.Struct):
    """A webhook that is no more."""

    webhook: str


class Replayed(msgspec.Struct):
    """So many events are sent again."""

    events: int


async def list_webhooks(request: web.Request) -> web.Response:
    """Every webhook, the oldest first."""
    check_names(request, ())
    rows = await request.config_dict[DATABASE].read(hooks.list_all)
    return json_response(WebhookList([Webhook(**show(row)) for row in rows]))


async def add_webhook(request: web.Request) -> web.Response:
    """Add one; its secret is in the answer, this once."""
    check_names(request, ())
    wanted = await read_json(request, NewWebhook)
    values = msgspec.structs.asdict(wanted)
    check_columns(values, request.config_dict[NETWORKS])
    row = {**values, "created_at": now_ms(), "created_by": request[ACTOR]}
    database, vault = request.config_dict[DATABASE], request.config_dict[VAULT]
    name, secret = await database.write(hooks.add, vault, row)
    return await _tell_secret(request, name, secret, 201)


async def get_webhook(request: web.Request) -> web.Response:
    """One webhook, without its secret."""
    check_names(request, ())
    found = await request.config_dict[DATABASE].read(hooks.expect, _name(request))
    return json_response(Webhook(**show(found)))


async def change_webhook(request: web.Request) -> web.Response:
    """Change it, disable it, or enable it again."""
    check_names(request, ())
    wanted = msgspec.structs.asdict(await read_json(request, WebhookChange))
    values = {name: value for name, value in wanted.items() if value is not msgspec.UNSET}
    check_columns(values, request.config_dict[NETWORKS])
    is_on = values.pop("enabled", None)
    if is_on is not None:
        because = None if is_on else f"by {request[ACTOR]}"
        values |= {"disabled_at": None if is_on else now_ms(), "disabled_because": because}
    row = await request.config_dict[DATABASE].write(hooks.change, _name(request), values)
    return json_response(Webhook(**show(row)))


async def remove_webhook(request: web.Request) -> web.Response:
    """Remove it; what waits for it becomes dead letters."""
    check_names(request, ())
    await request.config_dict[DATABASE].write(hooks.remove, _name(request))
    return json_response(Removed(_name(request)))


async def rotate_secret(request: web.Request) -> web.Response:
    """A new secret; those before it sign beside it for a while."""
    check_names(request, ())
    overlap_s = (await read_json(request, Rotation)).overlap_s
    now_at = now_ms()
    database, vault = request.config_dict[DATABASE], request.config_dict[VAULT]
    until_at = now_at + overlap_s * 1000
    secret = await database.write(hooks.rotate, vault, _name(request), now_at, until_at)
    return await _tell_secret(request, _name(request), secret, 200)


async def test_webhook(request: web.Request) -> web.Response:
    """Send it an event of type `webhook.test`; the effect says what became of it."""
    check_names(request, ())
    database = request.config_dict[DATABASE]
    key = await send_test(database, _name(request), request[ACTOR])
    return json_response(show_effect(await database.read(outbox.expect, key)), status=202)


async def send_test(database: Database, name: str, who: str) -> str:
    """Write a test event for a webhook; returns the key of its effect."""
    await database.read(hooks.expect, name)
    now_at = now_ms()
    effect = NewEffect(
        key=f"test:{now_at}:{name}",
        kind=WEBHOOK,
        to=f"hook:{name}",
        template="webhook.test",
        data={"by": who},
        device=None,
        ticket=None,
        due_at=now_at,
        expires_at=now_at + _TEST_LASTS_MS,
    )
    await database.write(effects.add, effect)
    return effect.key


async def replay_webhook(request: web.Request) -> web.Response:
    """Send again what it was sent, or should have been, since a moment; with the same ids."""
    check_names(request, ())
    since_at, now_at = (await read_json(request, Replay)).since_at, now_ms()
    if since_at > now_at:
        fix = "a moment that has passed, unix milliseconds"
        raise ProblemError(
            "invalid-body", "since_at is wrong", field_error("since_at", since_at, fix)
        )
    given = _name(request), since_at, now_at
    count = await request.config_dict[DATABASE].write(resending.replay, *given)
    return json_response(Replayed(count), status=202)


def check_columns(values: Mapping[str, Any], networks: tuple[Network, ...]) -> None:
    """ProblemError for a URL that nothing may be sent to, or an event that has no such type."""
    if "url" in values:
        wrong = _why_not(values["url"], networks)
        if wrong is not None:
            raise ProblemError(
                "invalid-body", "url is wrong", field_error("url", values["url"], wrong)
            )
    for event in values.get("events", ()):
        starts = (known.startswith(event) for known in EVENTS if event.endswith("."))
        if event not in EVENTS and not any(starts):
            raise ProblemError(
                "invalid-body", "events is wrong", field_error("events", event, _EVENTS_FIX)
            )


def _why_not(url: str, networks: tuple[Network, ...]) -> str | None:
    """What is wrong with a URL as it stands; names are resolved when something is sent."""
    wrong = check_url(url, is_inside_allowed=bool(networks))
    if wrong is not None:
        return wrong
    addresses = addresses_of(urlsplit(url).hostname or "")
    inside = [why_not(address, networks) for address in addresses]
    if not inside or None in inside:
        return None
    return f"{inside[0]}; name its network in webhooks.networks"


async def _tell_secret(
    request: web.Request, name: str, secret: bytes, status: int
) -> web.Response:
    row = await request.config_dict[DATABASE].read(hooks.expect, name)
    made = MadeWebhook(**show(row), secret=show_secret(secret))
    headers = {"Location": f"/api/v1/webhooks/{name}", "Cache-Control": "no-store"}
    return json_response(made, status=status, headers=headers)


def show(row: RowMapping) -> dict[str, Any]:
    """The fields of a webhook."""
    same = ("webhook", "url", "label", "events", "audience", "disabled_because")
    found = {name: row[name] for name in (*same, "created_at", "created_by")}
    return {**found, "enabled": row["disabled_at"] is None}


def _name(request: web.Request) -> str:
    return request.match_info["webhook"]


_WEBHOOK = "/webhooks/{webhook:[0-9a-f]{16}}"
OPERATIONS = (
    Operation("GET", "/webhooks", list_webhooks, "List webhooks", WebhookList),
    Operation(
        "POST",
        "/webhooks",
        add_webhook,
        "Add a webhook",
        MadeWebhook,
        body=NewWebhook,
        status=201,
        problems=("conflict",),
    ),
    Operation("GET", _WEBHOOK, get_webhook, "One webhook", Webhook),
    Operation(
        "PATCH", _WEBHOOK, change_webhook, "Change or (dis)enable it", Webhook, body=WebhookChange
    ),
    Operation("DELETE", _WEBHOOK, remove_webhook, "Remove it", Removed),
    Operation(
        "POST", _WEBHOOK + "/rotate", rotate_secret, "A new secret", MadeWebhook, body=Rotation
    ),
    Operation(
        "POST", _WEBHOOK + "/test", test_webhook, "Send it a test event", Effect, status=202
    ),
    Operation(
        "POST",
        _WEBHOOK + "/replay",
        replay_webhook,
        "Send events again",
        Replayed,
        body=Replay,
        status=202,
        problems=("conflict",),
    ),
)
