"""Letters to look at before anybody gets one: each with its sample data, in each language."""

import msgspec
from aiohttp import web

from phonehome_cloud.lettering import Letters, Reader

from .operations import Operation, json_response
from .queries import check_names, wrong_parameter

LETTERS = web.AppKey("letters", Letters)
_LANGUAGE = {"language": "two letters, as in de; the language of the house when absent"}


class LetterKind(msgspec.Struct):
    """A letter that can be written, and in which languages."""

    letter: str
    languages: list[str]


class LetterKinds(msgspec.Struct):
    """All of them, by name."""

    items: list[LetterKind]


class Preview(msgspec.Struct):
    """A letter as its reader would get it."""

    letter: str
    language: str
    subject: str
    text: str
    html: str


async def list_letter_kinds(request: web.Request) -> web.Response:
    """Every letter that can be written."""
    check_names(request, ())
    letters = request.config_dict[LETTERS]
    languages = list(letters.languages)
    return json_response(LetterKinds([LetterKind(name, languages) for name in letters.templates]))


async def preview_letter(request: web.Request) -> web.Response:
    """One of them with its sample data; nothing is sent."""
    check_names(request, _LANGUAGE)
    letters, name = request.config_dict[LETTERS], request.match_info["letter"]
    language = request.query.get("language", letters.default)
    if language not in letters.languages:
        raise wrong_parameter("language", language, f"one of {', '.join(letters.languages)}")
    sample = letters.sample(name)
    reader = Reader("Alex Sample", language, "UTC", letters.house.url + "/u/sample")
    letter = letters.write(name, sample, reader)
    return json_response(Preview(name, letter.language, letter.subject, letter.text, letter.html))


OPERATIONS = (
    Operation("GET", "/letters", list_letter_kinds, "Letters that can be written", LetterKinds),
    Operation(
        "GET",
        "/letters/{letter:[a-z][a-z0-9_]{0,63}}",
        preview_letter,
        "Look at a letter",
        Preview,
        query=_LANGUAGE,
    ),
)
