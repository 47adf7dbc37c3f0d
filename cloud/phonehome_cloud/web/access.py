"""Who asks: an API token, in the header of every request of the desk API."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from phonehome_cloud.store import tokens

from .parts import ACTOR, DATABASE
from .problems import ProblemError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_OPEN_PATHS = frozenset(("/api/v1/openapi.json",))
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="phonehome"'}


@web.middleware
async def require_token(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let nobody in without a valid token; its name is then the actor of the request."""
    if request.path not in _OPEN_PATHS:
        request[ACTOR] = await _actor(request)
    return await handler(request)


async def _actor(request: web.Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise ProblemError(
            "unauthenticated", "send `Authorization: Bearer <token>`", headers=_CHALLENGE
        )
    name = await request.config_dict[DATABASE].read(tokens.maybe_name, token.strip())
    if name is None:
        raise ProblemError(
            "unauthenticated",
            "this token is unknown or revoked; "
            "`python -m phonehome_cloud token add NAME` makes one on the receiver's machine",
            headers=_CHALLENGE,
        )
    return f"token:{name}"
