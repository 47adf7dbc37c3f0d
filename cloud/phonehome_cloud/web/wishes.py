"""How an owner wants to be told, opened by the link in a letter: one click leaves the list.

Mail programs leave it for their readers (RFC 8058): they POST without a form of ours, without
cookies and from anywhere, so the token is all that is asked for.
"""

from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web
from sqlalchemy import Connection

from phonehome_cloud.clock import now_ms
from phonehome_cloud.core.people.owners import Owner
from phonehome_cloud.core.telling.timing import parse_minute
from phonehome_cloud.errors import NotFoundError
from phonehome_cloud.store import contacts, links, people
from phonehome_cloud.store.dispatching import UNSUBSCRIBE

from .bodies import TooLargeError, TooSlowError, read_body
from .forms import read_form
from .open_pages import opened, show
from .parts import DATABASE
from .problems import ProblemError, field_error

_PATH: Final = "/u/{token}"
_FORM: Final = "application/x-www-form-urlencoded"
_MAX_BYTES: Final = 4096  # of a POST that is no form: its boundary and one field
_WITHIN_S: Final = 10.0
_MAX_CAP: Final = 100

routes = web.RouteTableDef()


@routes.get(_PATH)
@opened
async def show_wishes(request: web.Request) -> web.StreamResponse:
    """Whether they get notices, and when; nothing changes by looking."""
    token = request.match_info["token"]
    owner, wishes = await request.app[DATABASE].read(_load, token, now_ms())
    return _show(request, owner, wishes, is_saved=False)


@routes.post(_PATH)
@opened
async def change_wishes(request: web.Request) -> web.StreamResponse:
    """Leave, come back, or other hours; what is no form of ours leaves."""
    form: Mapping[str, str] = {}
    if request.content_type == _FORM:
        form = await read_form(request)
    else:
        await _drop_body(request)
    values = _read(form, now_ms())
    token = request.match_info["token"]
    owner, wishes = await request.app[DATABASE].write(_change, token, values, now_ms())
    return _show(request, owner, wishes, is_saved=True)


def _show(
    request: web.Request, owner: Owner, wishes: Mapping[str, Any], *, is_saved: bool
) -> web.Response:
    return show(
        request,
        "wishes.html",
        "wishes",
        known=owner.language,
        path=request.path,
        has_left=wishes.get("unsubscribed_at") is not None,
        daily_cap=wishes.get("daily_cap"),
        max_cap=_MAX_CAP,
        is_saved=is_saved,
        quiet_from=_clock(wishes.get("quiet_from")),
        quiet_until=_clock(wishes.get("quiet_until")),
    )


def _load(connection: Connection, token: str, now_at: int) -> tuple[Owner, Mapping[str, Any]]:
    to = links.open(connection, token, UNSUBSCRIBE, now_at)
    owner = people.find_owner_by_id(connection, to.removeprefix("owner:"))
    if owner is None:
        raise NotFoundError("there is no such owner any more")
    return owner, contacts.load_wish(connection, to)


def _change(
    connection: Connection, token: str, values: Mapping[str, Any], now_at: int
) -> tuple[Owner, Mapping[str, Any]]:
    owner, _ = _load(connection, token, now_at)
    contacts.wish(connection, f"owner:{owner.id}", values, now_at)
    return _load(connection, token, now_at)


def _read(form: Mapping[str, str], now_at: int) -> dict[str, Any]:
    """The columns that a form changes."""
    doing = form.get("do", "leave")
    if doing in {"leave", "back"}:
        return {"unsubscribed_at": now_at if doing == "leave" else None}
    quiet = {name: _minute(form, name) for name in ("quiet_from", "quiet_until")}
    if None in quiet.values():
        quiet = dict.fromkeys(quiet)
    return {**quiet, "daily_cap": _cap(form.get("daily_cap", ""))}


def _minute(form: Mapping[str, str], name: str) -> int | None:
    try:
        return parse_minute(form[name]) if form.get(name) else None
    except ValueError:
        raise _wrong(name, form[name], "want HH:MM, or both empty") from None


def _cap(text: str) -> int | None:
    if text == "":
        return None
    if not (text.isdecimal() and len(text) <= 3 and 1 <= int(text) <= _MAX_CAP):
        raise _wrong("daily_cap", text, f"want 1 to {_MAX_CAP}, or empty")
    return int(text)


def _wrong(name: str, value: str, fix: str) -> ProblemError:
    return ProblemError("invalid-body", f"{name} is wrong", field_error(name, value, fix))


def _clock(minute: int | None) -> str:
    return "" if minute is None else f"{minute // 60:02}:{minute % 60:02}"


async def _drop_body(request: web.Request) -> None:
    try:
        await read_body(request, _MAX_BYTES, _WITHIN_S)
    except TooLargeError:
        raise ProblemError("too-large", f"at most {_MAX_BYTES} bytes") from None
    except TooSlowError:
        raise ProblemError("timeout", "send it again") from None
