"""The pages of what is in hand: calls, assignments, orders, leads, and one action in full."""

from datetime import datetime
from typing import Any

from aiohttp import web

from phonehome_cloud.clock import now_ms
from phonehome_cloud.core.acting.part_orders import (
    SAID_BY_SUPPLIER,
    OrderKey,
    money,
    order_id,
    parse_order_id,
)
from phonehome_cloud.core.acting.price_words import tell_technician
from phonehome_cloud.core.acting.pricing import PRICED, TERMS
from phonehome_cloud.core.tickets import parse_ticket_id
from phonehome_cloud.store import listing
from phonehome_cloud.store.acting import callbacks, leads, parts, persons

from .forms import read_form
from .in_hand import (
    Assignment,
    Call,
    Lead,
    export_leads,
    fill,
    load_progress,
)
from .logins import check_same_site
from .pages import private
from .parts import DATABASE
from .problems import ProblemError
from .queries import read_action
from .rendering import RENDER
from .supplying import News, cancel_for, load_orders, take_news

_MANY = 100  # of each kind on the page; the API has them all
_ACTION = r"/tickets/{ticket}/actions/{n:\d{1,6}}"

routes = web.RouteTableDef()


@routes.get("/in-hand")
@private
async def show_in_hand(request: web.Request, name: str) -> web.StreamResponse:
    """Everything that somebody has to do or waits for."""

    def load(connection: Any) -> dict[str, Any]:
        calls = callbacks.list_open(connection, _MANY)
        assigned = persons.list_open(connection, None, None, _MANY)
        orders = parts.list_open(connection, _MANY)
        wanted = leads.list_newest(connection, None, _MANY)
        keys = {(r["device"], r["ticket"]) for r in (*calls, *assigned, *orders, *wanted)}
        return {
            "calls": [fill(Call, row) for row in calls],
            "assignments": [fill(Assignment, row) for row in assigned],
            "leads": [fill(Lead, row) for row in wanted],
            "orders": [_show_order(row) for row in orders],
            "titles": listing.list_titles(connection, keys),
        }

    found = await request.app[DATABASE].read(load)
    return request.app[RENDER]("in_hand.html", name=name, **found)


@routes.post("/in-hand/calls/{ticket}/{call:[1-9][0-9]{0,8}}")
@private
async def finish_call(request: web.Request, name: str) -> web.StreamResponse:
    """Somebody has called."""
    check_same_site(request)
    device, number = parse_ticket_id(request.match_info["ticket"])
    given = device, number, int(request.match_info["call"]), f"token:{name}", now_ms()
    await request.app[DATABASE].write(callbacks.finish, *given)
    raise web.HTTPSeeOther("/in-hand")


@routes.get("/in-hand/leads.csv")
@private
async def show_leads(request: web.Request, _name: str) -> web.StreamResponse:
    """All leads for a spreadsheet."""
    return await export_leads(request)


@routes.get(_ACTION)
@private
async def show_action(request: web.Request, name: str) -> web.StreamResponse:
    """How far an action is: steps with their proof, a fix with before and after, an order."""
    key = read_action(request)
    # In the writer, because an action is read by locking it.
    action = await request.app[DATABASE].write(load_progress, key)
    orders = await request.app[DATABASE].read(load_orders, key)
    terms = action.detail.get(TERMS)
    return request.app[RENDER](
        "action.html",
        name=name,
        action=action,
        orders=[(order, money(order.total, order.currency)) for order in orders],
        price=tell_technician(terms, "en") if terms and terms["kind"] in PRICED else None,
        says=SAID_BY_SUPPLIER,
    )


@routes.post(_ACTION + "/order")
@private
async def tell_order(request: web.Request, name: str) -> web.StreamResponse:
    """What a supplier said, or that the order is taken back."""
    check_same_site(request)
    form = await read_form(request)
    said, who = form.get("do", ""), f"token:{name}"
    key = parse_order_id(form.get("order", ""))
    if key.action != read_action(request):
        raise ProblemError("invalid-body", "order: want one of this action")
    if said == "cancel":
        await cancel_for(request, key, who)
    elif said in SAID_BY_SUPPLIER:
        words = {k: form[k].strip() for k in ("tracking", "reason") if form.get(k, "").strip()}
        expected_at = _read_day(form.get("expected", ""))
        news = News(said, expected_at, **words)  # type: ignore[arg-type]  # one of those above
        await take_news(request, key, f"desk-{now_ms()}", news, who)
    else:
        raise ProblemError("invalid-body", "use a button of the order's page")
    raise web.HTTPSeeOther(request.path.removesuffix("/order"))


def _read_day(text: str) -> int | None:
    """Noon of a day as the form sends it; None for none."""
    if not text:
        return None
    try:
        day = datetime.fromisoformat(text + "T12:00+00:00")
    except ValueError:
        detail = f"expected = {text[:20]!r}: want a day as in 2026-12-24"
        raise ProblemError("invalid-body", detail) from None
    return int(day.timestamp() * 1000)


def _show_order(row: Any) -> dict[str, Any]:
    number = order_id(OrderKey.of(row))
    return {**row, "order": number, "ticket": f"{row['device']}-{row['ticket']}"}
