"""Incidents on the desk API: list, get, decide."""

from typing import Annotated, Literal

import msgspec
from aiohttp import web
from sqlalchemy import Connection, RowMapping

from phonehome_cloud.clock import now_ms
from phonehome_cloud.core.deciding.incidents import BOOTS, TRANSITIONS
from phonehome_cloud.core.tickets import ticket_id
from phonehome_cloud.store import incidents as store

from .bodies import read_json
from .care import Reason
from .operations import Operation, json_response
from .paging import page, read_cursor, read_limit, write_cursor
from .parts import ACTOR, DATABASE, LOOK_AFTER
from .queries import PAGING, check_names

_SHOWN_TICKETS = 50


class Incident(msgspec.Struct):
    """One problem of many devices; times are unix milliseconds UTC.

    What happens is a fault (`spn`, `fmi`), or that devices restart (both null). What they have in
    common is `trait` (batch, build, manifest or product) and `value`. `seen` devices within
    `window_s` opened it, where `expected` were usual; `p_value` is how likely that is by chance.
    """

    id: str
    product: str
    title: str
    spn: int | None
    fmi: int | None
    trait: str
    value: str
    state: str
    opened_at: int
    updated_at: int
    last_at: int
    ended_at: int | None
    window_s: int
    seen: int
    expected: float
    p_value: float


class IncidentEntry(msgspec.Struct):
    """One thing that happened to an incident."""

    n: int
    at: int
    who: str
    from_state: str | None
    to_state: str | None
    text: str | None


class IncidentDetail(Incident):
    """An incident with why it is one, its history, and its tickets.

    `ticket_count` counts up to 1001; `tickets` are the first 50, `is_following` says that not all
    of them have followed the newest decision yet.
    """

    why: list[str]
    next_states: list[str]
    history: list[IncidentEntry]
    ticket_count: int
    tickets: list[str]
    is_following: bool


class IncidentPage(msgspec.Struct):
    """Some incidents, and the cursor of the next page or null."""

    items: list[Incident]
    next: str | None


class IncidentState(msgspec.Struct, forbid_unknown_fields=True):
    """What a person decides about an incident; all its tickets follow."""

    state: Annotated[
        Literal["confirmed", "dismissed", "resolved"],
        msgspec.Meta(description="confirmed, dismissed or resolved"),
    ]
    reason: Reason


async def list_incidents(request: web.Request) -> web.Response:
    """Incidents, the one that changed last first."""
    check_names(request, PAGING)
    limit = read_limit(request.query)
    after = read_cursor(request.query, "incidents", int, str)
    rows = await request.config_dict[DATABASE].read(store.list_incidents, after, limit + 1)
    more = None
    if len(rows) > limit:
        last = rows[limit - 1]
        more = write_cursor("incidents", last["updated_at"], last["id"])
    return json_response(page([show_incident(row) for row in rows[:limit]], more))


async def get_incident(request: web.Request) -> web.Response:
    """One incident with its history and its first tickets."""
    check_names(request, ())
    name = request.match_info["incident"]
    return json_response(await request.config_dict[DATABASE].read(read_incident, name))


async def change_incident(request: web.Request) -> web.Response:
    """Confirm, dismiss or resolve an incident; 409 when its state does not allow that."""
    check_names(request, ())
    wanted = await read_json(request, IncidentState)
    name, database = request.match_info["incident"], request.config_dict[DATABASE]
    who = request[ACTOR]
    await database.write(store.change, name, wanted.state, who, now_ms(), wanted.reason)
    request.config_dict[LOOK_AFTER]()
    return json_response(await database.read(read_incident, name))


def read_incident(connection: Connection, name: str) -> IncidentDetail:
    """One incident, whole; NotFoundError when there is none."""
    row = store.expect(connection, name)
    entries = store.list_events(connection, name)
    tickets = store.list_tickets(connection, name, None, _SHOWN_TICKETS)
    fields = {key: getattr(show_incident(row), key) for key in Incident.__struct_fields__}
    return IncidentDetail(
        **fields,
        why=row["why"],
        next_states=sorted(TRANSITIONS[row["state"]]),
        history=[
            IncidentEntry(**{key: entry[key] for key in IncidentEntry.__struct_fields__})
            for entry in entries
        ],
        ticket_count=store.count_tickets(connection, name),
        tickets=[ticket_id(dev, number) for dev, number in tickets],
        is_following=row["followed"] is not None,
    )


def show_incident(row: RowMapping) -> Incident:
    """A row of the listing."""
    found = {name: row[name] for name in Incident.__struct_fields__}
    if (row["spn"], row["fmi"]) == BOOTS:
        found |= {"spn": None, "fmi": None}
    return Incident(**found)


_PATH = "/incidents/{incident:[0-9a-f]{16}}"
OPERATIONS = (
    Operation(
        "GET",
        "/incidents",
        list_incidents,
        "List incidents, the one that changed last first",
        IncidentPage,
        query=PAGING,
    ),
    Operation("GET", _PATH, get_incident, "One incident with its tickets", IncidentDetail),
    Operation(
        "POST",
        _PATH + "/state",
        change_incident,
        "Decide about an incident",
        IncidentDetail,
        body=IncidentState,
        problems=("illegal-transition",),
    ),
)
