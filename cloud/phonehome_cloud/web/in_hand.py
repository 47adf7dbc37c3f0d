"""What is in people's hands on the desk API: operators, assignments, calls, leads, fixes."""

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from aiohttp import web
from sqlalchemy import Connection

from phonehome_cloud.clock import now_ms
from phonehome_cloud.core.acting import remote as core_remote
from phonehome_cloud.core.acting.leads import write_csv
from phonehome_cloud.core.caring import ActionKey
from phonehome_cloud.core.tickets import parse_ticket_id, ticket_id
from phonehome_cloud.store import care, operators
from phonehome_cloud.store.acting import callbacks, leads, persons, remote, steps

from .bodies import read_json
from .operations import Operation, json_response
from .paging import page, read_cursor, read_limit, write_cursor
from .parts import ACTOR, DATABASE
from .queries import PAGING, check_names, read_action

_MAX_CSV_ROWS = 100_000

Skill = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,23}$")]
Mail = Annotated[str, msgspec.Meta(pattern=r"^[^@\s]+@[^@\s]+$", max_length=254)]


class NewOperator(msgspec.Struct, forbid_unknown_fields=True):
    """Somebody at the desk; `level` 1 is asked first, `capacity` tickets at a time."""

    mail: Mail
    skills: Annotated[list[Skill], msgspec.Meta(max_length=50)] = []
    level: Annotated[int, msgspec.Meta(ge=1, le=3, description="1, 2 or 3")] = 1
    capacity: Annotated[int, msgspec.Meta(ge=0, le=1000, description="0 to 1000")] = 20
    away_until_at: int | None = None


class Operator(msgspec.Struct):
    """Somebody at the desk."""

    operator: str
    mail: str
    skills: list[str]
    level: int
    capacity: int
    away_until_at: int | None


class OperatorList(msgspec.Struct):
    """Everybody at the desk."""

    items: list[Operator]


class Assignment(msgspec.Struct):
    """A ticket in somebody's hands, or in nobody's yet; times in unix ms."""

    ticket: str
    number: int
    operator: str | None
    skills: list[str]
    level: int
    is_urgent: bool
    assigned_at: int
    respond_by_at: int
    resolve_by_at: int
    responded_at: int | None


class AssignmentPage(msgspec.Struct):
    """Some assignments, and the cursor of the next page or null."""

    items: list[Assignment]
    next: str | None


class Call(msgspec.Struct):
    """A call that an owner waits for."""

    ticket: str
    number: int
    state: str
    call_at: int
    phone: str
    asked_at: int
    who: str | None


class CallList(msgspec.Struct):
    """Calls that somebody has to make, the next one first."""

    items: list[Call]


class Lead(msgspec.Struct):
    """An owner who wants to hear of a new appliance, and why no repair makes sense."""

    ticket: str
    state: str
    offered_at: int
    product: str | None
    serial: str | None
    age_days: int | None
    reasons: list[str]
    name: str | None
    mail: str | None
    phone: str | None


class LeadPage(msgspec.Struct):
    """Some leads, and the cursor of the next page or null."""

    items: list[Lead]
    next: str | None


class ShownStep(msgspec.Struct):
    """A step of an article: who says that it is done, and on what evidence."""

    step: int
    state: str
    by: str | None
    evidence: dict[str, Any] | None
    ended_at: int | None


class Compared(msgspec.Struct):
    """One thing that was looked at before and after."""

    name: str
    before: Any
    after: Any


class Fix(msgspec.Struct):
    """A remote fix: where it stands, its newest command, and what changed."""

    state: str
    command: int | None
    compared: list[Compared]


class Progress(msgspec.Struct):
    """How far an action is: its steps, and its remote fix or null."""

    ticket: str
    n: int
    kind: str
    state: str
    payer: str
    detail: dict[str, Any]
    steps: list[ShownStep]
    fix: Fix | None


async def list_operators(request: web.Request) -> web.Response:
    """Everybody at the desk."""
    check_names(request, ())
    rows = await request.config_dict[DATABASE].read(operators.list_all)
    return json_response(OperatorList([fill(Operator, row) for row in rows]))


async def put_operator(request: web.Request) -> web.Response:
    """Write down who works the desk; the name is that of their API token."""
    check_names(request, ())
    values = msgspec.to_builtins(await read_json(request, NewOperator))
    name = request.match_info["operator"]
    row = await request.config_dict[DATABASE].write(operators.put, name, values, now_ms())
    return json_response(fill(Operator, row))


async def remove_operator(request: web.Request) -> web.Response:
    """Somebody leaves; their tickets go to others."""
    check_names(request, ())
    name = request.match_info["operator"]
    row = await request.config_dict[DATABASE].read(operators.expect, name)
    await request.config_dict[DATABASE].write(operators.remove, name, now_ms())
    return json_response(fill(Operator, row))


async def list_assignments(request: web.Request) -> web.Response:
    """Tickets in people's hands, those that are due first."""
    check_names(request, (*PAGING, "operator"))
    limit = read_limit(request.query)
    after = read_cursor(request.query, "assignments", int, str, int)
    given = request.query.get("operator"), after, limit + 1
    rows = await request.config_dict[DATABASE].read(persons.list_open, *given)
    more = None
    if len(rows) > limit:
        last = rows[limit - 1]
        key = last["respond_by_at"], last["device"], last["ticket"]
        more = write_cursor("assignments", *key)
    return json_response(page([fill(Assignment, row) for row in rows[:limit]], more))


