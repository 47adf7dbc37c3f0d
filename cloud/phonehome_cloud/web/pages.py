"""The pages: the list of tickets, one ticket with its freeze frames, and the login."""

import functools
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from phonehome_cloud.clock import now_ms
from phonehome_cloud.core.deciding.rules import RULES
from phonehome_cloud.core.tickets import OPEN_STATES, STATES, parse_ticket_id
from phonehome_cloud.errors import CloudError
from phonehome_cloud.store import care, listing, tokens
from phonehome_cloud.store import tickets as ticket_store
from phonehome_product import Product
from phonehome_wire.names import FMI_TEXTS

from . import charts
from .care import read_care
from .diagnoses import read_diagnoses
from .explaining import explain
from .forms import read_form
from .logins import (
    LOGINS,
    check_same_site,
    drop_cookie,
    is_secure,
    local_path,
    read_session,
    set_cookie,
)
from .paging import read_cursor, write_cursor
from .parts import DATABASE, LOGIN_LIMIT, LOOK_AFTER, PRODUCTS
from .problems import KINDS, ProblemError, from_cloud_error
from .rendering import RENDER
from .showing import TicketDetail, read_detail, show_ticket
from .whose import read_whose

PAGE_SIZE = 50
_TABS = (
    ("open", "Open", tuple(s for s in STATES if s in OPEN_STATES), "Nothing needs you"),
    ("ended", "Done", tuple(s for s in STATES if s not in OPEN_STATES), "Nothing is done yet"),
    ("all", "All", (), "No ticket yet"),
)

Handler = Callable[[web.Request, str], Awaitable[web.StreamResponse]]
Plain = Callable[[web.Request], Awaitable[web.StreamResponse]]

routes = web.RouteTableDef()


