"""The owner's page about a visit: opened by the link in a letter, without a login or a script."""

import functools
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import web
from sqlalchemy import Connection

from phonehome_cloud.clock import now_ms
from phonehome_cloud.core.acting.price_words import tell_owner
from phonehome_cloud.core.acting.pricing import TERMS
from phonehome_cloud.core.people.owners import Owner
from phonehome_cloud.core.visiting.slots import Slot
from phonehome_cloud.core.visiting.visit import Visit
from phonehome_cloud.core.visiting.wording import tell, translate
from phonehome_cloud.errors import CloudError, ConflictError, GoneError
from phonehome_cloud.store import (
    links,
    owner_page,
    people,
    tickets,
    visit_answers,
    visit_letters,
    visits,
)
from phonehome_cloud.store.owner_links import make_page
from phonehome_cloud.store.visit_after import After, read_after

from . import owner_words
from .calls import CallError, read_call, refuse_call, show_call
from .forms import read_form, read_wall
from .parts import DATABASE, LOOK_AFTER
from .problems import KINDS, ProblemError, from_cloud_error
from .rendering import RENDER
from .visit_words import WORDS, choose_language, clock, known_language, moment

Plain = Callable[[web.Request], Awaitable[web.StreamResponse]]

routes = web.RouteTableDef()


@dataclass(frozen=True, slots=True)
class Page:
    """A visit as its owner sees it; `after` while nobody comes any more."""

    of: Visit
    owner: Owner
    slots: list[Slot]
    after: After | None


