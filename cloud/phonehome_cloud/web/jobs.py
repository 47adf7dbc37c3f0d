"""The technician's page: the job sheet with its charts, and how it was; by a letter's link."""

import functools
from collections.abc import Mapping

from aiohttp import web
from sqlalchemy import Connection

from phonehome_cloud.clock import now_ms
from phonehome_cloud.core.acting.price_words import tell_technician
from phonehome_cloud.core.acting.pricing import TERMS
from phonehome_cloud.core.visiting import sheet_words
from phonehome_cloud.core.visiting.closing import Closing
from phonehome_cloud.core.visiting.sheet import Sheet, write_text
from phonehome_cloud.core.visiting.visit import Visit
from phonehome_cloud.errors import GoneError
from phonehome_cloud.store import links, people, visit_answers, visit_letters, visits
from phonehome_cloud.store.visit_sheets import read_sheet
from phonehome_product import Product
from phonehome_product.model import Fault

from . import charts
from .forms import read_form
from .parts import DATABASE, LOOK_AFTER, PRODUCTS
from .problems import ProblemError
from .rendering import RENDER
from .showing import TicketDetail, read_detail
from .visit_pages import told
from .visit_words import clock, known_language, moment

routes = web.RouteTableDef()

_PART = "part:"
Products = Mapping[str, Product]
Job = tuple[Visit, Sheet, TicketDetail, str]  # the last is the technician's language


@routes.get("/j/{token}")
@told
async def show(request: web.Request) -> web.StreamResponse:
    """The job sheet, and a form to close the job with."""
    token, products = request.match_info["token"], request.app[PRODUCTS]
    job = await request.app[DATABASE].read(_read, token, products, now_ms())
    return _render(request, job)


@routes.get("/j/{token}/sheet.txt")
@told
async def show_text(request: web.Request) -> web.StreamResponse:
    """The job sheet for paper."""
    token, products = request.match_info["token"], request.app[PRODUCTS]
    _, sheet, _, language = await request.app[DATABASE].read(_read, token, products, now_ms())
    return web.Response(text=write_text(sheet, language), headers={"Cache-Control": "no-store"})


@routes.post("/j/{token}")
@told
async def close(request: web.Request) -> web.StreamResponse:
    """How it was."""
    form = await read_form(request)
    products, token = request.app[PRODUCTS], request.match_info["token"]

    def write(connection: Connection) -> None:
        now_at = now_ms()
        of, technician = _open(connection, token, now_at)
        who = f"technician:{technician}"
        find_fault = visit_answers.finder(products)
        visit_answers.close(connection, of.key, read_closing(form), who, find_fault, now_at)

    try:
        await request.app[DATABASE].write(write)
    except ValueError as error:
        raise ProblemError("invalid-body", str(error)) from None
    request.app[LOOK_AFTER]()
    raise web.HTTPSeeOther(request.path)


def read_closing(form: Mapping[str, str]) -> Closing:
    """What the form says; ValueError for what is no number."""
    parts = {
        name.removeprefix(_PART): _number(name, text)
        for name, text in form.items()
        if name.startswith(_PART) and text not in {"", "0"}
    }
    return Closing(
        is_fixed=form.get("result") == "fixed",
        cause=form.get("cause") or None,
        parts=parts,
        minutes=_number("minutes", form.get("minutes") or "0"),
        text=form.get("text", "").strip(),
        nobody_home=form.get("result") == "nobody_home",
    )