def shown(handler: Plain) -> Plain:
    """A page whose refusals are pages too."""

    @functools.wraps(handler)
    async def page(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except CloudError as error:
            return _wrong(request, from_cloud_error(error))
        except ProblemError as error:
            return _wrong(request, error)

    return page


def private(handler: Handler) -> Plain:
    """A page for people who are logged in; it gets the name of their token."""

    @functools.wraps(handler)
    async def page(request: web.Request) -> web.StreamResponse:
        name = await _reader(request)
        if name is None:
            raise web.HTTPSeeOther("/login?" + urlencode({"next": request.path_qs}))
        return await handler(request, name)

    return shown(page)


@routes.get("/")
async def front(_request: web.Request) -> web.StreamResponse:
    """The tickets are the front page."""
    raise web.HTTPSeeOther("/tickets")


@routes.get("/login")
async def show_login(request: web.Request) -> web.StreamResponse:
    """The token form."""
    next_path = local_path(request.query.get("next", "/"))
    return request.app[RENDER]("login.html", wrong=None, next=next_path)


@routes.post("/login")
@shown
async def log_in(request: web.Request) -> web.StreamResponse:
    """A token for a cookie; a wrong one is told so, and guessing is slowed down."""
    check_same_site(request)
    wait_s = request.app[LOGIN_LIMIT].take(request.remote or "")
    if wait_s:
        headers = {"Retry-After": str(int(wait_s) + 1)}
        raise ProblemError("too-many-requests", "wait a little and try again", headers=headers)
    form = await read_form(request)
    token, next_path = form.get("token", ""), local_path(form.get("next", "/"))
    name = await request.app[DATABASE].read(tokens.maybe_name, token.strip())
    if name is None:
        wrong = "This token is unknown or revoked."
        return request.app[RENDER]("login.html", status=401, wrong=wrong, next=next_path)
    response = web.HTTPSeeOther(next_path)
    set_cookie(response, request.app[LOGINS].make(name, now_ms()), secure=is_secure(request))
    raise response


@routes.post("/logout")
@shown
async def log_out(request: web.Request) -> web.StreamResponse:
    """Forget the cookie."""
    check_same_site(request)
    response = web.HTTPSeeOther("/login")
    drop_cookie(response)
    raise response


@routes.get("/problems")
async def show_problems(request: web.Request) -> web.StreamResponse:
    """What every `type` of a problem means."""
    return request.app[RENDER]("problems.html", kinds=KINDS)


@routes.get("/tickets")
@private
async def show_tickets(request: web.Request, name: str) -> web.StreamResponse:
    """The tickets of one tab, the one that changed last first."""
    chosen = request.query.get("show", "open")
    tab = next((tab for tab in _TABS if tab[0] == chosen), _TABS[0])
    wanted = listing.TicketFilter(states=tab[2])
    after = read_cursor(request.query, "page", int, str, int)
    database = request.app[DATABASE]
    rows = await database.read(listing.list_tickets, wanted, after, PAGE_SIZE + 1)
    count = await database.read(listing.count_tickets, wanted)
    return request.app[RENDER](
        "tickets.html",
        name=name,
        tickets=[show_ticket(row) for row in rows[:PAGE_SIZE]],
        more=_more(tab[0], rows[PAGE_SIZE - 1]) if len(rows) > PAGE_SIZE else None,
        count=_count_text(count),
        empty=tab[3],
        tabs=[
            {"href": f"/tickets?show={key}", "text": text, "is_current": key == tab[0]}
            for key, text, *_ in _TABS
        ],
    )


@routes.get("/tickets/{ticket}")
@private
async def show_one(request: web.Request, name: str) -> web.StreamResponse:
    """One ticket with its charts and its history."""
    products = request.app[PRODUCTS]
    device, number = parse_ticket_id(request.match_info["ticket"])
    database = request.app[DATABASE]
    ticket = await database.read(read_detail, products, device, number)
    made = await database.read(read_diagnoses, products, device, number)
    cared = await database.read(read_care, products, device, number)
    whose = await database.read(read_whose, device, number, now_ms())
    product = products.get(ticket.product or "")
    return request.app[RENDER](
        "ticket.html",
        name=name,
        ticket=ticket,
        product=product.title if product else None,
        mode=FMI_TEXTS.get(ticket.fmi, f"failure mode {ticket.fmi}"),
        causes=_causes(product, ticket),
        made=made[0] if made else None,
        care=cared,
        whose=whose,
        is_open=ticket.state in OPEN_STATES,
        rules={rule: each.sentence for rule, each in RULES.items()},
        diagnosis=explain(made[0]) if made and made[0].causes else None,
        frames=[
            {
                "index": index,
                "frame": frame,
                "charts": charts.draw_frame(frame),
                "rows": charts.tabulate(frame),
            }
            for index, frame in enumerate(ticket.freeze_frames)
        ],
    )


@routes.post("/tickets/{ticket}")
@private
async def work_on(request: web.Request, name: str) -> web.StreamResponse:
    """A comment, or another state with its reason."""
    check_same_site(request)
    form = await read_form(request)
    text, what = form.get("text", "").strip(), form.get("do", "")
    if not 1 <= len(text) <= 4000:
        raise ProblemError("invalid-body", "write 1 to 4000 characters")
    if what not in {"comment", *STATES}:
        raise ProblemError("invalid-body", "use a button of the ticket's page")
    device, number = parse_ticket_id(request.match_info["ticket"])
    database, who = request.app[DATABASE], f"token:{name}"
    if what == "comment":
        await database.write(ticket_store.comment, device, number, who, text, now_ms())
    else:
        await database.write(care.change_state, device, number, what, who, now_ms(), text)
        request.app[LOOK_AFTER]()
    raise web.HTTPSeeOther(request.path)


async def _reader(request: web.Request) -> str | None:
    """The name of a session whose token is still valid."""
    name = read_session(request, request.app[LOGINS])
    if name is None or not await request.app[DATABASE].read(tokens.is_valid, name):
        return None
    return name


def _wrong(request: web.Request, error: ProblemError) -> web.Response:
    status, title = KINDS[error.kind]
    given = {"title": title, "detail": error.detail, "errors": error.errors}
    response = request.app[RENDER]("wrong.html", status=status, **given)
    response.headers.update(error.headers)
    return response


def _more(tab: str, last: Mapping[Any, Any]) -> str:
    cursor = write_cursor("page", last["updated_at"], last["device"], last["number"])
    return "/tickets?" + urlencode({"show": tab, "cursor": cursor})


def _count_text(count: int) -> str:
    if count >= listing.COUNT_CAP:
        return f"more than {listing.COUNT_CAP - 1} tickets"
    return f"{count} ticket{'' if count == 1 else 's'}"


def _causes(product: Product | None, ticket: TicketDetail) -> list[dict[str, Any]]:
    fault = product.find_fault(ticket.spn, ticket.fmi) if product else None
    causes = sorted(fault.causes, key=lambda c: -c.prior) if fault else []
    return [
        {"title": c.title, "prior": float(c.prior), "percent": f"{float(c.prior):.0%}"[:-1]}
        for c in causes
    ]
