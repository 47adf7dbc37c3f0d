"""The books: what an import, or the desk, writes of owners, appliances, technicians and parts.

Rows were checked as far as that goes without a database (core.people.sheets); what is wrong with
the rest is found here, of every row. A row changes only the fields that it has.
"""

import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import JSON, Column, Connection, Table, delete, select

from phonehome_cloud.core.people import kinds
from phonehome_cloud.core.people.consents import PRESENCE
from phonehome_cloud.core.people.fields import span_at
from phonehome_cloud.core.people.kinds import Kind
from phonehome_cloud.core.people.sheets import Problem, Row
from phonehome_cloud.core.people.stock import DEPOT

from . import presence
from .bulk import upsert
from .columns import to_json
from .handing import hand_over
from .people_tables import appliance, desk, leave, owner, part, stock, supplier, technician
from .schema import device
from .visit_answers import clear_technician

_CHUNK: Final = 500
_ID_BYTES: Final = 8

Before = Mapping[str, Mapping[str, Any]]  # by key: the row as it is


@dataclass(slots=True)
class Outcome:
    """How many rows were new, changed and as they were, and what is wrong."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Entry:
    """Who writes, when; `mentioned` are keys by kind that bad rows of the same import have."""

    who: str
    now_at: int
    mentioned: Mapping[str, Collection[str]]


def draw_id() -> str:
    """A new id of an owner: at random, so that it says nothing."""
    return secrets.token_hex(_ID_BYTES)


def write(connection: Connection, kind: Kind, rows: Sequence[Row], entry: Entry) -> Outcome:
    """Write rows of a kind, all that are good; whoever finds problems in it takes it all back."""
    return _WRITERS[kind.name](connection, rows, entry)


def _write_owners(connection: Connection, rows: Sequence[Row], entry: Entry) -> Outcome:
    """By the number of their books, or by id where the values have one (from the API)."""
    before = _load(connection, owner.c.number, (row.values.get("number") for row in rows))
    before |= _load(connection, owner.c.owner, (row.values.get("id") for row in rows))
    found: list[tuple[Row, dict[str, Any]]] = []
    for row in rows:
        given = dict(row.values)
        name = given.pop("id", None)
        old = before.get(name or given.get("number") or "")
        given["owner"] = name or (old["owner"] if old else draw_id())
        if "consents" in given or old is None:
            given["consents"] = _stamp(given.get("consents", ()), old, entry)
            if old is not None:
                _take_back(connection, old, given["consents"])
        if old is None:
            given["created_at"] = entry.now_at
        found.append((row, given))
    return _save(connection, owner, found, entry)


def _stamp(names: Iterable[str], old: Mapping[str, Any] | None, entry: Entry) -> dict[str, Any]:
    """Each consent with when it was first written down, and by whom."""
    known = old["consents"] if old else {}
    fresh = {"at": entry.now_at, "by": entry.who}
    return {name: known.get(name, fresh) for name in sorted(set(names))}


def _take_back(
    connection: Connection, old: Mapping[str, Any], consents: Mapping[str, Any]
) -> None:
    """What was learnt by a consent that is taken back is forgotten at once."""
    if PRESENCE in old["consents"] and PRESENCE not in consents:
        query = select(appliance.c.device).where(appliance.c.owner == old["owner"])
        for dev in connection.execute(query).scalars():
            presence.forget(connection, dev)


def _write_appliances(connection: Connection, rows: Sequence[Row], entry: Entry) -> Outcome:
    """By device; `owner` is a number of the books, `owner_id` an id (from the API)."""
    registered = _load(connection, device.c.device, (row.values["device"] for row in rows))
    owners = _load(connection, owner.c.number, (row.values.get("owner") for row in rows))
    known = {number: row["owner"] for number, row in owners.items()}
    ids = _load(connection, owner.c.owner, (row.values.get("owner_id") for row in rows))
    claimed = _load_claimed(connection, registered)
    found, problems = [], list[Problem]()
    for row in rows:
        wrong = _find_wrong(row, registered, known, entry)
        if (name := row.values.get("owner_id")) and name not in ids:
            wrong.append(row.problem("owner", "no owner has this id"))
        if row.values.get("owner") and row.values["device"] in claimed:
            who = claimed[row.values["device"]]
            fix = f"its owner has claimed it: give {who} this number, or erase them first"
            wrong.append(row.problem("owner", fix))
        problems += wrong
        if not wrong:
            found.append((row, _with_owner(row.values, known, claimed)))
    outcome = _save_appliances(connection, found, entry)
    outcome.problems += problems
    return outcome


def _load_claimed(connection: Connection, devices: Iterable[str]) -> dict[str, str]:
    """Of these devices, those whose owner is not in the books: the id of who has claimed each."""
    held = _load(connection, appliance.c.device, devices)
    owners = _load(connection, owner.c.owner, (row["owner"] for row in held.values()))
    return {
        dev: row["owner"]
        for dev, row in held.items()
        if row["owner"] is not None and owners[row["owner"]]["number"] is None
    }


def _with_owner(
    values: Mapping[str, Any], known: Mapping[str, str], claimed: Collection[str]
) -> dict[str, Any]:
    """The values with the id of the owner; books that name nobody leave it to who claimed it."""
    given = {name: value for name, value in values.items() if name not in {"product", "owner_id"}}
    if "owner_id" in values:
        given["owner"] = values["owner_id"]
    elif values.get("owner"):
        given["owner"] = known.get(values["owner"])
    elif values["device"] in claimed:
        given.pop("owner", None)
    return given


def _find_wrong(
    row: Row, registered: Before, owners: Mapping[str, str], entry: Entry
) -> list[Problem]:
    values = row.values
    here = registered.get(values["device"])
    if here is None:
        return [row.problem("device", "no such device is registered: provision it first")]
    wrong = []
    product = values.get("product")
    if product and product != here["product"]:
        is_it = here["product"] or "of no product"
        wrong.append(row.problem("product", f"the device is registered as {is_it}"))
    number = values.get("owner")
    if number and number not in owners and number not in entry.mentioned.get("owners", ()):
        wrong.append(row.problem("owner", "no owner has this number: import owners first"))
    if values.get("bought") and values["bought"] > entry.now_at:
        wrong.append(row.problem("bought", "a day that has come"))
    return wrong


def _save_appliances(
    connection: Connection, found: Sequence[tuple[Row, dict[str, Any]]], entry: Entry
) -> Outcome:
    before = _load(connection, appliance.c.device, (given["device"] for _, given in found))
    for _, given in found:
        old = before.get(given["device"], {})
        if "bought" in given:
            given["bought_at"] = given.pop("bought")
        owned_by = old.get("owner")
        if "owner" in given and given["owner"] != owned_by:
            if old:
                hand_over(connection, given["device"], given["owner"], entry.now_at)
            given["owned_at"] = entry.now_at if given["owner"] else None
    return _save(connection, appliance, found, entry)


def _write_technicians(connection: Connection, rows: Sequence[Row], entry: Entry) -> Outcome:
    outcome = _save(connection, technician, [(row, dict(row.values)) for row in rows], entry)
    zones = _load(connection, technician.c.technician, (r.values["technician"] for r in rows))
    for row in rows:
        if "leave" in row.values:
            name = row.values["technician"]
            spans = _set_leave(connection, name, row.values["leave"], zones[name]["zone"])
            for from_at, until_at in spans:
                if until_at > entry.now_at:
                    clear_technician(connection, name, from_at, until_at, entry.who, entry.now_at)
    return outcome


def _set_leave(
    connection: Connection, name: str, spans: Sequence[Any], zone: str
) -> list[tuple[int, int]]:
    """Exactly these days, as moments; spans that touch each other are one."""
    connection.execute(delete(leave).where(leave.c.technician == name))
    joined: list[tuple[int, int]] = []
    for from_at, until_at in sorted(span_at(days, zone) for days in spans):
        if joined and from_at <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], until_at)
        else:
            joined.append((from_at, until_at))
    upsert(
        connection,
        leave,
        ("technician", "from_at", "until_at"),
        [(name, *span) for span in joined],
    )
    return joined


def _write_suppliers(connection: Connection, rows: Sequence[Row], entry: Entry) -> Outcome:
    return _save(connection, supplier, [(row, dict(row.values)) for row in rows], entry)


def _write_parts(connection: Connection, rows: Sequence[Row], entry: Entry) -> Outcome:
    suppliers = _load(connection, supplier.c.supplier, (r.values.get("supplier") for r in rows))
    suppliers |= {name: {} for name in entry.mentioned.get("suppliers", ())}
    vans = {van for row in rows for van, _ in row.values.get("vans", ())}
    known = {*_load(connection, technician.c.technician, vans)}
    known |= {*entry.mentioned.get("technicians", ())}
    found, problems = list[tuple[Row, dict[str, Any]]](), list[Problem]()
    for row in rows:
        given = dict(row.values)
        name = given.get("supplier")
        if name and name not in suppliers:
            problems.append(row.problem("supplier", "no such supplier: import suppliers first"))
        for van, _ in given.get("vans", ()):
            if van not in known:
                problems.append(row.problem("vans", f"there is no technician {van}"))
        if "price" in given:
            given["price_cents"] = given.pop("price")
        found.append((row, given))
    if problems:
        return Outcome(problems=problems)
    outcome = _save(connection, part, found, entry)
    for row in rows:
        outcome.problems += _set_stock(connection, row)
    return outcome


def _set_stock(connection: Connection, row: Row) -> list[Problem]:
    """Exactly what the row says lies there; what is reserved must be among it."""
    number, values = row.values["part"], row.values
    wanted: dict[str, tuple[str, int]] = {}
    if "stock" in values:
        wanted[DEPOT] = "stock", values["stock"]
    query = select(stock.c.van, stock.c.reserved).where(stock.c.part == number)
    reserved = {here.van: here.reserved for here in connection.execute(query.with_for_update())}
    if "vans" in values:
        wanted |= {van: ("vans", 0) for van in reserved if van != DEPOT}
        wanted |= {van: ("vans", pieces) for van, pieces in values["vans"]}
    problems, rows = [], []
    for van, (column, pieces) in wanted.items():
        held = reserved.get(van, 0)
        if pieces < held:
            problems.append(row.problem(column, f"{held} are reserved: {held} or more"))
        else:
            rows.append((number, van, pieces, held))
    upsert(connection, stock, ("part", "van", "pieces", "reserved"), rows)
    return problems


def _write_desks(connection: Connection, rows: Sequence[Row], entry: Entry) -> Outcome:
    return _save(connection, desk, [(row, dict(row.values)) for row in rows], entry)


def _save(
    connection: Connection,
    table: Table,
    found: Sequence[tuple[Row, dict[str, Any]]],
    entry: Entry,
) -> Outcome:
    """Write the fields that are columns; fields that a new row does not have get their default."""
    (key,) = table.primary_key.columns
    before = _load(connection, key, (given[key.name] for _, given in found))
    outcome, rows = Outcome(), []
    columns = (key.name, *(c.name for c in table.c if c is not key))
    for _, given in found:
        old = before.get(given[key.name])
        full = {**(old or _defaults(table)), **{n: v for n, v in given.items() if n in table.c}}
        full = {name: _plain(value) for name, value in full.items()}
        if old is not None and full == old:
            outcome.unchanged += 1
            continue
        outcome.created += old is None
        outcome.updated += old is not None
        full["updated_at"] = entry.now_at
        rows.append(tuple(_stored(table.c[name], full[name]) for name in columns))
    upsert(connection, table, columns, rows)
    return outcome


def _defaults(table: Table) -> dict[str, Any]:
    """What a row holds of which nobody said anything."""
    kind = next(k for k in kinds.KINDS.values() if k.one == table.name)
    empty = dict.fromkeys(table.c.keys())
    known = {of.name: of.default for of in kind.fields if of.name in table.c}
    return empty | {name: _plain(value) for name, value in known.items()}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _stored(column: Column[Any], value: Any) -> Any:
    return to_json(value) if isinstance(column.type, JSON) else value


def _load(
    connection: Connection, column: Column[Any], keys: Iterable[str | None]
) -> dict[str, Mapping[str, Any]]:
    """The rows of a table by one of its columns, for these values of it."""
    wanted, found = sorted({key for key in keys if key}), dict[str, Mapping[str, Any]]()
    for at in range(0, len(wanted), _CHUNK):
        query = select(column.table).where(column.in_(wanted[at : at + _CHUNK]))
        for row in connection.execute(query).mappings():
            found[row[column.name]] = dict(row)
    return found


_WRITERS: Final = {
    "owners": _write_owners,
    "appliances": _write_appliances,
    "technicians": _write_technicians,
    "suppliers": _write_suppliers,
    "parts": _write_parts,
    "desks": _write_desks,
}
