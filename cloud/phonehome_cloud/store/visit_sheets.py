"""The job sheet of a visit as things are now, read from everywhere."""

from typing import Any, Final

from sqlalchemy import Connection, select

from phonehome_cloud.core.tickets import ticket_id
from phonehome_cloud.core.visiting.sheet import Sheet, SheetPart
from phonehome_cloud.core.visiting.visit import Visit

from . import listing, people, stock
from .care_tables import diagnosis
from .schema import ticket
from .visit_tables import visit

_CAUSES: Final = 4
_HISTORY: Final = 12


def read_sheet(connection: Connection, of: Visit, now_at: int) -> Sheet:
    """What the technician of a visit has to know; parts as they lie in van and depot now."""
    owner = people.find_owner(connection, of.device)
    known = people.find_appliance(connection, of.device)
    technician = people.find_technician(connection, of.technician or "")
    frames = listing.list_frames(connection, of.device, of.ticket, 1)
    return Sheet(
        visit=f"{ticket_id(of.device, of.ticket)}:{of.action}",
        technician=technician.name if technician else "",
        start_at=of.start_at or now_at,
        end_at=of.end_at or now_at,
        zone=of.zone,
        appliance=of.about["appliance"],
        serial=(known.serial or "") if known else "",
        fault=of.about["fault"],
        code=of.about["code"],
        owner=owner.name if owner else "",
        phone=(owner.phone or "") if owner else "",
        address=owner.address if owner else "",
        skills=of.skills,
        parts=[_part(connection, one, of.technician or "") for one in of.parts],
        causes=_causes(connection, of),
        history=_history(connection, of),
        frame=frames[0]["frame"] if frames else None,
        channels=_channels(connection, of, frames),
    )


def _part(connection: Connection, one: dict[str, Any], van: str) -> SheetPart:
    def free(place: str) -> int:
        found = stock.availability(connection, one["part"], place)
        return found.free if found else 0

    in_van = free(van) if van else 0
    kept = one["count"] if one["reservation"] else 0
    return SheetPart(one["part"], one["title"], one["count"], in_van, free("") + kept)


def _causes(connection: Connection, of: Visit) -> list[tuple[str, float]]:
    """The newest diagnosis of the ticket."""
    query = (
        select(diagnosis.c.causes)
        .where(diagnosis.c.device == of.device, diagnosis.c.ticket == of.ticket)
        .order_by(diagnosis.c.n.desc())
        .limit(1)
    )
    causes = connection.execute(query).scalar() or []
    return [(one["title"], one["probability"]) for one in causes[:_CAUSES]]


def _history(connection: Connection, of: Visit) -> list[tuple[int, str]]:
    """What was wrong with the appliance before, and what technicians found."""
    columns = ticket.c
    tickets = connection.execute(
        select(columns.opened_at, columns.title, columns.state)
        .where(columns.device == of.device, columns.number != of.ticket)
        .order_by(columns.opened_at.desc())
        .limit(_HISTORY)
    )
    closed = connection.execute(
        select(visit.c.updated_at, visit.c.closing)
        .where(visit.c.device == of.device, visit.c.closing.is_not(None))
        .order_by(visit.c.updated_at.desc())
        .limit(_HISTORY)
    )
    found = [(row.opened_at, f"{row.title} ({row.state})") for row in tickets]
    found += [(row.updated_at, _told(row.closing)) for row in closed]
    return sorted(found, reverse=True)[:_HISTORY]


def _told(closing: dict[str, Any]) -> str:
    if closing["nobody_home"]:
        return "visit: nobody was home"
    parts = ", ".join(f"{count} x {part}" for part, count in closing["parts"].items())
    mended = "mended" if closing["is_fixed"] else "not mended"
    return ": ".join(
        word
        for word in (f"visit: {closing['cause'] or 'no cause found'}, {mended}", parts)
        if word
    )


def _channels(connection: Connection, of: Visit, frames: list[Any]) -> dict[int, tuple[str, str]]:
    """Titles and units of channels by the product file, of others as the device told them."""
    catalogs = listing.list_catalogs(connection, of.device) if frames else {}
    catalog = catalogs.get(frames[0]["manifest"] or "") if frames else None
    known = (catalog or {}) | of.about.get("sensors", {})
    return {int(number): (title, unit) for number, (title, unit) in known.items()}