def told(handler: Plain) -> Plain:
    """A page whose refusals are pages in the reader's language."""

    @functools.wraps(handler)
    async def page(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except CloudError as error:
            problem = from_cloud_error(error)
        except ProblemError as error:
            problem = error
        language = choose_language(request)
        status, title = KINDS[problem.kind]
        given = {"t": WORDS[language], "language": language, "title": title}
        is_over = status in {404, 410}
        detail = WORDS[language]["gone_why"] if is_over else problem.detail
        if is_over:
            given["title"] = WORDS[language]["gone"]
        return request.app[RENDER]("visitor_wrong.html", status, detail=detail, **given)

    return page


@routes.get("/v/{token}")
@told
async def show(request: web.Request) -> web.StreamResponse:
    """Where the visit stands, and the times to choose from."""
    page = await request.app[DATABASE].read(_open, request.match_info["token"], now_ms())
    return _render(request, page)


@routes.post("/v/{token}")
@told
async def answer(request: web.Request) -> web.StreamResponse:
    """Choose, ask for others or for a time of one's own, decline; wish for a call."""
    form = await read_form(request)
    step = _STEPS.get(form.get("do", ""))
    if step is None:
        raise ProblemError("invalid-body", "use a button of the page")
    database, token = request.app[DATABASE], request.match_info["token"]
    try:
        said = await database.write(step, token, form, now_ms())
    except CallError as error:
        page = await database.read(_open, token, now_ms())
        return _render(request, page, status=409, call_error=error, form=form)
    except ConflictError:
        # Somebody was quicker: other times are proposed at once, unless the visit is over.
        said = await database.write(_show_others, token, form, now_ms()) or "taken"
    request.app[LOOK_AFTER]()
    if said.startswith("/"):
        raise web.HTTPSeeOther(said)
    if said:
        page = await database.read(_open, token, now_ms())
        return _render(request, page, said, 409)
    raise web.HTTPSeeOther(request.path_qs)


def _open(connection: Connection, token: str, now_at: int) -> Page:
    """What a token shows; GoneError when the appliance is somebody else's now."""
    subject = links.open(connection, token, visit_letters.OWNER_PAGE, now_at)
    name, key = visit_letters.read_subject(subject)
    owner = people.find_owner(connection, key[0])
    if owner is None or owner.id != name:
        raise GoneError("the appliance has another owner")
    of = visits.read(connection, key)
    slots = [one for one in visits.list_proposals(connection, of) if one.start_at > now_at]
    after = None if of.is_under_way else read_after(connection, of.key)
    return Page(of, owner, slots, after)


def _choose(connection: Connection, token: str, form: Mapping[str, str], now_at: int) -> str:
    page = _open(connection, token, now_at)
    text = form.get("start_at", "")
    if not text.isdecimal() or len(text) > 15:
        raise ProblemError("invalid-body", "choose one of the times of the page")
    visit_answers.choose(connection, page.of.key, int(text), _who(page), now_at)
    return ""


def _show_others(connection: Connection, token: str, _form: Any, now_at: int) -> str:
    page = _open(connection, token, now_at)
    if page.of.is_under_way:
        visit_answers.ask_others(connection, page.of.key, _who(page), now_at)
    return ""


def _ask(connection: Connection, token: str, form: Mapping[str, str], now_at: int) -> str:
    """A time on the clock of the home."""
    page = _open(connection, token, now_at)
    try:
        at = read_wall(form.get("wish", ""), ZoneInfo(page.of.zone))
    except ValueError as error:
        raise ProblemError("invalid-body", f"wish = {error}") from None
    if at is None:
        return "no_own"
    given = page.of.key, at, _who(page), now_at
    return "" if visit_answers.ask_for(connection, *given) else "no_own"


def _decline(connection: Connection, token: str, _form: Any, now_at: int) -> str:
    page = _open(connection, token, now_at)
    visit_answers.decline(connection, page.of.key, _who(page), now_at)
    return ""


def _call(connection: Connection, token: str, form: Mapping[str, str], now_at: int) -> str:
    page = _open(connection, token, now_at)
    phone, call_at = read_call(form, page.owner.zone)
    ticket = tickets.expect(connection, page.of.device, page.of.ticket)
    try:
        owner_page.wish_call(connection, ticket, phone, call_at, now_at)
    except ConflictError as error:
        raise refuse_call(error) from None
    return ""


def _show_ticket(connection: Connection, token: str, _form: Any, now_at: int) -> str:
    """The path of the page of the whole matter, under a token of its own."""
    page = _open(connection, token, now_at)
    return make_page(connection, page.owner, page.of.device, page.of.ticket, now_at)


# Each says "" for the page as it is now, a word for what is wrong, or the path of another page.
_STEPS = {
    "choose": _choose,
    "others": _show_others,
    "ask": _ask,
    "decline": _decline,
    "call": _call,
    "ticket": _show_ticket,
}


# The other language of a page, by its own name.
_OTHERS = {"en": ("de", "Deutsch"), "de": ("en", "English")}


def _who(page: Page) -> str:
    return f"owner:{page.owner.id}"


def _render(
    request: web.Request,
    page: Page,
    said: str = "",
    status: int = 200,
    call_error: CallError | None = None,
    form: Mapping[str, str] | None = None,
) -> web.StreamResponse:
    of = page.of
    language = known_language(request.query.get("lang") or page.owner.language)

    def span(start_at: int, end_at: int) -> str:
        return f"{moment(start_at, of.zone, language)} \N{EN DASH} {clock(end_at, of.zone)}"

    return request.app[RENDER](
        "visit.html",
        status,
        t={**owner_words.WORDS[language], **WORDS[language]},
        language=language,
        about=tell(language, of.about),
        others=_OTHERS[language],
        price=tell_owner(
            of.about[TERMS],
            language,
            lambda title: translate(language, title, of.about),
        ),
        state=of.state,
        is_under_way=of.is_under_way,
        zone=of.zone,
        when=span(of.start_at, of.end_at) if of.start_at and of.end_at else "",
        slots=[
            {"start_at": slot.start_at, "text": span(slot.start_at, slot.end_at)}
            for slot in page.slots
            if not (of.is_booked and slot.start_at == of.start_at)
        ],
        said=said,
        after=page.after,
        callback=page.after and page.after.callback,
        desk_phone=page.after and page.after.desk_phone,
        **show_call(page.owner, language, call_error, form),
    )
