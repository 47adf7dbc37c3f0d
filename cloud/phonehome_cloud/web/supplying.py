"""Orders: what suppliers say of them, signed, and what the desk sees and says in their place."""

from typing import Annotated, Any, Literal

import msgspec
from aiohttp import web
from sqlalchemy import Connection, RowMapping

from phonehome_cloud.clock import now_ms
from phonehome_cloud.core.acting.part_orders import OrderKey, order_id, parse_order_id
from phonehome_cloud.core.caring import ActionKey
from phonehome_cloud.core.telling.signing import verify
from phonehome_cloud.errors import NotFoundError
from phonehome_cloud.store import owner_page, supplying, tickets
from phonehome_cloud.store.acting import parts as store
from phonehome_cloud.store.bulk import mapping_of

from .bodies import TooLargeError, TooSlowError, check_json, check_moment, read_body, read_json
from .operations import Operation, json_response
from .parts import ACTOR, ADDRESS_LIMIT, DATABASE, LOOK_AFTER, PRODUCTS, VAULT
from .problems import ProblemError, tell_problems
from .queries import check_names

_MAX_BYTES = 8192
_TIMEOUT_S = 10.0
_GUESS_COST = 20.0  # as many messages as a wrong signature costs its address

routes = web.RouteTableDef()


class News(msgspec.Struct, forbid_unknown_fields=True):
    """What became of an order."""

    state: Annotated[
        Literal["accepted", "back_ordered", "shipped", "delivered", "refused"],
        msgspec.Meta(description="accepted, back_ordered, shipped, delivered or refused"),
    ]
    expected_at: Annotated[int, msgspec.Meta(ge=0, description="unix ms")] | None = None
    tracking: Annotated[str, msgspec.Meta(max_length=80)] | None = None
    reason: Annotated[str, msgspec.Meta(max_length=400)] | None = None


class OrderLine(msgspec.Struct):
    """One part of an order; `price` of one piece in hundredths."""

    part: str
    title: str
    count: int
    price: int


class OrderEvent(msgspec.Struct):
    """What a supplier said, by the id that it gave its message."""

    event: str
    kind: str
    at: int
    detail: dict[str, Any] | None


class Order(msgspec.Struct):
    """An order of parts; times in unix ms, amounts in hundredths of the currency."""

    order: str
    ticket: str
    state: str
    source: str
    supplier: str | None
    lines: list[OrderLine]
    currency: str
    total: int
    payer: str
    ordered_at: int
    cancel_until_at: int
    expected_at: int | None
    tracking: str | None
    reason: str | None
    ended_at: int | None
    events: list[OrderEvent]


@routes.post("/supplier/orders/{order}")
async def hear_supplier(request: web.Request) -> web.StreamResponse:
    """A supplier's word, signed as Standard Webhooks with the secret of its webhook."""
    return await tell_problems(request, _hear_supplier)


