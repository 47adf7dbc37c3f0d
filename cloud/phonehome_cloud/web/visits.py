"""Visits on the desk API: when they are, what was proposed, moving, parts, closing; presence."""

from typing import Annotated, Any

import msgspec
from aiohttp import web
from sqlalchemy import Connection

from phonehome_cloud.clock import now_ms
from phonehome_cloud.core.tickets import ticket_id
from phonehome_cloud.core.visiting.closing import Closing
from phonehome_cloud.core.visiting.visit import Key, Visit
from phonehome_cloud.errors import ConflictError
from phonehome_cloud.store import presence, visit_answers, visits

from .bodies import check_moment, read_json
from .operations import Operation, json_response
from .parts import ACTOR, DATABASE, LOOK_AFTER, PRODUCTS
from .problems import ProblemError
from .queries import check_names, read_action, wrong_parameter

WEEK_MS = 7 * 86_400_000
_MAX_SPAN_MS = 60 * 86_400_000
SPAN = {
    "from": "the first moment in unix ms; now when absent",
    "until": "the first moment after it; a week after `from` when absent, at most 60 days",
    "technician": "only theirs",
}


class ShownSlot(msgspec.Struct):
    """A time that was proposed; `p_home` is P(somebody is home)."""

    technician: str
    start_at: int
    end_at: int
    p_home: float


class ShownVisit(msgspec.Struct):
    """A visit; while it is proposed, its time is held. `proposals` are those in force."""

    ticket: str
    action: int
    state: str
    uid: str
    sequence: int
    about: dict[str, str]
    technician: str | None
    start_at: int | None
    end_at: int | None
    p_home: float | None
    was_home: bool | None
    minutes: int
    skills: list[str]
    parts: list[dict[str, Any]]
    parts_at: int
    zone: str
    closing: dict[str, Any] | None
    proposals: list[ShownSlot] = []


class VisitList(msgspec.Struct):
    """Visits of a span of time, by their start."""

    items: list[ShownVisit]


class Move(msgspec.Struct, forbid_unknown_fields=True):
    """Another time: this one, or, when absent, three that the owner may choose from."""

    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=120)]
    start_at: int | None = None


class Arrival(msgspec.Struct, forbid_unknown_fields=True):
    """When the parts of a visit are there; it moves when it would be earlier."""

    parts_at: Annotated[int, msgspec.Meta(ge=0)]


class NewClosing(msgspec.Struct, forbid_unknown_fields=True):
    """How it was; `cause` is an id of the product file, `parts` are pieces by number."""

    is_fixed: bool
    cause: str | None = None
    parts: dict[str, int] = {}
    minutes: int = 0
    text: str = ""
    nobody_home: bool = False


class ShownBin(msgspec.Struct):
    """Predictions between two probabilities: how many, what they said, what came."""

    low: float
    high: float
    count: int
    predicted: float
    happened: float


class ShownCalibration(msgspec.Struct):
    """How true P(home) was at doors that technicians stood at; null before the first."""

    count: int = 0
    brier: float | None = None
    base_brier: float | None = None
    ece: float | None = None
    bins: list[ShownBin] = []


class Habits(msgspec.Struct):
    """What is kept of an appliance's use: days with a use by workday, Saturday, Sunday times
    eight parts of three hours; null without consent.
    """

    uses: list[int] | None
    since_at: int | None
    until_at: int | None


async def list_visits(request: web.Request) -> web.Response:
    """Visits of a span of time, of one technician or all."""
    check_names(request, SPAN)
    from_at = _moment(request, "from", now_ms())
    until_at = _moment(request, "until", from_at + WEEK_MS)
    if not from_at < until_at <= from_at + _MAX_SPAN_MS:
        raise wrong_parameter("until", str(until_at), SPAN["until"])
    database, who = request.config_dict[DATABASE], request.query.get("technician")
    rows = await database.read(visits.list_between, from_at, until_at, who)
    return json_response(VisitList([_show(Visit(**row)) for row in rows]))


async def get_visit(request: web.Request) -> web.Response:
    """One visit with what was proposed last."""
    check_names(request, ())
    return json_response(await request.config_dict[DATABASE].read(_read, read_action(request)))


async def move_visit(request: web.Request) -> web.Response:
    """Another time for a visit; its calendar entries follow."""
    check_names(request, ())
    wanted, key, who = await read_json(request, Move), read_action(request), request[ACTOR]

    def move(connection: Connection) -> ShownVisit:
        if wanted.start_at is None:
            visit_answers.move_on(connection, key, wanted.reason, who, now_ms())
        elif not visit_answers.ask_for(connection, key, wanted.start_at, who, now_ms()):
            raise ConflictError("no technician has that time; try another, or leave it out")
        return _read(connection, key)

    return json_response(await request.config_dict[DATABASE].write(move))


