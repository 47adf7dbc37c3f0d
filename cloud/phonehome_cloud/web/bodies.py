"""Request bodies: read with a cap and a deadline, checked against a type, refused with reasons."""

import asyncio
import re
from typing import Any, TypeVar, get_type_hints

# msgspec: checks JSON against a type in one pass, and makes OpenAPI from the same types.
import msgspec
from aiohttp import web

from .problems import ProblemError, field_error

T = TypeVar("T")
_FIELD = re.compile(r"at `\$\.?([^`]*)`|(?:unknown|missing required) field `([^`]*)`")

_PAST_MS = 30 * 86_400_000
_FUTURE_MS = 2 * 366 * 86_400_000


class TooLargeError(Exception):
    """A body is longer than its cap."""


class TooSlowError(Exception):
    """A body did not arrive in time, or its sender is gone."""


async def read_body(request: web.Request, max_bytes: int, timeout_s: float) -> bytes:
    """The whole body; reads at most one byte more than `max_bytes`.

    Raises TooLargeError and TooSlowError.
    """
    if (request.content_length or 0) > max_bytes:
        raise TooLargeError
    stream = request.content
    if stream.is_eof():  # the usual small request came in one piece: no timer, no waiting
        data = stream.read_nowait(max_bytes + 1)
    else:
        data = await _read_slowly(stream.read, max_bytes + 1, timeout_s)
    if len(data) > max_bytes:
        raise TooLargeError
    return data


async def _read_slowly(read: Any, wanted_bytes: int, timeout_s: float) -> bytes:
    data = bytearray()
    try:
        async with asyncio.timeout(timeout_s):
            while len(data) < wanted_bytes:
                piece = await read(wanted_bytes - len(data))
                if not piece:
                    break
                data += piece
    except (TimeoutError, ConnectionError):
        raise TooSlowError from None
    return bytes(data)


async def read_json(
    request: web.Request, type_: type[T], max_bytes: int = 65_536, timeout_s: float = 10.0
) -> T:
    """The JSON body as `type_`, a msgspec struct; ProblemError says what is wrong with it."""
    if request.content_type != "application/json":
        raise ProblemError(
            "wrong-content-type",
            "a JSON body is needed",
            field_error("Content-Type", request.content_type, "application/json"),
        )
    try:
        data = await read_body(request, max_bytes, timeout_s)
    except TooLargeError:
        raise ProblemError("too-large", f"at most {max_bytes} bytes") from None
    except TooSlowError:
        raise ProblemError("timeout", f"the body must arrive within {timeout_s:g} s") from None
    return check_json(data, type_)


def check_moment(field: str, at: int | None, now_at: int) -> None:
    """Refuse a time to come that can be none: seconds for milliseconds, or a year of decades from
    now; nothing that is planned with a service is that far away.
    """
    if at is not None and not now_at - _PAST_MS <= at <= now_at + _FUTURE_MS:
        fix = "unix milliseconds, within two years from now"
        raise ProblemError("invalid-body", f"{field}: {fix}", field_error(field, at, fix))


def check_json(data: bytes, type_: type[T]) -> T:
    """`data` as `type_`; ProblemError names the field, its value and the fix."""
    try:
        return msgspec.json.decode(data, type=type_)
    except msgspec.ValidationError as error:
        raise ProblemError("invalid-body", str(error), explain(str(error), data, type_)) from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise ProblemError("malformed-json", str(error)) from None


def explain(message: str, data: bytes, type_: type[Any]) -> dict[str, Any]:
    """Field, value and fix of a msgspec message about `data`."""
    found = _FIELD.search(message)
    field = (found[1] or found[2] or "") if found else ""
    fields = _descriptions(type_)
    if "unknown field" in message:
        fix = f"leave it out; known fields: {', '.join(fields)}"
    else:
        fix = fields.get(field) or message.split(" - at ", maxsplit=1)[0]
    return field_error(field or "(body)", _value(data, field, type_), fix)


def _value(data: bytes, field: str, type_: type[Any]) -> object:
    """What the body held there; a secret is not shown back, nor what is nested without end."""
    if field in _secrets(type_):
        return "(not shown)"
    try:
        whole = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError):
        return "(not readable)"
    return whole.get(field) if isinstance(whole, dict) else whole


def _secrets(type_: type[Any]) -> set[str]:
    hints = get_type_hints(type_, include_extras=True)
    return {
        name
        for name, hint in hints.items()
        if any((meta.extra or {}).get("secret") for meta in _metas(hint))
    }


def _descriptions(type_: type[Any]) -> dict[str, str]:
    """What each field of a struct wants to hold: the `description` of its Meta."""
    hints = get_type_hints(type_, include_extras=True)
    return {name: _description(hint) for name, hint in hints.items()}


def _description(hint: Any) -> str:
    return next((meta.description for meta in _metas(hint) if meta.description), "")


def _metas(hint: Any) -> list[msgspec.Meta]:
    """The Metas of a type, also of one that may be None."""
    parts = (hint, *getattr(hint, "__args__", ()))
    found = [meta for part in parts for meta in getattr(part, "__metadata__", ())]
    return [meta for meta in found if isinstance(meta, msgspec.Meta)]
