"""One row per operation of the desk API: it is routed, documented and tested from here."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiohttp import web


@dataclass(frozen=True)
class Operation:
    """A method of a path, with everything its reader must know.

    `path` is aiohttp's, so its variables may carry a pattern; `body` and `answer` are msgspec
    types; `query` maps each parameter to its meaning; `problems` are kinds beside those that every
    operation has.
    """

    method: str
    path: str
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    summary: str
    answer: Any
    body: type[msgspec.Struct] | None = None
    status: int = 200
    query: Mapping[str, str] = field(default_factory=dict)
    problems: Sequence[str] = ()
    media: str = "application/json"  # of the answer


def add_operations(app: web.Application, operations: Sequence[Operation]) -> None:
    """Route every operation."""
    for operation in operations:
        app.router.add_route(operation.method, operation.path, operation.handler)


def json_response(
    value: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """`value`, which msgspec can encode, as the body."""
    body = msgspec.json.encode(value)
    return web.Response(body=body, status=status, headers=headers, content_type="application/json")
