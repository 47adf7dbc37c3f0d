"""The pages of what is done: forms on a ticket's page, and incidents."""

from urllib.parse import urlencode

from aiohttp import web

from phonehome_cloud.clock import now_ms
from phonehome_cloud.core.tickets import parse_ticket_id
from phonehome_cloud.store import incidents as incident_store

from .care import ActionOutcome, ChosenAction, choose, end
from .forms import read_form
from .incidents import read_incident, show_incident
from .logins import check_same_site
from .pages import PAGE_SIZE, private
from .paging import read_cursor, write_cursor
from .parts import DATABASE, LOOK_AFTER, PRODUCTS
from .problems import ProblemError
from .queries import read_action
from .rendering import RENDER

_OUTCOMES = frozenset({"agreed", "declined", "helped", "failed", "cancelled"})
_DECIDING = {"confirmed": "Confirm", "dismissed": "Dismiss", "resolved": "It is resolved"}

routes = web.RouteTableDef()


@routes.post("/tickets/{ticket}/actions")
@private
async def choose_action(request: web.Request, name: str) -> web.StreamResponse:
    """Another action than the system's, instead of what is under way."""
    text, choice = await _read(request, "choice")
    kind, _, action_id = choice.partition("/")
    device, number = parse_ticket_id(request.match_info["ticket"])
    wanted = ChosenAction(kind, text, action_id or None)
    database, products = request.app[DATABASE], request.app[PRODUCTS]
    who = f"token:{name}"
    await database.write(choose, products, device, number, wanted, who, now_ms(), replace=True)
    request.app[LOOK_AFTER]()
    raise web.HTTPSeeOther(f"/tickets/{request.match_info['ticket']}")


@routes.post(r"/tickets/{ticket}/actions/{n:\d{1,6}}")
@private
async def end_action(request: web.Request, name: str) -> web.StreamResponse:
    """How an action ended, or what the owner said about it."""
    text, outcome = await _read(request, "do")
    if outcome not in _OUTCOMES:
        raise ProblemError("invalid-body", "use a button of the ticket's page")
    said = ActionOutcome(outcome, text)  # type: ignore[arg-type]  # one of _OUTCOMES
    given = read_action(request), said, f"token:{name}", now_ms()
    await request.app[DATABASE].write(end, *given)
    request.app[LOOK_AFTER]()
    raise web.HTTPSeeOther(f"/tickets/{request.match_info['ticket']}")


@routes.get("/incidents")
@private
async def show_incidents(request: web.Request, name: str) -> web.StreamResponse:
    """Incidents, the one that changed last first."""
    after = read_cursor(request.query, "page", int, str)
    database = request.app[DATABASE]
    rows = await database.read(incident_store.list_incidents, after, PAGE_SIZE + 1)
    more = None
    if len(rows) > PAGE_SIZE:
        last = rows[PAGE_SIZE - 1]
        cursor = write_cursor("page", last["updated_at"], last["id"])
        more = "/incidents?" + urlencode({"cursor": cursor})
    shown = [show_incident(row) for row in rows[:PAGE_SIZE]]
    return request.app[RENDER]("incidents.html", name=name, incidents=shown, more=more)


@routes.get("/incidents/{incident:[0-9a-f]{16}}")
@private
async def show_one(request: web.Request, name: str) -> web.StreamResponse:
    """One incident, and the one decision for all its tickets."""
    found = await request.app[DATABASE].read(read_incident, request.match_info["incident"])
    return request.app[RENDER]("incident.html", name=name, incident=found, deciding=_DECIDING)


@routes.post("/incidents/{incident:[0-9a-f]{16}}")
@private
async def decide(request: web.Request, name: str) -> web.StreamResponse:
    """Confirm, dismiss or resolve it."""
    text, state = await _read(request, "do")
    if state not in _DECIDING:
        raise ProblemError("invalid-body", "use a button of the incident's page")
    which, who = request.match_info["incident"], f"token:{name}"
    await request.app[DATABASE].write(incident_store.change, which, state, who, now_ms(), text)
    request.app[LOOK_AFTER]()
    raise web.HTTPSeeOther(request.path)


async def _read(request: web.Request, field: str) -> tuple[str, str]:
    """The text of a form, and one more field."""
    check_same_site(request)
    form = await read_form(request)
    text = form.get("text", "").strip()
    if not 1 <= len(text) <= 4000:
        raise ProblemError("invalid-body", "write 1 to 4000 characters")
    return text, form.get(field, "")
