"""An owner's own page: what is known of them, to look at, take along, change and erase."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from aiohttp import web
from sqlalchemy import Connection

from phonehome_cloud.clock import now_ms
from phonehome_cloud.core.people import kinds
from phonehome_cloud.core.people.consents import CONSENTS
from phonehome_cloud.core.people.owners import Owner
from phonehome_cloud.errors import NotFoundError
from phonehome_cloud.store import directory, links, owners, people
from phonehome_cloud.store.claiming import MY_PAGE, let_go
from phonehome_cloud.store.dispatching import UNSUBSCRIBE
from phonehome_cloud.store.handing import erase_owner

from .forms import read_form
from .logins import check_same_site
from .open_pages import opened, say, show
from .parts import DATABASE, PRODUCTS
from .people_archives import find_owner_data, send_archive
from .persons import PERSON, read_person, zones
from .problems import ProblemError
from .wording import language_of, languages, words

_PATH: Final = "/my/{token}"
_WISHES_MS: Final = 86_400_000
_LIMIT: Final = 200  # appliances of one owner on their page

routes = web.RouteTableDef()


@routes.get(_PATH)
@opened
async def show_my_page(request: web.Request) -> web.StreamResponse:
    """What is known of who holds the link."""
    return await _show(request, is_saved=False)


async def _show(
    request: web.Request,
    *,
    is_saved: bool,
    given: Mapping[str, str] | None = None,
    wrong: Collection[str] = (),
) -> web.Response:
    token = request.match_info["token"]
    owner, appliances = await request.app[DATABASE].read(_load, token, now_ms())
    products, language = request.app[PRODUCTS], language_of(request, owner.language)
    for one in appliances:
        product = products.get(one["product"] or "")
        title = product.say(product.title, language) if product else one["product"]
        one["title"] = title or one["device"]
    return show(
        request,
        "my.html",
        "my",
        known=owner.language,
        status=422 if wrong else 200,
        path=f"/my/{token}",
        given=given or {name: getattr(owner, name) or "" for name in PERSON},
        wrong=wrong,
        zones=zones(),
        owner=owner,
        # One that nothing is written in is kept until another is chosen.
        names={owner.language: owner.language} | {n: words(n, "my")["name"] for n in languages()},
        appliances=appliances,
        is_saved=is_saved,
    )


def _load(connection: Connection, token: str, now_at: int) -> tuple[Owner, list[dict[str, Any]]]:
    owner = _expect(connection, token, now_at)
    wanted = {"owner": owner.id}
    return owner, directory.list_after(connection, kinds.APPLIANCES, wanted, "", _LIMIT)


def _expect(connection: Connection, token: str, now_at: int) -> Owner:
    """Whose page this is; NotFoundError when they are erased."""
    name = links.open(connection, token, MY_PAGE, now_at).removeprefix("owner:")
    owner = people.find_owner_by_id(connection, name)
    if owner is None:
        raise NotFoundError("there is no such owner any more")
    return owner


@routes.post(_PATH)
@opened
async def change(request: web.Request) -> web.StreamResponse:
    """Other consents, an appliance that is no longer theirs, or everything erased."""
    check_same_site(request)
    form = dict(await read_form(request))
    token = request.match_info["token"]
    if form.get("do") == "wishes":
        raise web.HTTPSeeOther(await request.app[DATABASE].write(_open_wishes, token, now_ms()))
    doing = _STEPS.get(form.get("do", ""))
    if doing is None or (doing in _FOR_GOOD and form.get("sure") != "yes"):
        raise ProblemError("invalid-body", "use a button of the page")
    if doing is _tell and (wrong := read_person(_typed(form))[1]):
        return await _show(request, is_saved=False, given=_typed(form), wrong=wrong)
    language = await request.app[DATABASE].write(_change, token, doing, form, now_ms())
    if doing is _erase:
        return say(request, "my", "erased_title", ("erased",), known=language)
    if doing is _release and not await request.app[DATABASE].read(_is_open, token, now_ms()):
        return say(request, "my", "erased_title", ("erased",), known=language)
    return await _show(request, is_saved=True)


def _open_wishes(connection: Connection, token: str, now_at: int) -> str:
    """The path of their page of wishes for letters, under a token of its own."""
    to = f"owner:{_expect(connection, token, now_at).id}"
    return "/u/" + links.make(connection, UNSUBSCRIBE, to, now_at + _WISHES_MS)


def _change(connection: Connection, token: str, doing: Any, form: dict[str, str], at: int) -> str:
    owner = _expect(connection, token, at)
    doing(connection, owner, form, at)
    return owner.language


def _is_open(connection: Connection, token: str, now_at: int) -> bool:
    """Whether there is still somebody behind the link: without an appliance there is not."""
    try:
        _expect(connection, token, now_at)
    except NotFoundError:
        return False
    return True


def _consent(connection: Connection, owner: Owner, form: dict[str, str], now_at: int) -> None:
    given = [name for name in CONSENTS if form.get(f"consent_{name}") == "yes"]
    values = {"consents": tuple(given)}
    owners.change(connection, owner.id, values, f"owner:{owner.id}", now_at)


def _tell(connection: Connection, owner: Owner, form: dict[str, str], now_at: int) -> None:
    values, _ = read_person(_typed(form))
    if form.get("language") in languages():
        values["language"] = form["language"]
    owners.change(connection, owner.id, values, f"owner:{owner.id}", now_at)


def _typed(form: Mapping[str, str]) -> dict[str, str]:
    return {name: form.get(name, "").strip() for name in PERSON}


def _release(connection: Connection, owner: Owner, form: dict[str, str], now_at: int) -> None:
    device = form.get("device", "")
    found = people.find_owner(connection, device)
    if found is None or found.id != owner.id:
        raise NotFoundError("this appliance is not theirs")
    let_go(connection, device, now_at)


def _erase(connection: Connection, owner: Owner, _form: dict[str, str], now_at: int) -> None:
    wanted = {"owner": owner.id}
    for one in directory.list_after(connection, kinds.APPLIANCES, wanted, "", _LIMIT):
        let_go(connection, one["device"], now_at)
    if people.find_owner_by_id(connection, owner.id) is not None:
        erase_owner(connection, owner.id, now_at)


_STEPS: Final = {"consents": _consent, "details": _tell, "release": _release, "erase": _erase}
_FOR_GOOD: Final = (_release, _erase)


@routes.get(_PATH + "/export")
@opened
async def export(request: web.Request) -> web.StreamResponse:
    """Everything, as one ZIP."""
    owner = await request.app[DATABASE].read(_expect, request.match_info["token"], now_ms())
    return await send_archive(request, "owner", owner.id, find_owner_data)
