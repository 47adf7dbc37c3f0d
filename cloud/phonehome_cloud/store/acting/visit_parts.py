"""Parts that a visit brings along: kept in the depot or in a van, else ordered for it.

They are kept where the fewest choices are lost: what lies in the depot anybody can bring; what is
in a van comes with that technician; what is nowhere is ordered, and the visit waits for it.
"""

from collections.abc import Sequence
from dataclasses import asdict
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import Connection

from phonehome_cloud.core.acting.part_orders import (
    CANCEL_WINDOW_MS,
    ENDED,
    TO_DEPOT,
    Line,
)
from phonehome_cloud.core.acting.pricing import TERMS
from phonehome_cloud.core.visiting.slots import DAY_MS
from phonehome_cloud.core.visiting.visit import Visit
from phonehome_cloud.errors import ConflictError, NotFoundError
from phonehome_cloud.store import people, stock, visit_letters, visit_times

from . import parts
from .sources import by_supplier

# So long before it begins the part must be there: the technician loads the van in the morning.
LOAD_MS: Final = 12 * 3_600_000

Row = dict[str, Any]  # of Visit.parts


def wanted(lines: Sequence[Line]) -> list[Row]:
    """What a visit needs of each part, in one order for all visits: none waits in a circle."""
    return [{**asdict(line), "reservation": None} for line in sorted(lines, key=_number)]


def missing(of: Visit) -> list[Row]:
    """What nobody has kept for it yet."""
    return [row for row in of.parts if row["reservation"] is None]


def keep(connection: Connection, of: Visit, payer: str, now_at: int) -> None:
    """Keep or order what is missing, and say when the visit can have it; the caller saves it.

    ConflictError when a part is not to be had at all.
    """
    keep_in_depot(connection, of, now_at)
    if missing(of):
        _keep_in_van(connection, of, now_at)
    if rows := missing(of):
        of.parts_at = _order(connection, of, rows, payer, now_at)


def keep_in_depot(connection: Connection, of: Visit, now_at: int) -> None:
    """Keep what lies there of the parts that are missing."""
    for row in missing(of):
        try:
            with connection.begin_nested():
                given = row["part"], row["count"], now_at, (of.device, of.ticket)
                row["reservation"] = people.reserve(connection, *given)
        except ConflictError:
            continue


def _keep_in_van(connection: Connection, of: Visit, now_at: int) -> None:
    """Everything that is missing, in the van of who can come best; nothing when nobody has it."""
    rows = missing(of)
    having = {
        one.id
        for one in visit_times.find_able(connection, of)
        if all(_free(connection, row["part"], one.id) >= row["count"] for row in rows)
    }
    while having:
        slots = visit_times.find_slots(connection, of, now_at, count=1, among=having)
        if not slots:
            return
        van = slots[0].technician
        having.discard(van)
        try:
            with connection.begin_nested():
                place = (of.device, of.ticket), van
                kept = [
                    stock.reserve(connection, row["part"], row["count"], now_at, *place)
                    for row in rows
                ]
        except ConflictError:  # somebody was quicker
            continue
        for row, name in zip(rows, kept, strict=True):
            row |= {"reservation": name, "van": van}
        return


def _free(connection: Connection, part: str, van: str) -> int:
    found = stock.availability(connection, part, van)
    return found.free if found else 0


def leave_van(connection: Connection, of: Visit) -> bool:
    """Its technician does not come: what is in their van is missing again, if anything was."""
    rows = [row for row in of.parts if row.get("van")]
    for row in rows:
        _release(connection, row)
    return bool(rows)


def give_back(connection: Connection, of: Visit) -> None:
    """Nobody comes: what was kept goes back."""
    for row in of.parts:
        if row["reservation"]:
            _release(connection, row)


def _release(connection: Connection, row: Row) -> None:
    """Give back a reservation; one that somebody ended already stays ended."""
    name, row["reservation"] = row["reservation"], None
    row.pop("van", None)
    try:
        stock.release(connection, name)
    except NotFoundError:
        return


def _order(connection: Connection, of: Visit, rows: Sequence[Row], payer: str, now_at: int) -> int:
    """Order what is not on its way yet, from each supplier what they have; what no supplier has,
    the desk has to. Returns when all of it can be brought.
    """
    found = {row["part"]: people.availability(connection, row["part"], now_at) for row in rows}
    lost = [part for part, one in found.items() if one.lead_days is None or one.is_discontinued]
    if lost:
        raise ConflictError(f"part {', '.join(lost)} is not to be had")
    days = max(1, *(one.lead_days or 1 for one in found.values()))
    parts_at = now_at + CANCEL_WINDOW_MS + days * DAY_MS + LOAD_MS
    orders = [one for one in parts.list_of(connection, of.key) if one.state not in ENDED]
    coming = {line["part"] for order in orders for line in order.lines}
    rows = [row for row in rows if row["part"] not in coming]
    nobodys = [row for row in rows if found[row["part"]].supplier is None]
    if nobodys:
        shown = [{name: row[name] for name in ("part", "title", "count")} for row in nobodys]
        more = {"parts": shown, "parts_at": parts_at}
        visit_letters.tell_desk(connection, of, "visit_parts", now_at, **more)
    currency = of.about[TERMS]["currency"]
    lines = [
        Line(row["part"], row["title"], row["count"], row["price"])
        for row in rows
        if row not in nobodys
    ]
    for source in by_supplier(lines, found):
        given = source, currency, payer, now_at
        parts.add(connection, of.key, *given, destination=TO_DEPOT)
    said = [int(order.expected_at or 0) + LOAD_MS for order in orders]
    return max([parts_at, *said])


_number: Final = attrgetter("part")
