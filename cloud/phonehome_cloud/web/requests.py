"""Each request of the desk API has an id, which its log lines, its answer and its span carry."""

import re
import secrets
import time
from collections.abc import Awaitable, Callable

from aiohttp import web

from phonehome_cloud.logs import about
from phonehome_cloud.tracing import TRACER

from .health import METRICS

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
HEADER = "X-Request-Id"
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_ID_BYTES = 8
UNKNOWN = "other"


@web.middleware
async def note_request(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Name the request, time it, and trace it where that is wanted."""
    given = request.headers.get(HEADER, "")
    name = given if _ID.fullmatch(given) else secrets.token_hex(_ID_BYTES)
    started_s = time.perf_counter()
    subjects = {"request": name}
    if "device" in request.match_info:
        subjects["device"] = request.match_info["device"]
    with about(**subjects):
        response = await _traced(request, handler, name)
    response.headers[HEADER] = name
    took_s = time.perf_counter() - started_s
    route = route_of(request)
    method = request.method if route != UNKNOWN else UNKNOWN  # clients may invent methods
    request.config_dict[METRICS].time_request(method, route, response.status, took_s)
    return response


async def _traced(request: web.Request, handler: Handler, name: str) -> web.StreamResponse:
    tracer = request.config_dict.get(TRACER)
    if tracer is None:
        return await handler(request)
    with tracer.span(f"{request.method} {route_of(request)}", request.headers) as span:
        response = await handler(request)
        span.set_attribute("http.response.status_code", response.status)
        span.set_attribute("phonehome.request", name)
        return response


def route_of(request: web.Request) -> str:
    """The pattern of the path, so that there are as many as operations and not as devices."""
    resource = request.match_info.route.resource
    return UNKNOWN if resource is None else resource.canonical
