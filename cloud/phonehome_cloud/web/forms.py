"""Ordinary forms of the pages: their fields, or a problem that says what to send."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from aiohttp import web

from .bodies import TooLargeError, TooSlowError, read_body
from .problems import ProblemError

_MAX_FORM_BYTES = 16_384
_FORM_TIMEOUT_S = 10.0
_MAX_FIELDS = 40


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
