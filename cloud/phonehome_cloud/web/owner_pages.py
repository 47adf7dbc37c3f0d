"""The owner's page under a link: where things stand, the next step, and what its owner says.

No login, no script needed; one small script brings the page up to date while it is looked at.
"""

import functools
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from aiohttp import web

from phonehome_cloud.clock import now_ms
from phonehome_cloud.core.acting.part_orders import DELIVERED, can_cancel
from phonehome_cloud.core.acting.price_words import tell_owner
from phonehome_cloud.core.acting.pricing import TERMS
from phonehome_cloud.core.acting.steps import OPEN
from phonehome_cloud.core.cldr import full_day
from phonehome_cloud.core.tickets import OPEN_STATES
from phonehome_cloud.errors import ConflictError, TransitionError
from phonehome_cloud.store import owner_page
from phonehome_cloud.store.owner_page import Shown
from phonehome_product import Product

from .calls import CallError, read_call, refuse_call, show_call
from .forms import read_form
from .logins import check_same_site
from .open_pages import opened
from .operations import json_response
from .owner_words import WORDS
from .parts import DATABASE, LOOK_AFTER, PICTURES, PRODUCTS
from .problems import ProblemError
from .rendering import RENDER

routes = web.RouteTableDef()

_OTHER: Final = {"en": "de", "de": "en"}
_PATH: Final = "/o/{token}"
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    # The address is the key: nobody gets it from a link that is followed.
    "Referrer-Policy": "no-referrer",
}
Do = Callable[[web.Request, Mapping[str, str]], Awaitable[None]]


@routes.get(_PATH)
@opened
async def show(request: web.Request) -> web.Response:
    """Where things stand."""
    return await _page(request)


@routes.get(_PATH + "/version")
@opened
async def show_version(request: web.Request) -> web.Response:
    """What changes when the page does."""
    found = await _load(request)
    headers = {"Cache-Control": "no-store"}
    return json_response({"version": found.version}, headers=headers)


@routes.post(_PATH)
@opened
async def hear(request: web.Request) -> web.StreamResponse:
    """The owner says something; what cannot be any more is told on the page."""
    check_same_site(request)
    form = await read_form(request)
    do = _DOES.get(form.get("do", ""))
    if do is None:
        raise ProblemError("invalid-body", "send the form of this page")
    try:
        await do(request, form)
    except CallError as error:
        return await _page(request, call_error=error, form=form)
    except (ConflictError, TransitionError):
        return await _page(request, problem_word="changed")
    raise web.HTTPSeeOther(request.path_qs)


@routes.get(r"/pictures/{name:[a-z0-9][a-z0-9_.-]{0,63}}")
async def show_picture(request: web.Request) -> web.StreamResponse:
    """A picture of a step; only those that product files name."""
    path = request.app[PICTURES].get(request.match_info["name"])
    if path is None:
        raise web.HTTPNotFound
    return web.FileResponse(path, headers={"Cache-Control": "public, max-age=86400"})


async def _step(request: web.Request, form: Mapping[str, str]) -> None:
    await _write(request, owner_page.finish_step, _number(form, "n"), _number(form, "step"))


async def _visit(request: web.Request, form: Mapping[str, str]) -> None:
    """To the page of the visit."""
    given = request.match_info["token"], _number(form, "n"), now_ms()
    raise web.HTTPSeeOther(await request.app[DATABASE].write(owner_page.open_visit, *given))


async def _mine(request: web.Request, _form: Mapping[str, str]) -> None:
    """To the page of what is known of them."""
    given = request.match_info["token"], now_ms()
    raise web.HTTPSeeOther(await request.app[DATABASE].write(owner_page.open_mine, *given))


async def _agree(request: web.Request, form: Mapping[str, str]) -> None:
    await _write(request, owner_page.agree, _number(form, "n"))


async def _decline(request: web.Request, form: Mapping[str, str], *, never: bool = False) -> None:
    await _write(request, owner_page.decline, _number(form, "n"), never=never)


async def _conclude(request: web.Request, form: Mapping[str, str], *, helped: bool) -> None:
    given = {"helped": helped, "text": None}
    await _write(request, owner_page.conclude, _number(form, "n"), **given)


async def _cancel(request: web.Request, form: Mapping[str, str]) -> None:
    await _write(request, owner_page.cancel_order, _number(form, "n"))


