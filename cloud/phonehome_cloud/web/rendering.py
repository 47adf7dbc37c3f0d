"""Templates in, HTML out, with the headers that every page has."""

from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from aiohttp import web

from phonehome_cloud.clock import now_ms
from phonehome_wire.names import STATUS_NAMES, bit_names

from . import charts
from .frames import scale
from .showing import HistoryEntry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from jinja2 import Environment

STATIC = Path(__file__).parents[1] / "static"
_PAGES = Path(__file__).parents[1] / "pages"
_HEADERS = {
    # No script at all, no inline style, nothing from elsewhere, no form to elsewhere, no frame.
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
}
_STEPS = ((86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute"))
_DOING = {
    "open": "Open again",
    "acknowledged": "Acknowledge",
    "in_progress": "Start work",
    "resolved": "Resolve",
    "closed": "Close",
}
_HEADLINES = {
    "opened": "Opened",
    "repeated": "Confirmed again",
    "recovering": "The device reports recovery",
    "relapsed": "The fault is back",
    "comment": "Comment",
    "diagnosed": "Diagnosed",
    "decided": "Decided",
    "incident": "Part of an incident",
    "asked": "The device was asked",
    "learnt": "Learnt how often each cause is why",
}


class Renderer:
    """Fills templates; every response has the headers of a page."""

    @cached_property
    def _environment(self) -> "Environment":
        # Jinja2: escapes what devices and people wrote, by default. Loaded with the first page or
        # letter: 2 MiB, and a receiver that only takes reports in never needs them.
        from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415

        environment = Environment(
            loader=FileSystemLoader(_PAGES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters |= _FILTERS
        environment.globals |= _GLOBALS
        return environment

    def __call__(self, template: str, status: int = 200, **values: Any) -> web.Response:
        """The page of a template with these values; `name` is who is logged in, if anybody."""
        values = {"now": now_ms(), "name": None} | values
        text = self._environment.get_template(template).render(values)
        return web.Response(text=text, status=status, content_type="text/html", headers=_HEADERS)


RENDER = web.AppKey("render", Renderer)


def ago(at: int, now_at: int) -> str:
    """How long before now a moment was, or how far ahead it is, in the largest unit that fits."""
    passed_ms = now_at - at
    for unit_ms, word in _STEPS:
        count = abs(passed_ms) // unit_ms
        if count:
            span = f"{count} {word}{'s' if count > 1 else ''}"
            return f"{span} ago" if passed_ms > 0 else f"in {span}"
    return "just now" if passed_ms >= 0 else "in a moment"


def headline(entry: HistoryEntry) -> str:
    """What happened, in a few words."""
    if entry.kind == "action" and entry.evidence and entry.to_state:
        what = entry.evidence.get("action") or entry.evidence.get("kind") or "action"
        return f"{_words(what)}: {_words(entry.to_state)}".capitalize()
    if entry.kind == "state" and entry.to_state:
        return f"{(entry.from_state or '').replace('_', ' ')} → {entry.to_state.replace('_', ' ')}"
    return _HEADLINES.get(entry.kind, entry.kind)


def evidence(entry: HistoryEntry) -> list[tuple[str, str]]:
    """What an automatic step looked at, as words and values for people."""
    left = dict(entry.evidence or {})
    found: list[tuple[str, str]] = []
    if {"inc", "boot", "seq"} <= left.keys():
        found.append(("record", f"{left.pop('inc')}/{left.pop('boot')}/{left.pop('seq')}"))
    exp = left.pop("exp", None)
    for name, value in left.items():
        if name in {"value", "limit"}:
            found.append((name, charts.number(scale(value, exp))))
        elif name == "status":
            found.append((name, ", ".join(bit_names(STATUS_NAMES, value)).replace("_", " ")))
        elif name.endswith("_at") and value is not None:
            found.append((_words(name.removesuffix("_at")), _utc(value)))
        else:
            found.append((_words(name), str(value)))
    return found


def person(who: str) -> str:
    """Who it was: the name of a token, or which part of the system."""
    kind, _, name = who.partition(":")
    return name if kind == "token" else f"by {kind}" if kind == "rule" else f"the {kind}"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _utc(at: int) -> str:
    return f"{_moment(at):%Y-%m-%d %H:%M:%S} UTC"


def _moment(at: int) -> datetime:
    return datetime.fromtimestamp(at / 1000, UTC)


_FILTERS = {
    "ago": ago,
    "evidence": evidence,
    "day": lambda at: f"{_moment(at):%Y-%m-%d}",
    "doing": _DOING.__getitem__,
    "headline": headline,
    "iso": lambda at: _moment(at).isoformat(timespec="milliseconds"),
    "person": person,
    "unit": charts.unit_text,
    "utc": _utc,
    "words": _words,
}
_GLOBALS = {
    "width": charts.WIDTH,
    "height": charts.HEIGHT,
    "left": charts.LEFT,
    "right": charts.RIGHT,
    "top": charts.TOP,
    "bottom": charts.BOTTOM,
}
