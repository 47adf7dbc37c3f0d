"""What went wrong, told in one shape: problem details of RFC 9457.

Every error body of the desk API has exactly `type`, `title`, `status`, `detail` and `errors`.
`errors` is a list of {field, value, fix}; it is empty when no field of the request is to blame.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
from aiohttp import web

from phonehome_cloud.errors import (
    CloudError,
    ConflictError,
    GoneError,
    NotFoundError,
    OverloadedError,
    StoreUnavailableError,
    TransitionError,
)

_LOG = logging.getLogger(__name__)
CONTENT_TYPE = "application/problem+json"
DOCUMENT = "/problems#"  # a page of the receiver lists them all
_MAX_SHOWN = 80  # characters of a refused value that are shown back

# kind -> (HTTP status, title)
KINDS: dict[str, tuple[int, str]] = {
    "bad-parameter": (400, "A parameter of the address is wrong"),
    "malformed-json": (400, "The body is not JSON"),
    "unauthenticated": (401, "An API token is needed"),
    "cross-site": (403, "The form came from another site"),
    "not-found": (404, "There is no such thing here"),
    "method-not-allowed": (405, "This cannot be done here"),
    "timeout": (408, "The request took too long to arrive"),
    "conflict": (409, "Its state does not allow this"),
    "illegal-transition": (409, "The ticket cannot change like this"),
    "gone": (410, "It was there, and is over"),
    "too-large": (413, "The body is too large"),
    "wrong-content-type": (415, "The body has the wrong content type"),
    "invalid-body": (422, "A field of the body is wrong"),
    "too-many-requests": (429, "Too many requests"),
    "internal": (500, "The receiver failed"),
    "unavailable": (503, "The receiver cannot do this now"),
}
_BY_STATUS = {404: "not-found", 405: "method-not-allowed", 413: "too-large"}
# What the rooms below raise on purpose; the first class that fits decides.
_BY_ERROR: tuple[tuple[type[CloudError], str], ...] = (
    (GoneError, "gone"),
    (NotFoundError, "not-found"),
    (TransitionError, "illegal-transition"),
    (ConflictError, "conflict"),
    (StoreUnavailableError, "unavailable"),
    (OverloadedError, "unavailable"),
    (CloudError, "internal"),
)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ProblemError(Exception):
    """A refusal that its client can read; `kind` is one of KINDS."""

    def __init__(
        self,
        kind: str,
        detail: str,
        *errors: Mapping[str, Any],
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.errors = list(errors)
        self.headers = dict(headers or {})


def field_error(field: str, value: object, fix: str) -> dict[str, Any]:
    """One entry of `errors`: which field, what it held, what it should hold."""
    return {"field": field, "value": shorten(value), "fix": fix}


def shorten(value: object) -> object:
    """A refused value, cut so that an answer never grows with the request."""
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else str(value)
    return text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 1] + "…"


def problem_body(kind: str, detail: str, errors: list[dict[str, Any]]) -> bytes:
    """The JSON of one problem."""
    status, title = KINDS[kind]
    return msgspec.json.encode(
        {
            "type": DOCUMENT + kind,
            "title": title,
            "status": status,
            "detail": detail,
            "errors": errors,
        }
    )


def problem_response(error: ProblemError) -> web.Response:
    """The answer that tells a refusal."""
    response = web.Response(
        status=KINDS[error.kind][0],
        body=problem_body(error.kind, error.detail, [dict(e) for e in error.errors]),
        headers=error.headers,
        content_type=CONTENT_TYPE,
    )
    if response.status in {408, 413}:
        response.force_close()  # the rest of the body is of no interest
    return response


def from_http_error(error: web.HTTPException) -> ProblemError:
    """The same refusal in our shape, when aiohttp's own routing refused."""
    kind = _BY_STATUS.get(error.status, "internal")
    if kind == "method-not-allowed":
        return ProblemError(
            kind, f"allowed: {error.headers['Allow']}", headers={"Allow": error.headers["Allow"]}
        )
    return ProblemError(kind, error.text or error.reason)


def from_cloud_error(error: CloudError) -> ProblemError:
    """The same refusal in our shape, when a room below refused."""
    kind = next(kind for class_, kind in _BY_ERROR if isinstance(error, class_))
    if kind == "internal":
        _LOG.error("%s", error)
        return ProblemError(kind, "the cause is in the receiver's log")
    retry_after_s = getattr(error, "retry_after_s", None)
    headers = {"Retry-After": str(retry_after_s)} if retry_after_s is not None else None
    return ProblemError(kind, str(error), headers=headers)


@web.middleware
async def tell_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every refusal below this point into problem+json."""
    try:
        return await handler(request)
    except ProblemError as error:
        return problem_response(error)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return problem_response(from_http_error(error))
    except CloudError as error:
        return problem_response(from_cloud_error(error))
    except Exception:  # noqa: BLE001 - outermost: the client gets our shape, the log the cause
        _LOG.exception("%s %s failed", request.method, request.path)
        return problem_response(ProblemError("internal", "the cause is in the receiver's log"))