def _number(name: str, text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 4:
        raise ValueError(f"{name} = {text[:20]!r}: want a number")
    return int(text)


def _open(connection: Connection, token: str, now_at: int) -> tuple[Visit, str]:
    """(visit, technician) of a token; GoneError when somebody else drives now."""
    subject = links.open(connection, token, visit_letters.JOB_PAGE, now_at)
    technician, key = visit_letters.read_subject(subject)
    of = visits.read(connection, key)
    if of.technician != technician or of.state not in {"booked", "closed"}:
        raise GoneError("this job is not yours any more")
    return of, technician


def _read(connection: Connection, token: str, products: Products, now_at: int) -> Job:
    of, technician = _open(connection, token, now_at)
    known = people.find_technician(connection, technician)
    detail = read_detail(connection, products, of.device, of.ticket)
    language = known_language(known.language if known else "")
    return of, read_sheet(connection, of, now_at), detail, language


def _render(request: web.Request, job: Job) -> web.StreamResponse:
    of, sheet, detail, language = job
    product = request.app[PRODUCTS].get(detail.product or "")
    fault = product.find_fault(detail.spn, detail.fmi) if product else None
    frame = detail.freeze_frames[0] if detail.freeze_frames else None
    say = functools.partial(product.say, language=language) if product else str
    t = {**sheet_words.words_of(language), **_WORDS[language]}
    drawn = charts.draw_frame(frame) if frame else []
    looked_at = _channels(product, fault)
    near_charts = [one for one in drawn if one.is_fault or one.channel in looked_at]
    near = {number for action in fault.actions for number in action.parts} if fault else set()
    near |= {part.part for part in sheet.parts}
    parts = [(part.number, say(part.title)) for part in product.parts] if product else []
    return request.app[RENDER](
        "job.html",
        t=t,
        language=language,
        sheet=sheet,
        say=say,
        price=tell_technician(of.about[TERMS], language, say),
        is_open=of.is_booked,
        closing=of.closing,
        when=f"{moment(sheet.start_at, sheet.zone, language)}"
        f" \N{EN DASH} {clock(sheet.end_at, sheet.zone)}",
        causes=[{"title": title, "percent": f"{p:.0%}", "p": p} for title, p in sheet.causes],
        history=[
            (moment(past.at, sheet.zone, language), past.tell(language, say))
            for past in sheet.history
        ],
        older=t["more"].format(count=sheet.older) if sheet.older else "",
        # On a phone: what the fault is judged by and mended with, and the rest when it is wanted.
        charts=near_charts,
        more_charts=[chart for chart in drawn if chart not in near_charts],
        codes=[(cause.id, say(cause.title)) for cause in fault.causes] if fault else [],
        parts=[part for part in parts if part[0] in near],
        more_parts=[part for part in parts if part[0] not in near],
        text=f"{request.path}/sheet.txt",
    )


def _channels(product: Product | None, fault: Fault | None) -> set[int]:
    """The channels that a fault is judged by; every one when nobody knows."""
    if product is None or fault is None:
        return set(range(256))  # a byte on the wire
    names = {fault.rule.sensor, fault.rule.other}
    names |= {gate.sensor for gate in fault.rule.when}
    names |= {evidence.sensor for evidence in fault.evidence}
    return {sensor.channel for sensor in product.sensors if sensor.name in names}


_WORDS = {
    "en": {
        "more_charts": "All other channels",
        "more_parts": "Other parts that you used",
        "paper": "For paper",
        "price": "What the owner pays",
        "close": "How was it?",
        "cause": "What was wrong",
        "unknown": "none of these, or nothing found",
        "used": "used",
        "minutes": "Minutes",
        "text": "What the next one should know",
        "done": "Close the job",
        "closed": "The job is closed.",
    },
    "de": {
        "more_charts": "Alle anderen Kanäle",
        "more_parts": "Andere Teile, die Sie verbraucht haben",
        "paper": "Für Papier",
        "price": "Was der Besitzer zahlt",
        "close": "Wie war es?",
        "cause": "Was war es",
        "unknown": "nichts davon, oder nichts gefunden",
        "used": "verbraucht",
        "minutes": "Minuten",
        "text": "Was der Nächste wissen sollte",
        "done": "Auftrag abschließen",
        "closed": "Der Auftrag ist abgeschlossen.",
    },
}
