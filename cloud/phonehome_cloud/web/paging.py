"""Keyset paging: a page knows where it ended, so that it costs the same at any depth."""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from typing import Any

from phonehome_wire.limits import MAX_INT

from .problems import ProblemError, field_error

DEFAULT_LIMIT = 50
MAX_LIMIT = 200
_MAX_CURSOR_CHARS = 256


def read_limit(query: Mapping[str, str]) -> int:
    """How many items the client wants; ProblemError when that is no number from 1 to 200."""
    text = query.get("limit", str(DEFAULT_LIMIT))
    if not (text.isascii() and text.isdigit() and len(text) <= 3 and 1 <= int(text) <= MAX_LIMIT):
        fix = f"a whole number from 1 to {MAX_LIMIT}"
        raise ProblemError("bad-parameter", "limit is wrong", field_error("limit", text, fix))
    return int(text)


def read_cursor(query: Mapping[str, str], listing: str, *types: type) -> tuple[Any, ...] | None:
    """Where the previous page of `listing` ended; None on the first page.

    ProblemError when the cursor is not one that `write_cursor` made for this listing.
    """
    text = query.get("cursor")
    if text is None:
        return None
    name, *values = _decode(text) or [""]
    if name != listing or [type(value) for value in values] != list(types):
        raise bad_cursor(text)
    if any(isinstance(value, int) and abs(value) > MAX_INT for value in values):
        raise bad_cursor(text)
    return tuple(values)


def bad_cursor(text: str) -> ProblemError:
    """The refusal of a cursor that `write_cursor` did not make."""
    fix = "the `next` of the page before, unchanged"
    return ProblemError("bad-parameter", "cursor is wrong", field_error("cursor", text, fix))


def write_cursor(listing: str, *values: str | int) -> str:
    """The cursor that continues `listing` after an item with these sort values."""
    data = json.dumps([listing, *values], separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def page(items: Sequence[Any], following: str | None) -> dict[str, Any]:
    """The body of every listing: the items, and the cursor of the next page or null."""
    return {"items": items, "next": following}


def _decode(text: str) -> list[Any] | None:
    if len(text) > _MAX_CURSOR_CHARS:
        return None
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        data = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        return None
    return data if isinstance(data, list) else None