async def _hear_supplier(request: web.Request) -> web.StreamResponse:
    wait_s = request.app[ADDRESS_LIMIT].take(request.remote or "")
    if wait_s:
        headers = {"Retry-After": str(int(wait_s) + 1)}
        raise ProblemError("too-many-requests", "wait a little and try again", headers=headers)
    body = await _read(request)
    database, now_at = request.app[DATABASE], now_ms()
    try:
        key = parse_order_id(request.match_info["order"])
        given = request.app[VAULT], key, now_at
        supplier, secrets = await database.read(supplying.load_secrets, *given)
    except NotFoundError:
        supplier, secrets, key = "", [], OrderKey("", 0, 0)
    event = verify(secrets, request.headers, body, now_at // 1000)
    if event is None:  # the same for an order that is none: nobody can look for them
        request.app[ADDRESS_LIMIT].charge(request.remote or "", _GUESS_COST)
        fix = "sign it as Standard Webhooks with the secret of your webhook, now"
        raise ProblemError("unauthenticated", fix)
    news = check_json(body, News)
    state = await take_news(request, key, event[:64], news, f"supplier:{supplier}")
    return json_response({"order": order_id(key), "state": state})


async def _read(request: web.Request) -> bytes:
    try:
        return await read_body(request, _MAX_BYTES, _TIMEOUT_S)
    except TooLargeError:
        raise ProblemError("too-large", f"at most {_MAX_BYTES} bytes") from None
    except TooSlowError:
        raise ProblemError("timeout", "send it again") from None


async def take_news(request: web.Request, key: OrderKey, event: str, news: News, who: str) -> str:
    """Follow a word about an order; the state behind it."""
    check_moment("expected_at", news.expected_at, now_ms())
    detail = {
        name: value
        for name, value in msgspec.to_builtins(news).items()
        if name != "state" and value is not None
    }
    products = request.config_dict[PRODUCTS]
    given = key, event, news.state, detail, who, now_ms()
    state = await request.config_dict[DATABASE].write(
        supplying.take, *given, lambda name: products.get(name or "")
    )
    request.config_dict[LOOK_AFTER]()
    return state


async def get_order(request: web.Request) -> web.Response:
    """One order with what was said of it."""
    check_names(request, ())
    return json_response(await _show(request))


async def tell_order(request: web.Request) -> web.Response:
    """What a supplier without a webhook said, written down by the desk."""
    check_names(request, ())
    news = await read_json(request, News)
    key = parse_order_id(request.match_info["order"])
    now_at = now_ms()
    await take_news(request, key, f"desk-{now_at}", news, request[ACTOR])
    return json_response(await _show(request))


async def cancel_order(request: web.Request) -> web.Response:
    """Take an order back, while nobody was told of it."""
    check_names(request, ())
    key = parse_order_id(request.match_info["order"])
    await cancel_for(request, key, request[ACTOR])
    return json_response(await _show(request))


async def cancel_for(request: web.Request, key: OrderKey, who: str) -> None:
    """Take an order back for somebody; NotFoundError, ConflictError."""

    def cancel(connection: Connection) -> None:
        ticket = tickets.expect(connection, *key[:2])
        owner_page.cancel_part(connection, ticket, key, who, now_ms())

    await request.config_dict[DATABASE].write(cancel)
    request.config_dict[LOOK_AFTER]()


async def _show(request: web.Request) -> Order:
    key = parse_order_id(request.match_info["order"])
    found = await request.config_dict[DATABASE].read(load_order, key)
    if found is None:
        raise NotFoundError(f"no order {order_id(key)}")
    return found


def load_order(connection: Connection, key: OrderKey) -> Order | None:
    """An order with what was said of it; None when there is none."""
    row = store.find(connection, key)
    return _load(connection, row) if row is not None else None


def load_orders(connection: Connection, action: ActionKey) -> list[Order]:
    """The orders of an action, the first one first."""
    return [_load(connection, mapping_of(row)) for row in store.list_of(connection, action)]


def _load(connection: Connection, row: RowMapping) -> Order:
    key = OrderKey.of(row)
    events = store.list_events(connection, key)
    lines = [OrderLine(x["part"], x["title"], x["count"], x["price"]) for x in row["lines"]]
    told = [OrderEvent(e["event"], e["kind"], e["at"], e["detail"]) for e in events]
    same = {n: row[n] for n in Order.__struct_fields__ if n in row and n not in _OTHERWISE}
    ids = {"order": order_id(key), "ticket": f"{key.device}-{key.ticket}"}
    return Order(**{**same, **ids, "lines": lines, "events": told})


_OTHERWISE = frozenset(("order", "ticket", "lines", "events"))
_ORDER = "{order:[0-9a-f-]{20,40}}"
OPERATIONS = (
    Operation("GET", f"/orders/{_ORDER}", get_order, "One order with what was said of it", Order),
    Operation(
        "POST",
        f"/orders/{_ORDER}/news",
        tell_order,
        "Write down what a supplier said of an order",
        Order,
        body=News,
        problems=("conflict",),
    ),
    Operation(
        "POST",
        f"/orders/{_ORDER}/cancel",
        cancel_order,
        "Take back an order that was not sent yet",
        Order,
        problems=("conflict",),
    ),
)