async def set_parts(request: web.Request) -> web.Response:
    """When its parts arrive: a visit that would be earlier moves."""
    check_names(request, ())
    wanted, key, who = await read_json(request, Arrival), read_action(request), request[ACTOR]
    check_moment("parts_at", wanted.parts_at, now_ms())

    def delay(connection: Connection) -> ShownVisit:
        visit_answers.delay(connection, key, wanted.parts_at, who, now_ms())
        return _read(connection, key)

    return json_response(await request.config_dict[DATABASE].write(delay))


async def close_visit(request: web.Request) -> web.Response:
    """How it was, written down for the technician."""
    check_names(request, ())
    given, key, who = await read_json(request, NewClosing), read_action(request), request[ACTOR]
    products = request.config_dict[PRODUCTS]
    closing = Closing(**msgspec.structs.asdict(given))

    def close(connection: Connection) -> ShownVisit:
        find_fault = visit_answers.finder(products)
        visit_answers.close(connection, key, closing, who, find_fault, now_ms())
        return _read(connection, key)

    try:
        shown = await request.config_dict[DATABASE].write(close)
    except ValueError as error:
        raise ProblemError("invalid-body", str(error)) from None
    request.config_dict[LOOK_AFTER]()
    return json_response(shown)


async def get_calibration(request: web.Request) -> web.Response:
    """How true P(home) was."""
    check_names(request, ())
    found = await request.config_dict[DATABASE].read(presence.read_calibration)
    given = (
        ShownCalibration()
        if found is None
        else msgspec.convert(found, ShownCalibration, from_attributes=True)
    )
    return json_response(given)


async def get_habits(request: web.Request) -> web.Response:
    """What is kept of when an appliance is used."""
    check_names(request, ())
    database = request.config_dict[DATABASE]
    return json_response(_habits(await database.read(presence.find_uses_of, _device(request))))


async def forget_habits(request: web.Request) -> web.Response:
    """Delete what is kept; with consent it is learnt anew from now on."""
    check_names(request, ())
    await request.config_dict[DATABASE].write(presence.forget, _device(request))
    return json_response(_habits(None))


def _habits(uses: Any) -> Habits:
    if uses is None:
        return Habits(None, None, None)
    return Habits(list(uses.counts), uses.since_at, uses.until_at)


def _read(connection: Connection, key: Key) -> ShownVisit:
    of = visits.read(connection, key)
    shown = _show(of)
    shown.proposals = [
        ShownSlot(slot.technician, slot.start_at, slot.end_at, slot.p_home)
        for slot in visits.list_proposals(connection, of)
    ]
    return shown


def _show(of: Visit) -> ShownVisit:
    derived: dict[str, Any] = {"ticket": ticket_id(of.device, of.ticket), "proposals": []}
    names = (name for name in ShownVisit.__struct_fields__ if name not in derived)
    return ShownVisit(**{name: getattr(of, name) for name in names}, **derived)


def _device(request: web.Request) -> str:
    return request.match_info["device"]


def _moment(request: web.Request, name: str, otherwise: int) -> int:
    text = request.query.get(name)
    if text is None:
        return otherwise
    if not text.isdecimal() or len(text) > 15:
        raise wrong_parameter(name, text, SPAN[name])
    return int(text)


_VISIT = "/tickets/{ticket}/actions/{n:[0-9]{1,9}}/visit"
_PRESENCE = "/devices/{device:[0-9a-f]{16}}/presence"
OPERATIONS = (
    Operation("GET", "/visits", list_visits, "Visits of a week", VisitList, query=SPAN),
    Operation(
        "GET",
        "/visits/calibration",
        get_calibration,
        "How true P(somebody is home) was",
        ShownCalibration,
    ),
    Operation("GET", _VISIT, get_visit, "A visit, with what was proposed", ShownVisit),
    Operation(
        "POST",
        _VISIT + "/move",
        move_visit,
        "Another time for a visit",
        ShownVisit,
        body=Move,
        problems=("conflict",),
    ),
    Operation(
        "POST",
        _VISIT + "/parts",
        set_parts,
        "When the parts of a visit arrive",
        ShownVisit,
        body=Arrival,
        problems=("conflict",),
    ),
    Operation(
        "POST",
        _VISIT + "/close",
        close_visit,
        "How a visit was",
        ShownVisit,
        body=NewClosing,
        problems=("conflict",),
    ),
    Operation("GET", _PRESENCE, get_habits, "What is kept of an appliance's use", Habits),
    Operation("DELETE", _PRESENCE, forget_habits, "Forget an appliance's use", Habits),
)
