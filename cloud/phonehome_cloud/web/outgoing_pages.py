"""The page of what leaves: webhooks, with what can be done about each, and what was given up."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
from aiohttp import web
from sqlalchemy import Connection, RowMapping

from phonehome_cloud.clock import now_ms
from phonehome_cloud.core.telling.effect import DEAD, WEBHOOK
from phonehome_cloud.core.telling.signing import show_secret
from phonehome_cloud.store import hooks, outbox, resending

from .effects import Effect, show_effect
from .forms import read_form
from .hooks import NETWORKS, NewWebhook, check_columns, send_test, show
from .logins import check_same_site
from .pages import private
from .parts import DATABASE, VAULT
from .problems import ProblemError
from .rendering import RENDER

_MANY: Final = 50  # dead ones on the page; the API has them all
_OVERLAP_MS: Final = 86_400_000
_PATH: Final = "/outgoing"
_AGAIN: Final = "again"  # so many events are sent again, as the page says after that
_HOUR_MS: Final = 3_600_000
# Hours that can be replayed by the page, in words; the API and the command take any moment.
_SPANS: Final = {"1": "last hour", "24": "last day", "168": "last week", "720": "last 30 days"}
_WEBHOOK: Final = re.compile(r"[0-9a-f]{16}")

# (request, form, who) -> the secret to show this once, or None.
Step = Callable[[web.Request, Mapping[str, str], str], Awaitable[str | None]]

routes = web.RouteTableDef()


@routes.get(_PATH)
@private
async def show_outgoing(request: web.Request, name: str) -> web.StreamResponse:
    """Webhooks and dead effects."""
    return await _show(request, name)


@routes.post(_PATH)
@private
async def change_outgoing(request: web.Request, name: str) -> web.StreamResponse:
    """One step; a new secret is shown on the answer itself, and never again."""
    check_same_site(request)
    form = await read_form(request)
    step = _STEPS.get(form.get("do", ""))
    if step is None:
        raise ProblemError("invalid-body", "use a button of this page")
    secret = await step(request, form, f"token:{name}")
    if secret is None:
        raise web.HTTPSeeOther(_PATH)
    return await _show(request, name, secret)


async def _show(request: web.Request, name: str, secret: str | None = None) -> web.Response:
    database, again = request.app[DATABASE], request.query.get(_AGAIN, "")
    rows = await database.read(hooks.list_all)
    last = await database.read(_read_last, rows)
    dead = await database.read(outbox.list_effects, {"state": DEAD}, None, _MANY)
    return request.app[RENDER](
        "outgoing.html",
        name=name,
        webhooks=[show(row) for row in rows],
        last=last,
        dead=[show_effect(row) for row in dead],
        secret=secret,
        spans=_SPANS,
        again=again if again.isdecimal() else None,
    )


def _read_last(connection: Connection, rows: Sequence[RowMapping]) -> dict[str, Effect | None]:
    """Webhook -> what was sent to it last, or is to be."""
    found: dict[str, Effect | None] = {}
    for row in rows:
        to = row["audience"] or f"hook:{row['webhook']}"
        wanted = {"kind": WEBHOOK, "recipient": to}
        newest = outbox.list_effects(connection, wanted, None, 1)
        found[row["webhook"]] = show_effect(newest[0]) if newest else None
    return found


async def _add(request: web.Request, form: Mapping[str, str], who: str) -> str | None:
    given = {
        "url": form.get("url", "").strip(),
        "label": form.get("label", "").strip(),
        "events": form.get("events", "").replace(",", " ").split(),
        "audience": form.get("audience", "").strip() or None,
    }
    try:
        wanted = msgspec.convert(given, NewWebhook)
    except msgspec.ValidationError as error:
        raise ProblemError("invalid-body", str(error)) from None
    values = msgspec.structs.asdict(wanted)
    check_columns(values, request.app[NETWORKS])
    row = {**values, "created_at": now_ms(), "created_by": who}
    _, secret = await request.app[DATABASE].write(hooks.add, request.app[VAULT], row)
    return show_secret(secret)


async def _rotate(request: web.Request, form: Mapping[str, str], _who: str) -> str | None:
    now_at = now_ms()
    given = request.app[VAULT], _webhook(form), now_at, now_at + _OVERLAP_MS
    return show_secret(await request.app[DATABASE].write(hooks.rotate, *given))


async def _test(request: web.Request, form: Mapping[str, str], who: str) -> str | None:
    await send_test(request.app[DATABASE], _webhook(form), who)
    return None


async def _enable(request: web.Request, form: Mapping[str, str], _who: str) -> str | None:
    values: dict[str, Any] = {"disabled_at": None, "disabled_because": None}
    await request.app[DATABASE].write(hooks.change, _webhook(form), values)
    return None


async def _disable(request: web.Request, form: Mapping[str, str], who: str) -> str | None:
    await request.app[DATABASE].write(hooks.disable, _webhook(form), f"by {who}", now_ms())
    return None


async def _remove(request: web.Request, form: Mapping[str, str], _who: str) -> str | None:
    await request.app[DATABASE].write(hooks.remove, _webhook(form))
    return None


async def _retry(request: web.Request, form: Mapping[str, str], _who: str) -> str | None:
    await request.app[DATABASE].write(resending.retry, form.get("key", ""), now_ms())
    return None


async def _replay(request: web.Request, form: Mapping[str, str], _who: str) -> str | None:
    """What a webhook was sent in so many hours goes there again; the page says how much it was."""
    hours = form.get("hours", "")
    if hours not in _SPANS:
        raise ProblemError("invalid-body", "use a button of this page")
    now_at = now_ms()
    given = _webhook(form), now_at - int(hours) * _HOUR_MS, now_at
    count = await request.app[DATABASE].write(resending.replay, *given)
    raise web.HTTPSeeOther(f"{_PATH}?{_AGAIN}={count}")


def _webhook(form: Mapping[str, str]) -> str:
    name = form.get("webhook", "")
    if not _WEBHOOK.fullmatch(name):
        raise ProblemError("invalid-body", "use a button of this page")
    return name


_STEPS: Final[Mapping[str, Step]] = {
    "add": _add,
    "rotate": _rotate,
    "test": _test,
    "enable": _enable,
    "disable": _disable,
    "remove": _remove,
    "retry": _retry,
    "replay": _replay,
}
