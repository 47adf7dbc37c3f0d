"""Ordinary forms of the pages: their fields, or a problem that says what to send."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from aiohttp import web

from .bodies import TooLargeError, TooSlowError, read_body
from .problems import ProblemError

_MAX_FORM_BYTES = 16_384
_FORM_TIMEOUT_S = 10.0
_MAX_FIELDS = 40
# What a field of the type datetime-local has (HTML, "Local dates and times").
_WALL: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?", re.ASCII)


def read_wall(text: str, zone: ZoneInfo) -> int | None:
    """Unix ms of a time as a browser's form sends it, on the clock of a zone; None for one that
    this clock skips, in the night when it is put forward.

    Of a time that it shows twice the first is meant. ValueError for what is no time.
    """
    if not _WALL.fullmatch(text):
        raise ValueError(f"{text[:40]!r}: want a time as in 2026-03-24T09:00")
    wall = datetime.fromisoformat(text)
    try:
        at = int(wall.replace(tzinfo=zone).timestamp() * 1000)
        is_shown = datetime.fromtimestamp(at / 1000, zone).replace(tzinfo=None) == wall
    except OverflowError:
        raise ValueError(f"{text[:40]!r} is no time that can be told") from None
    return at if is_shown else None


async def read_form(request: web.Request) -> Mapping[str, str]:
    """The fields of an ordinary form."""
    if request.content_type != "application/x-www-form-urlencoded":
        raise ProblemError("wrong-content-type", "send the form of this page")
    try:
        body = await read_body(request, _MAX_FORM_BYTES, _FORM_TIMEOUT_S)
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MAX_FIELDS))
    except TooLargeError:
        raise ProblemError("too-large", f"at most {_MAX_FORM_BYTES} bytes") from None
    except TooSlowError:
        raise ProblemError("timeout", "send the form again") from None
    except ValueError:
        raise ProblemError("invalid-body", "send the form of this page") from None
