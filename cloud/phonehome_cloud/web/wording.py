"""The words of pages for people without a login, in their language.

`pages/words/<language>/<page>.toml` holds what a page says; `common.toml` what all of them say.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from aiohttp import web

FOLDER: Final = Path(__file__).parents[1] / "pages" / "words"
DEFAULT: Final = "en"
COMMON: Final = "common"


@cache
def languages() -> tuple[str, ...]:
    """Those that there are words in."""
    return tuple(sorted(path.name for path in FOLDER.iterdir() if path.is_dir()))


@cache
def words(language: str, page: str) -> Mapping[str, Any]:
    """What a page says in a language, with what all pages say."""
    found: dict[str, Any] = {}
    for name in (COMMON, page):
        found |= tomllib.loads((FOLDER / language / f"{name}.toml").read_text("utf-8"))
    return MappingProxyType(found)


def language_of(request: web.Request, known: str = "") -> str:
    """The one that was asked for by `?lang=`, else the known one, else the browser's first."""
    for name in (request.query.get("lang", ""), known, *_accepted(request)):
        plain = name.lower().partition("-")[0]
        if plain in languages():
            return plain
    return DEFAULT


def _accepted(request: web.Request) -> list[str]:
    """The languages of Accept-Language, the dearest first (RFC 9110 12.5.4)."""
    found: list[tuple[float, str]] = []
    for item in request.headers.get("Accept-Language", "")[:200].split(","):
        name, _, weight = item.partition(";q=")
        try:
            found.append((-float(weight or 1), name.strip()))
        except ValueError:
            continue
    return [name for _, name in sorted(found, key=lambda each: each[0])]
