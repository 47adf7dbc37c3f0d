"""Erasing a person: one list of every place where the database has words about somebody.

Whoever adds a column that can hold such words marks it PERSONAL (store.columns) and names it here;
a test compares the two. Ids that were drawn at random stay where they are: they name nobody once
their row is gone. Free text is searched for what is known of the person.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Connection,
    Table,
    and_,
    delete,
    false,
    or_,
    select,
    update,
)

from .acting_tables import callback, part_order, part_order_event
from .care_tables import action
from .people_tables import leave, link, owner, technician, transfer
from .schema import contact_wish, device, effect, effect_attempt, suppression, ticket_event
from .telling_tables import posted, unreachable
from .unwriting import unwrite
from .visit_tables import presence, visit

DELETE: Final = "delete"  # the row goes
BLANK: Final = "blank"  # these columns become NULL, or empty where NULL is not allowed
SCRUB: Final = "scrub"  # these columns are searched for what is known of the person
UNWRITE: Final = "unwrite"  # letters: see store.unwriting
GONE: Final = "[erased]"
_MIN_WORD_CHARS: Final = 3  # shorter ones are parts of everything
_PHONE: Final = re.compile(r"\+\d{7,15}", re.ASCII)
_PHONE_DIGITS: Final = 6  # the last ones, by which a number is known among those of a ticket
_FILL: Final = r"[ ()/.-]*"

Words = re.Pattern[str] | None  # what finds them
Rows = ColumnElement[bool]


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom to erase: an owner with their devices, or a technician.

    With `devices` alone it is what those machines' owner left there: the owner has other ones.
    `words` are what is known of the person.
    """

    owner: str | None = None
    devices: tuple[str, ...] = ()
    technician: str | None = None
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Trace:
    """A table with words about people: what happens to them, and how its rows are found.

    `device`, `owner`, `technician` name the column that holds one, `party` one that holds
    "owner:ID", "technician:ID" or "calendar:ID", `mentions` a text in which the id of an owner or
    a device stands, `address` one that holds a mail address. A row is the subject's when any of
    them says so, or when its `key` is that of such a row of the trace `of`.
    """

    table: Table
    how: str
    columns: tuple[str, ...] = ()
    device: str | None = None
    owner: str | None = None
    technician: str | None = None
    party: str | None = None
    mentions: str | None = None
    address: str | None = None
    of: "Trace | None" = None


_EFFECTS: Final = Trace(
    effect, UNWRITE, ("data", "attachments"), device="device", party="recipient"
)
TRACES: Final[tuple[Trace, ...]] = (
    Trace(transfer, DELETE, owner="to_owner"),
    Trace(link, DELETE, mentions="subject"),
    Trace(effect_attempt, SCRUB, ("reason",), of=_EFFECTS),
    Trace(posted, DELETE, of=_EFFECTS),
    Trace(unreachable, SCRUB, ("reason",), device="device", party="recipient"),
    Trace(effect, SCRUB, ("failure",), device="device", party="recipient"),
    _EFFECTS,
    Trace(contact_wish, DELETE, party="recipient"),
    Trace(suppression, DELETE, address="address"),
    Trace(device, SCRUB, ("label",), device="device"),
    Trace(ticket_event, SCRUB, ("text", "evidence"), device="device"),
    Trace(action, SCRUB, ("detail",), device="device"),
    Trace(callback, BLANK, ("phone",), device="device"),
    Trace(part_order, BLANK, ("tracking",), device="device"),
    Trace(part_order, SCRUB, ("reason",), device="device"),
    Trace(part_order_event, SCRUB, ("detail",), device="device"),
    Trace(leave, DELETE, technician="technician"),
    Trace(visit, SCRUB, ("closing",), device="device"),
    Trace(visit, BLANK, ("area",), device="device"),
    Trace(presence, DELETE, device="device"),
    # Last, because other tables refer to them.
    Trace(technician, DELETE, technician="technician"),
    Trace(owner, DELETE, owner="owner"),
)


def erase(connection: Connection, subject: Subject, now_at: int) -> dict[str, int]:
    """Wipe what every table says about somebody; returns how many rows changed, by table."""
    pattern = any_of(subject.words)
    found: dict[str, int] = {}
    for trace in TRACES:
        rows = find_rows(trace, subject)
        count = _STEPS[trace.how](connection, trace, rows, pattern, now_at)
        found[trace.table.name] = found.get(trace.table.name, 0) + count
    return {name: count for name, count in found.items() if count}


