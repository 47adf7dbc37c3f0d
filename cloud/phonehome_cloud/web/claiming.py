"""Where an owner claims their appliance: `/claim#DEVICE.CODE`, as its label says."""

import logging
from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web
from sqlalchemy import Connection

from phonehome_cloud.clock import now_ms
from phonehome_cloud.core.labels import maybe_code
from phonehome_cloud.core.people.consents import CONSENTS
from phonehome_cloud.errors import ConflictError
from phonehome_cloud.store import claiming, devices, links
from phonehome_cloud.store.claiming import HAND_OVER

from .forms import read_form
from .logins import check_same_site
from .open_pages import opened, say, show
from .parts import CLAIM_PAGE_LIMIT, DATABASE, PRODUCTS, VAULT
from .persons import PERSON, read_person, zones
from .problems import ProblemError
from .wording import language_of

_LOG = logging.getLogger(__name__)
# One script of ours reads what stands behind # on the label.
_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_DEVICE_CHARS: Final = 16
_FIRST_ZONES: Final = {"de": "Europe/Berlin"}

routes = web.RouteTableDef()


@routes.get("/claim")
@opened
async def show_claim(request: web.Request) -> web.StreamResponse:
    """The form; the script puts device and code into it."""
    given = dict.fromkeys(("device", "code", *PERSON), "")
    given["zone"] = _FIRST_ZONES.get(language_of(request), "UTC")
    return _form(request, given, frozenset(), status=200, is_sent=False)


@routes.post("/claim")
@opened
async def claim(request: web.Request) -> web.StreamResponse:
    """It is theirs, or who has it is asked; a wrong code costs a try."""
    check_same_site(request)
    form = await read_form(request)
    given = {name: form.get(name, "").strip() for name in ("device", "code", *PERSON)}
    given |= {f"consent_{name}": form.get(f"consent_{name}", "") for name in CONSENTS}
    device = given["device"].lower().replace("-", "").replace(" ", "")
    _take(request, request.remote or "")
    _take(request, device)
    values, wrong = _read(request, given)
    database, vault = request.app[DATABASE], request.app[VAULT]
    code = maybe_code(given["code"])
    if not await database.read(claiming.proves, vault, device, code or ""):
        wrong.add("code")
    if wrong:
        return _form(request, given, wrong, status=422, is_sent=True)
    try:
        done = await database.write(claiming.claim, device, values, now_ms())
    except ConflictError:
        return say(request, "claim", "busy_title", ("busy",), status=409)
    _LOG.info("device %s was claimed: %s", device, done.state)
    lines = ("yours", "yours_mail") if done.state == claiming.YOURS else ("asked",)
    link = ("page", done.page) if done.page else None
    return say(
        request,
        "claim",
        f"{done.state}_title",
        lines,
        link=link,
        device=device,
        mail=str(values["mail"]),
    )


def _take(request: web.Request, key: str) -> None:
    """Codes cannot be guessed, from one address or many."""
    if wait_s := request.app[CLAIM_PAGE_LIMIT].take(key):
        headers = {"Retry-After": str(int(wait_s) + 1)}
        raise ProblemError("too-many-requests", "wait a little and try again", headers=headers)


def _read(request: web.Request, given: Mapping[str, str]) -> tuple[dict[str, Any], set[str]]:
    """The values of an owner, and the fields that are wrong."""
    values, wrong = read_person(given)
    values["consents"] = tuple(name for name in CONSENTS if given[f"consent_{name}"])
    values["language"] = language_of(request)
    if len(given["device"].replace("-", "").replace(" ", "")) != _DEVICE_CHARS:
        wrong.add("device")
    return values, wrong


def _form(
    request: web.Request,
    given: Mapping[str, str],
    wrong: frozenset[str] | set[str],
    *,
    status: int,
    is_sent: bool,
) -> web.Response:
    checks = {f"consent_{name}": "" for name in CONSENTS}
    response = show(
        request,
        "claim.html",
        "claim",
        status=status,
        given=checks | dict(given),
        wrong=wrong,
        zones=zones(),
        is_sent=is_sent,
    )
    response.headers["Content-Security-Policy"] = _POLICY
    return response


_HAND_OVER = "/claim/hand-over/{token}"


@routes.get(_HAND_OVER)
@opened
async def show_hand_over(request: web.Request) -> web.StreamResponse:
    """Whether they gave it away; a link that is only opened changes nothing."""
    token = request.match_info["token"]
    device, name = await request.app[DATABASE].read(_find, token, now_ms())
    product, language = request.app[PRODUCTS].get(name), language_of(request)
    return show(
        request,
        "hand_over.html",
        "hand_over",
        path=f"/claim/hand-over/{token}",
        device=device,
        appliance=product.say(product.title, language) if product else name,
    )


def _find(connection: Connection, token: str, now_at: int) -> tuple[str, str]:
    device = links.open(connection, token, HAND_OVER, now_at)
    return device, devices.expect(connection, device)["product"] or ""


@routes.post(_HAND_OVER)
@opened
async def hand_over(request: web.Request) -> web.StreamResponse:
    """Yes or no, once."""
    check_same_site(request)
    answer = (await read_form(request)).get("do")
    if answer not in {"approve", "refuse"}:
        raise ProblemError("invalid-body", "use a button of the page")
    await request.app[DATABASE].write(_answer, request.match_info["token"], answer, now_ms())
    name = "approved" if answer == "approve" else "refused"
    return say(request, "hand_over", f"{name}_title", (name,))


def _answer(connection: Connection, token: str, answer: str, now_at: int) -> None:
    device = links.spend(connection, token, HAND_OVER, now_at)
    settle = claiming.approve if answer == "approve" else claiming.refuse
    settle(connection, device, now_at)
