"""The desk API described for machines: OpenAPI 3.1 from the same types that check the requests."""

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from .operations import Operation
from .problems import CONTENT_TYPE, KINDS

_ALWAYS = ("bad-parameter", "unauthenticated", "internal", "unavailable")
_WITH_BODY = ("malformed-json", "timeout", "too-large", "wrong-content-type", "invalid-body")
_VARIABLE = re.compile(r"\{(\w+)(?::([^{}]*(?:\{[^{}]*\})?))?\}")
_REFERENCE = "#/components/schemas/{name}"


class ProblemField(msgspec.Struct):
    """A field that is wrong."""

    field: str
    value: Any
    fix: str


class Problem(msgspec.Struct):
    """What went wrong, as in RFC 9457; `errors` names the fields to blame."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[ProblemField]


def describe_api(operations: Sequence[Operation], prefix: str, version: str) -> dict[str, Any]:
    """The OpenAPI document of these operations under a path prefix."""
    types = [Problem, *(o.answer for o in operations), *(o.body for o in operations if o.body)]
    schemas, components = msgspec.json.schema_components(types, ref_template=_REFERENCE)
    found = dict(zip(map(id, types), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        path = prefix + _VARIABLE.sub(r"{\1}", operation.path)
        described = _describe(operation, found)
        paths.setdefault(path, {})[operation.method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {"title": "phonehome desk API", "version": version},
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _describe(operation: Operation, schemas: dict[int, Any]) -> dict[str, Any]:
    answer = {
        "description": operation.summary,
        "content": {operation.media: {"schema": schemas[id(operation.answer)]}},
    }
    described: dict[str, Any] = {
        "operationId": operation.handler.__name__,
        "summary": operation.summary,
        "parameters": _parameters(operation),
        "responses": {str(operation.status): answer} | _refusals(operation, schemas[id(Problem)]),
    }
    if operation.body is not None:
        content = {"application/json": {"schema": schemas[id(operation.body)]}}
        described["requestBody"] = {"required": True, "content": content}
    return described


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": _text_schema(pattern)}
        for name, pattern in _VARIABLE.findall(operation.path)
    ]
    in_query = [
        {"name": name, "in": "query", "description": text, "schema": {"type": "string"}}
        for name, text in operation.query.items()
    ]
    return in_path + in_query


def _text_schema(pattern: str) -> dict[str, str]:
    return {"type": "string"} | ({"pattern": f"^{pattern}$"} if pattern else {})


def _refusals(operation: Operation, schema: Any) -> dict[str, Any]:
    kinds = [*_ALWAYS, *operation.problems, *(_WITH_BODY if operation.body else ())]
    if "{" in operation.path:
        kinds.append("not-found")
    by_status: dict[str, list[str]] = {}
    for kind in kinds:
        by_status.setdefault(str(KINDS[kind][0]), []).append(KINDS[kind][1])
    content = {CONTENT_TYPE: {"schema": schema}}
    return {
        status: {"description": "; ".join(titles), "content": content}
        for status, titles in sorted(by_status.items())
    }
