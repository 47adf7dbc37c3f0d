"""Who and what on the desk API: owners, appliances, technicians, suppliers, parts, desks.

One set of handlers serves every kind: its fields and their checks are those of the files that are
imported (core.people.kinds).
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from aiohttp import web
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from phonehome_cloud.clock import now_ms
from phonehome_cloud.core.people import kinds
from phonehome_cloud.core.people.desks import DESKS
from phonehome_cloud.core.people.kinds import Kind
from phonehome_cloud.core.people.sheets import Row, check
from phonehome_cloud.errors import ConflictError
from phonehome_cloud.store import books, directory
from phonehome_cloud.store.books import draw_id

from . import people_bodies as bodies
from .bodies import read_json
from .operations import Operation, json_response
from .paging import page, read_cursor, read_limit, write_cursor
from .parts import ACTOR, DATABASE
from .problems import ProblemError, field_error
from .queries import PAGING, check_names

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Shelf:
    """A kind on the API: its bodies, the pattern of its keys, and what a listing can ask for."""

    kind: Kind
    body: type[msgspec.Struct]
    answer: type[msgspec.Struct]
    pattern: str
    filters: Mapping[str, str]

    @property
    def path(self) -> str:
        """Of one of them."""
        return f"/{self.kind.name}/{{{self.kind.one}:{self.pattern}}}"


_KEY = "[A-Za-z0-9][A-Za-z0-9_-]{0,31}"
_OWNER_FILTERS = {"number": "the number in your books", "mail": "their address"}
SHELVES: Final = (
    Shelf(kinds.OWNERS, bodies.NewOwner, bodies.Owner, "[0-9a-f]{16}", _OWNER_FILTERS),
    Shelf(
        kinds.APPLIANCES,
        bodies.NewAppliance,
        bodies.Appliance,
        "[0-9a-f]{16}",
        {"owner": "the id of an owner", "serial": "as on the appliance"},
    ),
    Shelf(kinds.TECHNICIANS, bodies.NewTechnician, bodies.Technician, _KEY, {}),
    Shelf(kinds.SUPPLIERS, bodies.NewSupplier, bodies.Supplier, _KEY, {}),
    Shelf(kinds.PARTS, bodies.NewPart, bodies.Part, "[!-.0-~]{1,64}", {"supplier": "its key"}),
    Shelf(kinds.DESKS, bodies.NewDesk, bodies.Desk, "|".join(DESKS), {}),
)


def _key_of(shelf: Shelf) -> str:
    """The field of the answer that holds the key."""
    return "device" if shelf.kind is kinds.APPLIANCES else shelf.kind.one


async def _list(shelf: Shelf, request: web.Request) -> web.Response:
    check_names(request, (*PAGING, *shelf.filters))
    limit, kind = read_limit(request.query), shelf.kind
    (after,) = read_cursor(request.query, kind.name, str) or ("",)
    wanted = {name: request.query[name] for name in shelf.filters if name in request.query}
    database = request.config_dict[DATABASE]
    rows = await database.read(directory.list_after, kind, wanted, after, limit + 1)
    more = None
    if len(rows) > limit:
        more = write_cursor(kind.name, rows[limit - 1][_key_of(shelf)])
    return json_response(page([_show(shelf, row) for row in rows[:limit]], more))


async def _get(shelf: Shelf, request: web.Request) -> web.Response:
    check_names(request, ())
    name = request.match_info[shelf.kind.one]
    row = await request.config_dict[DATABASE].read(directory.expect, shelf.kind, name)
    return json_response(_show(shelf, row))


async def _put(shelf: Shelf, request: web.Request) -> web.Response:
    """One that is new is 201; an owner is not: they get their id by POST."""
    check_names(request, ())
    wanted = await read_json(request, shelf.body)
    name = request.match_info[shelf.kind.one]
    if shelf.kind is kinds.OWNERS:
        await request.config_dict[DATABASE].read(directory.expect, shelf.kind, name)
    return await _write(shelf, request, name, wanted)


async def _post(shelf: Shelf, request: web.Request) -> web.Response:
    check_names(request, ())
    return await _write(shelf, request, draw_id(), await read_json(request, shelf.body))


async def _delete(shelf: Shelf, request: web.Request) -> web.Response:
    check_names(request, ())
    name, database = request.match_info[shelf.kind.one], request.config_dict[DATABASE]
    removed = await database.write(directory.remove, shelf.kind, name, now_ms())
    return json_response(bodies.Removed(removed))


async def _write(
    shelf: Shelf, request: web.Request, name: str, wanted: msgspec.Struct
) -> web.Response:
    given = msgspec.structs.asdict(wanted)
    values, wrong = check(shelf.kind, _as_texts(shelf.kind, given))
    values |= _ids(shelf, name, given)
    row = Row("", 0, values, {key: str(value) for key, value in given.items()})
    _refuse(row, wrong)
    database, who = request.config_dict[DATABASE], request[ACTOR]
    status, shown = await database.write(_write_one, shelf, name, row, who, now_ms())
    where = f"/api/v1/{shelf.kind.name}/{shown[_key_of(shelf)]}"
    return json_response(_show(shelf, shown), status=status, headers={"Location": where})


def _as_texts(kind: Kind, given: Mapping[str, Any]) -> dict[str, str | Sequence[str]]:
    """The fields of a body as a file has them; the key stands in the address."""
    texts: dict[str, str | Sequence[str]] = {}
    for name, value in given.items():
        if name == "owner" or (name == kind.key.name and value is None):
            continue
        if isinstance(value, bool):
            value = "yes" if value else "no"  # noqa: PLW2901
        texts[name] = value if isinstance(value, list) else "" if value is None else str(value)
    return texts


def _ids(shelf: Shelf, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    if shelf.kind is kinds.OWNERS:
        return {"id": name, "number": given["number"]}
    found = {shelf.kind.key.name: name}
    return found | ({"owner_id": given["owner"]} if "owner" in given else {})


def _write_one(
    connection: Connection, shelf: Shelf, name: str, row: Row, who: str, now_at: int
) -> tuple[int, directory.Shown]:
    try:
        with connection.begin_nested():
            done = books.write(connection, shelf.kind, [row], books.Entry(who, now_at, {}))
    except IntegrityError:
        key = shelf.kind.key.name
        raise ConflictError(f"another {shelf.kind.one} has this {key} already") from None
    _refuse(row, [(problem.column, problem.fix) for problem in done.problems])
    return 201 if done.created else 200, directory.expect(connection, shelf.kind, name)


def _refuse(row: Row, wrong: Sequence[tuple[str, str]]) -> None:
    """ProblemError for fields that are wrong: in a transaction nothing of it is kept."""
    if wrong:
        errors = [field_error(name, row.texts.get(name, ""), fix) for name, fix in wrong]
        raise ProblemError("invalid-body", "; ".join(f"{n}: {fix}" for n, fix in wrong), *errors)


def show(kind: Kind, row: Mapping[str, Any]) -> msgspec.Struct:
    """One of a kind, as store.directory reads it."""
    return _show(next(shelf for shelf in SHELVES if shelf.kind is kind), row)


def _show(shelf: Shelf, row: Mapping[str, Any]) -> msgspec.Struct:
    names = shelf.answer.__struct_fields__
    return msgspec.convert({name: row[name] for name in names}, shelf.answer)


def _handler(name: str, text: str, run: Any, shelf: Shelf) -> Handler:
    """A handler with the name by which the description of the API knows it."""

    async def handler(request: web.Request) -> web.StreamResponse:
        found: web.Response = await run(shelf, request)
        return found

    handler.__name__, handler.__doc__ = name, text
    return handler


def _page_of(shelf: Shelf) -> type[msgspec.Struct]:
    fields = [("items", list[shelf.answer]), ("next", str | None)]  # type: ignore[name-defined]
    made = msgspec.defstruct(f"{shelf.answer.__name__}Page", fields)
    made.__doc__ = "Some of them, and the cursor of the next page or null."
    return made


def _operations(shelf: Shelf) -> list[Operation]:
    kind, one = shelf.kind, shelf.kind.one
    many, conflict = f"/{kind.name}", ("conflict",)

    def make(method: str, path: str, verb: str, run: Any, text: str, **more: Any) -> Operation:
        name = f"{verb}_{kind.name if verb == 'list' else one}"
        more.setdefault("answer", shelf.answer)
        return Operation(method, path, _handler(name, text, run, shelf), text, **more)

    listing = {**PAGING, **shelf.filters}
    text = f"List {kind.name} by key"
    found = [make("GET", many, "list", _list, text, answer=_page_of(shelf), query=listing)]
    if kind is kinds.OWNERS:
        body, text = shelf.body, "Write down an owner"
        found.append(
            make("POST", many, "add", _post, text, body=body, status=201, problems=conflict)
        )
    text = f"Delete {one}: its words about people are wiped everywhere"
    found += [
        make("GET", shelf.path, "get", _get, f"One {one}"),
        make(
            "PUT",
            shelf.path,
            "put",
            _put,
            f"Write down or change one {one}",
            body=shelf.body,
            problems=conflict,
        ),
        make(
            "DELETE", shelf.path, "delete", _delete, text, answer=bodies.Removed, problems=conflict
        ),
    ]
    return found


OPERATIONS = tuple(operation for shelf in SHELVES for operation in _operations(shelf))