def find_rows(trace: Trace, subject: Subject) -> ColumnElement[bool]:
    """Which rows of a table are the subject's."""
    columns = trace.table.c
    found: list[ColumnElement[bool]] = []
    if trace.device and subject.devices:
        found.append(columns[trace.device].in_(subject.devices))
    if trace.owner and subject.owner:
        found.append(columns[trace.owner] == subject.owner)
    if trace.technician and subject.technician:
        found.append(columns[trace.technician] == subject.technician)
    if trace.party and _parties(subject):
        found.append(columns[trace.party].in_(_parties(subject)))
    if trace.mentions:
        ids = filter(None, (subject.owner, *subject.devices))
        found += [columns[trace.mentions].contains(name, autoescape=True) for name in ids]
    if trace.address and (subject.owner or subject.technician):
        found.append(columns[trace.address].in_([word.lower() for word in subject.words]))
    if trace.of:
        theirs = select(trace.of.table.c.key).where(find_rows(trace.of, subject))
        found.append(columns.key.in_(theirs))
    return or_(false(), *found)


def _parties(subject: Subject) -> list[str]:
    technician = subject.technician
    names = ("owner", subject.owner), ("technician", technician), ("calendar", technician)
    return [f"{kind}:{name}" for kind, name in names if name]


def _delete(
    connection: Connection, trace: Trace, rows: Rows, _pattern: Words, _now_at: int
) -> int:
    return connection.execute(delete(trace.table).where(rows)).rowcount


def _blank(connection: Connection, trace: Trace, rows: Rows, _pattern: Words, _now_at: int) -> int:
    values = {name: _nothing(trace.table.c[name]) for name in trace.columns}
    return connection.execute(update(trace.table).where(rows).values(values)).rowcount


def _nothing(column: Column[Any]) -> Any:
    if column.nullable:
        return None
    return {} if isinstance(column.type, JSON) else ""


def _scrub(connection: Connection, trace: Trace, rows: Rows, pattern: Words, _now_at: int) -> int:
    """Rewrite the rows that say one of the words; there are few, and each is read."""
    if pattern is None:
        return 0
    table, keys = trace.table, list(trace.table.primary_key.columns)
    changed = 0
    wanted = select(*keys, *(table.c[name] for name in trace.columns)).where(rows)
    for row in connection.execute(wanted).mappings().all():
        clean = {name: without(row[name], pattern) for name in trace.columns}
        clean = {name: value for name, value in clean.items() if value != row[name]}
        if clean:
            same = and_(*(key == row[key.name] for key in keys))
            connection.execute(update(table).where(same).values(clean))
            changed += 1
    return changed


def _unwrite(
    connection: Connection, _trace: Trace, rows: Rows, pattern: Words, now_at: int
) -> int:
    return unwrite(connection, rows, lambda value: without(value, pattern), now_at)


def any_of(words: Iterable[str]) -> Words:
    """What finds any of these words whole, whatever its case; None when there is none.

    Of a telephone number it finds the last digits however they are parted, with what is in front.
    """
    wanted = {word.strip() for word in words if len(word.strip()) >= _MIN_WORD_CHARS}
    if not wanted:
        return None
    longest_first = sorted(wanted, key=lambda word: (-len(word), word))
    return re.compile("|".join(map(_spelled, longest_first)), re.IGNORECASE)


def _spelled(word: str) -> str:
    if not _PHONE.fullmatch(word):
        return rf"(?<!\w){re.escape(word)}(?!\w)"
    return rf"(?<!\d)(?:[+(]*\d[\d ()/.-]*)?{_FILL.join(word[-_PHONE_DIGITS:])}(?!\d)"


def without(value: Any, pattern: Words) -> Any:
    """A text, or JSON, in which nothing is left that the pattern finds."""
    if pattern is None:
        return value
    if isinstance(value, str):
        return pattern.sub(GONE, value)
    if isinstance(value, Mapping):
        return {key: without(item, pattern) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without(item, pattern) for item in value]
    return value


_STEPS: Final = {DELETE: _delete, BLANK: _blank, SCRUB: _scrub, UNWRITE: _unwrite}
