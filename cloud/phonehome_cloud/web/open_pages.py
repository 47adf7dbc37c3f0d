"""Pages that need no login: for owners, in their language, opened by a link or with a code."""

import functools
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from aiohttp import web

from phonehome_cloud.errors import CloudError

from .problems import KINDS, ProblemError, from_cloud_error
from .rendering import RENDER
from .wording import language_of, languages, words

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

# What each kind of refusal says; the others say that something failed.
_TEXTS: Final = {
    "gone": "gone",
    "not-found": "missing",
    "too-many-requests": "slow",
    "unavailable": "away",
    "internal": "away",
}
# A token stands in the address: it goes nowhere else.
_HEADERS: Final = {"Referrer-Policy": "no-referrer"}


def show(
    request: web.Request,
    template: str,
    page: str,
    *,
    known: str = "",
    status: int = 200,
    **values: Any,
) -> web.Response:
    """A template with the words of a page; `known` is the reader's language, if anybody knows."""
    language = language_of(request, known)
    others = [(n, words(n, page)["name"]) for n in languages() if n != language]
    texts = words(language, page)
    response = request.app[RENDER](
        template, status=status, language=language, others=others, t=texts, **values
    )
    response.headers.update(_HEADERS)
    return response


def say(
    request: web.Request,
    page: str,
    heading: str,
    lines: Sequence[str],
    *,
    known: str = "",
    status: int = 200,
    link: tuple[str, str] | None = None,
    **values: str,
) -> web.Response:
    """A page of a heading and some lines, by their names in the words of the page."""
    texts = words(language_of(request, known), page)
    link_text, href = link or ("", "")
    return show(
        request,
        "open_message.html",
        page,
        known=known,
        status=status,
        heading=texts[heading],
        lines=[texts[name].format(**values) for name in lines],
        link=href,
        link_text=texts[link_text] if link else "",
    )


def opened(handler: Handler) -> Handler:
    """A page whose refusals are pages too, in the reader's language."""

    @functools.wraps(handler)
    async def page(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except CloudError as error:
            return _refuse(request, from_cloud_error(error))
        except ProblemError as error:
            return _refuse(request, error)

    return page


@web.middleware
async def show_missing(request: web.Request, handler: Handler) -> web.StreamResponse:
    """An address that a mail program has cut, or a typing error: a page for who reads pages."""
    try:
        return await handler(request)
    except web.HTTPNotFound:
        is_read = request.method == "GET" and "text/html" in request.headers.get("Accept", "")
        if not is_read:
            raise
    return _refuse(request, ProblemError("not-found", request.path))


def _refuse(request: web.Request, error: ProblemError) -> web.Response:
    name = _TEXTS.get(error.kind, "failed")
    status = KINDS[error.kind][0]
    response = say(request, "common", f"{name}_title", (name,), status=status)
    response.headers.update(error.headers)
    return response
