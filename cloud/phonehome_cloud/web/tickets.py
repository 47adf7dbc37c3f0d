"""Tickets on the desk API: list, get, comment, change state."""

from typing import Annotated, Literal

import msgspec
from aiohttp import web

from phonehome_cloud.clock import now_ms
from phonehome_cloud.core.tickets import parse_ticket_id
from phonehome_cloud.store import care, listing
from phonehome_cloud.store import tickets as store

from .bodies import read_json
from .operations import Operation, json_response
from .paging import page, read_cursor, read_limit, write_cursor
from .parts import ACTOR, DATABASE, LOOK_AFTER, PRODUCTS
from .queries import PAGING, TICKET_FILTERS, check_names, read_ticket_filter
from .showing import HistoryEntry, Ticket, TicketDetail, read_detail, show_entry, show_ticket

Text = Annotated[
    str,
    msgspec.Meta(min_length=1, max_length=4000, description="1 to 4000 characters"),
]


class NewComment(msgspec.Struct, forbid_unknown_fields=True):
    """What somebody has to say about a ticket."""

    text: Text


class NewState(msgspec.Struct, forbid_unknown_fields=True):
    """The state a ticket should have, and why."""

    state: Annotated[
        Literal["open", "acknowledged", "in_progress", "resolved", "closed"],
        msgspec.Meta(description="open, acknowledged, in_progress, resolved or closed"),
    ]
    reason: Text


class TicketPage(msgspec.Struct):
    """Some tickets, and the cursor of the next page or null."""

    items: list[Ticket]
    next: str | None


async def list_tickets(request: web.Request) -> web.Response:
    """Tickets, the one that changed last first."""
    check_names(request, (*PAGING, *TICKET_FILTERS))
    limit = read_limit(request.query)
    after = read_cursor(request.query, "tickets", int, str, int)
    wanted = read_ticket_filter(request.query)
    database = request.config_dict[DATABASE]
    rows = await database.read(listing.list_tickets, wanted, after, limit + 1)
    more = None
    if len(rows) > limit:
        last = rows[limit - 1]
        more = write_cursor("tickets", last["updated_at"], last["device"], last["number"])
    return json_response(page([show_ticket(row) for row in rows[:limit]], more))


async def get_ticket(request: web.Request) -> web.Response:
    """One ticket with its history and its freeze frames."""
    check_names(request, ())
    return json_response(await _detail(request))


async def add_comment(request: web.Request) -> web.Response:
    """Write into a ticket's history."""
    check_names(request, ())
    wanted = await read_json(request, NewComment)
    device, number = parse_ticket_id(request.match_info["ticket"])
    database, who = request.config_dict[DATABASE], request[ACTOR]
    found = await database.write(store.comment, device, number, who, wanted.text, now_ms())
    return json_response(show_entry(found.history[-1]), status=201)


async def change_state(request: web.Request) -> web.Response:
    """Move a ticket to another state; 409 when its present one does not allow that."""
    check_names(request, ())
    wanted = await read_json(request, NewState)
    device, number = parse_ticket_id(request.match_info["ticket"])
    await request.config_dict[DATABASE].write(
        care.change_state,
        device,
        number,
        wanted.state,
        request[ACTOR],
        now_ms(),
        wanted.reason,
    )
    request.config_dict[LOOK_AFTER]()
    return json_response(await _detail(request))


async def _detail(request: web.Request) -> TicketDetail:
    device, number = parse_ticket_id(request.match_info["ticket"])
    database, products = request.config_dict[DATABASE], request.config_dict[PRODUCTS]
    return await database.read(read_detail, products, device, number)


_PATH = "/tickets/{ticket}"
OPERATIONS = (
    Operation(
        "GET",
        "/tickets",
        list_tickets,
        "List tickets, the one that changed last first",
        TicketPage,
        query=PAGING | TICKET_FILTERS,
    ),
    Operation("GET", _PATH, get_ticket, "One ticket with history and freeze frames", TicketDetail),
    Operation(
        "POST",
        _PATH + "/comments",
        add_comment,
        "Comment a ticket",
        HistoryEntry,
        body=NewComment,
        status=201,
    ),
    Operation(
        "POST",
        _PATH + "/state",
        change_state,
        "Change a ticket's state",
        TicketDetail,
        body=NewState,
        problems=("illegal-transition",),
    ),
)