async def list_calls(request: web.Request) -> web.Response:
    """Calls that owners wait for."""
    check_names(request, ("limit",))
    limit = read_limit(request.query)
    rows = await request.config_dict[DATABASE].read(callbacks.list_open, limit)
    return json_response(CallList([fill(Call, row) for row in rows]))


async def finish_call(request: web.Request) -> web.Response:
    """Somebody has called."""
    check_names(request, ())
    device, number = parse_ticket_id(request.match_info["ticket"])
    n, who = int(request.match_info["call"]), request[ACTOR]
    given = device, number, n, who, now_ms()
    row = await request.config_dict[DATABASE].write(callbacks.finish, *given)
    return json_response(fill(Call, row))


async def list_leads(request: web.Request) -> web.Response:
    """Leads with who wants them, newest first."""
    check_names(request, PAGING)
    limit = read_limit(request.query)
    before = read_cursor(request.query, "leads", int, str, int, int)
    rows = await request.config_dict[DATABASE].read(leads.list_newest, before, limit + 1)
    more = None
    if len(rows) > limit:
        last = rows[limit - 1]
        key = last["offered_at"], last["device"], last["ticket"], last["action"]
        more = write_cursor("leads", *key)
    return json_response(page([fill(Lead, row) for row in rows[:limit]], more))


async def export_leads(request: web.Request) -> web.Response:
    """All leads for a spreadsheet."""
    check_names(request, ())
    rows = await request.config_dict[DATABASE].read(leads.list_newest, None, _MAX_CSV_ROWS)
    told = []
    for row in rows:
        offered = datetime.fromtimestamp(row["offered_at"] / 1000, UTC)
        id_ = ticket_id(row["device"], row["ticket"])
        told.append({**row, "ticket": id_, "offered_at": f"{offered:%Y-%m-%d %H:%M}"})
    headers = {"Content-Disposition": 'attachment; filename="leads.csv"'}
    return web.Response(text=write_csv(told), content_type="text/csv", headers=headers)


async def get_progress(request: web.Request) -> web.Response:
    """How far an action is."""
    check_names(request, ())
    key = read_action(request)

    # In the writer, because an action is read by locking it.
    return json_response(await request.config_dict[DATABASE].write(load_progress, key))


def load_progress(connection: Connection, key: ActionKey) -> Progress:
    """How far an action is; NotFoundError."""
    action = care.expect_action(connection, key)
    found = remote.find(connection, *key)
    rows = [
        ShownStep(r["step"] + 1, r["state"], r["by"], r["evidence"], r["ended_at"])
        for r in steps.list_steps(connection, key)
    ]
    told = action.kind, action.state, action.payer, action.detail, rows
    return Progress(ticket_id(*key[:2]), key.n, *told, _show_fix(found))


def _show_fix(row: Any) -> Fix | None:
    if row is None:
        return None
    compared = core_remote.compare(row.before or {}, row.after or {})
    return Fix(row.state, row.command, [Compared(**one) for one in compared])


def fill(type_: Any, row: Any) -> Any:
    """A row of a table as a body; its ticket under its public id."""
    given = {name: row[name] for name in type_.__struct_fields__ if name in row}
    if "ticket" in given:
        given["ticket"] = ticket_id(row["device"], row["ticket"])
    return type_(**given)


_NAME = "{operator:[A-Za-z0-9][A-Za-z0-9._-]{0,63}}"
OPERATIONS = (
    Operation("GET", "/operators", list_operators, "Everybody at the desk", OperatorList),
    Operation(
        "PUT",
        f"/operators/{_NAME}",
        put_operator,
        "Write down who works the desk",
        Operator,
        body=NewOperator,
    ),
    Operation(
        "DELETE", f"/operators/{_NAME}", remove_operator, "Somebody leaves the desk", Operator
    ),
    Operation(
        "GET",
        "/assignments",
        list_assignments,
        "Tickets in people's hands, those that are due first",
        AssignmentPage,
        query=PAGING | {"operator": "in whose hands"},
    ),
    Operation(
        "GET",
        "/calls",
        list_calls,
        "Calls that owners wait for, the next one first",
        CallList,
        query={"limit": PAGING["limit"]},
    ),
    Operation(
        "POST",
        "/tickets/{ticket}/calls/{call:[1-9][0-9]{0,8}}/done",
        finish_call,
        "Somebody has called the owner",
        Call,
        problems=("conflict",),
    ),
    Operation(
        "GET",
        "/leads",
        list_leads,
        "Owners who want to hear of a new appliance, newest first",
        LeadPage,
        query=PAGING,
    ),
    Operation("GET", "/leads.csv", export_leads, "All leads as CSV", str, media="text/csv"),
    Operation(
        "GET",
        "/tickets/{ticket}/actions/{n:[0-9]{1,9}}/progress",
        get_progress,
        "How far an action is: steps with their proof, a fix with before and after",
        Progress,
    ),
)
