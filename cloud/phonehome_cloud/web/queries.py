"""Query parameters and paths: each is checked, and one that nobody knows is refused."""

import re
from collections.abc import Collection, Mapping

from aiohttp import web

from phonehome_cloud.core.caring import ActionKey
from phonehome_cloud.core.tickets import STATES, parse_ticket_id
from phonehome_cloud.store.listing import TicketFilter
from phonehome_product.vocabulary import SEVERITIES

from .problems import ProblemError, field_error

PAGING = {
    "limit": "items on a page, 1 to 200; 50 when absent",
    "cursor": "`next` of the page before",
}
TICKET_FILTERS = {
    "state": f"{', '.join(STATES)}; several with commas",
    "device": "16 lower-case hex digits",
    "fault": "a fault code as in E21, or `spn.fmi` as in 520201.7",
    "severity": f"this bad or worse: {', '.join(SEVERITIES)}",
}
_DEVICE = re.compile(r"[0-9a-f]{16}", re.ASCII)
_FAULT = re.compile(r"(?:(\d{1,6})\.(\d{1,2})|([A-Z][A-Z0-9]{0,7}))", re.ASCII)


def check_names(request: web.Request, known: Collection[str]) -> None:
    """ProblemError for a parameter that this operation does not have, or has twice."""
    for name in request.query:
        if name not in known:
            fix = f"leave it out; known: {', '.join(sorted(known)) or 'none'}"
            raise wrong_parameter(name, request.query[name], fix)
        if len(request.query.getall(name)) > 1:
            raise wrong_parameter(name, request.query[name], "give it once")


def read_ticket_filter(query: Mapping[str, str]) -> TicketFilter:
    """The tickets that are wanted; ProblemError names the parameter that is wrong."""
    spn, fmi, code = _read_fault(query.get("fault"))
    return TicketFilter(
        states=_read_states(query.get("state")),
        device=read_device(query.get("device")),
        code=code,
        spn=spn,
        fmi=fmi,
        severity_max=_read_severity(query.get("severity")),
    )


def _read_states(text: str | None) -> tuple[str, ...]:
    if text is None:
        return ()
    states = tuple(text.split(","))
    if not set(states) <= set(STATES):
        raise wrong_parameter("state", text, TICKET_FILTERS["state"])
    return states


def read_device(text: str | None) -> str | None:
    """A device in a query; ProblemError when it can be none."""
    if text is not None and not _DEVICE.fullmatch(text):
        raise wrong_parameter("device", text, TICKET_FILTERS["device"])
    return text


def _read_fault(text: str | None) -> tuple[int | None, int | None, str | None]:
    if text is None:
        return None, None, None
    match = _FAULT.fullmatch(text)
    if match is None:
        raise wrong_parameter("fault", text, TICKET_FILTERS["fault"])
    if match[3]:
        return None, None, match[3]
    return int(match[1]), int(match[2]), None


def _read_severity(text: str | None) -> int | None:
    if text is None:
        return None
    if text not in SEVERITIES:
        raise wrong_parameter("severity", text, TICKET_FILTERS["severity"])
    return SEVERITIES.index(text)


def wrong_parameter(name: str, value: str, fix: str) -> ProblemError:
    """The refusal of a parameter, with what it should hold."""
    return ProblemError("bad-parameter", f"{name} is wrong", field_error(name, value, fix))


def read_action(request: web.Request) -> ActionKey:
    """The action that a path names; NotFoundError when its ticket can be none."""
    ticket = parse_ticket_id(request.match_info["ticket"])
    return ActionKey(*ticket, int(request.match_info["n"]))