async def _call(request: web.Request, form: Mapping[str, str]) -> None:
    """At a time and a number of the owner's choice."""
    phone, call_at = read_call(form, (await _load(request)).owner.zone)
    try:
        await _write(request, owner_page.ask_call, phone, call_at)
    except ConflictError as error:
        raise refuse_call(error) from None


_DOES: Final[Mapping[str, Do]] = {
    "step": _step,
    "helped": functools.partial(_conclude, helped=True),
    "not_helped": functools.partial(_conclude, helped=False),
    "agree": _agree,
    "decline": _decline,
    "never": functools.partial(_decline, never=True),
    "cancel": _cancel,
    "call": _call,
    "visit": _visit,
    "mine": _mine,
}


async def _write(request: web.Request, fn: Any, *args: Any, **kwargs: Any) -> None:
    given = request.match_info["token"], *args, now_ms()
    await request.app[DATABASE].write(functools.partial(fn, **kwargs), *given)
    request.app[LOOK_AFTER]()


async def _load(request: web.Request) -> Shown:
    return await request.app[DATABASE].read(owner_page.load, request.match_info["token"], now_ms())


def _number(form: Mapping[str, str], name: str) -> int:
    text = form.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise ProblemError("invalid-body", f"send the form of this page: {name} is no number")
    return int(text)


async def _page(
    request: web.Request,
    *,
    problem_word: str = "",
    call_error: CallError | None = None,
    form: Mapping[str, str] | None = None,
) -> web.Response:
    found = await _load(request)
    wanted = request.query.get("lang", found.owner.language.partition("-")[0])
    language = wanted if wanted in WORDS else "en"
    words, zone = WORDS[language], ZoneInfo(found.owner.zone)
    response = request.app[RENDER](
        "owner.html",
        status=409 if problem_word or call_error else 200,
        t=words,
        language=language,
        other=_OTHER[language],
        problem=words.get(problem_word, ""),
        local_day=functools.partial(_local_day, zone=zone, language=language),
        **show_call(found.owner, language, call_error, form),
        **_values(found, request.app[PRODUCTS], language),
    )
    response.headers.update(_HEADERS)
    return response


def _values(found: Shown, products: Mapping[str, Product], language: str) -> dict[str, Any]:
    ticket, orders = found.ticket, found.orders
    product = products.get(ticket.product or "")
    wording = _wording(found, product, language)
    fault = product.find_fault(ticket.spn, ticket.fmi) if product else None
    is_open = ticket.state in OPEN_STATES
    terms = found.action["detail"].get(TERMS) if found.action else None

    def say(text: str) -> str:
        return product.say(text, language) if product else text

    return {
        "version": found.version,
        "ticket": ticket,
        "title": say(ticket.title),
        "appliance": say(product.title) if product else ticket.product or "",
        "say": say,
        "is_open": is_open,
        # With steps to do, what they say is enough; what is dangerous is said beside anything.
        "advice": say(fault.advice)
        if fault and fault.advice and is_open and (fault.safety or not found.steps)
        else "",
        "is_dangerous": bool(fault and fault.safety),
        "desk_phone": found.phone,
        "action": found.action,
        "earlier": found.earlier,
        "price": tell_owner(terms, language, say) if terms else None,
        "orders": orders,
        "can_cancel": all(can_cancel(o["state"], o["cancel_until_at"], now_ms()) for o in orders),
        "all_delivered": bool(orders) and all(o["state"] == DELIVERED for o in orders),
        "fix_state": found.fix_state,
        "assurance": found.assurance,
        "callback": found.callback,
        "wording": wording,
        "steps": _steps(found, wording),
    }


def _wording(found: Shown, product: Product | None, language: str) -> Any:
    """The article of the action in a language; None when the product file has lost it."""
    if product is None or found.action is None:
        return None
    fault = product.find_fault(found.ticket.spn, found.ticket.fmi)
    action = fault.find_action(found.action["action_id"]) if fault else None
    article = product.find_article(action.article) if action and action.article else None
    return article.in_language(language) if article else None


def _steps(found: Shown, wording: Any) -> list[dict[str, Any]]:
    texts = wording.steps if wording else ()
    return [
        {
            "row": row,
            "text": texts[row["step"]].text if row["step"] < len(texts) else "",
            "picture": texts[row["step"]].picture if row["step"] < len(texts) else None,
            "is_open": row["state"] == OPEN,
        }
        for row in found.steps
    ]


def _local_day(at: int, zone: ZoneInfo, language: str) -> str:
    there = datetime.fromtimestamp(at / 1000, zone)
    return full_day(there.date(), language)
