"""The job sheet of a visit as things are now, read from everywhere."""

from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, func, select

from phonehome_cloud.core.acting.pricing import TERMS
from phonehome_cloud.core.tickets import ticket_id
from phonehome_cloud.core.visiting.past import Past, PastTicket, PastVisit
from phonehome_cloud.core.visiting.sheet import Sheet, SheetPart
from phonehome_cloud.core.visiting.visit import Visit

from . import listing, people, stock
from .care_tables import diagnosis
from .schema import ticket
from .visit_tables import visit

_CAUSES: Final = 4
_HISTORY: Final = 12  # entries; how many more there are is told


def read_sheet(connection: Connection, of: Visit, now_at: int) -> Sheet:
    """What the technician of a visit has to know; parts as they lie in van and depot now."""
    owner = people.find_owner(connection, of.device)
    known = people.find_appliance(connection, of.device)
    technician = people.find_technician(connection, of.technician or "")
    frames = listing.list_frames(connection, of.device, of.ticket, 1)
    history, older = _history(connection, of)
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
        history=history,
        older=older,
        frame=frames[0]["frame"] if frames else None,
        channels=_channels(connection, of, frames),
        words=of.about.get("words", {}),
        terms=of.about[TERMS],
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


def _history(connection: Connection, of: Visit) -> tuple[list[Past], int]:
    """What was wrong with the appliance before, and what technicians found: (the newest, how many
    are older than those).
    """
    of_tickets = ticket.c.device == of.device, ticket.c.number != of.ticket
    of_visits = visit.c.device == of.device, visit.c.closing.is_not(None)
    opened = connection.execute(
        select(ticket.c.opened_at, ticket.c.title, ticket.c.state)
        .where(*of_tickets)
        .order_by(ticket.c.opened_at.desc())
        .limit(_HISTORY)
    )
    closed = connection.execute(
        select(visit.c.updated_at, visit.c.closing, visit.c.about)
        .where(*of_visits)
        .order_by(visit.c.updated_at.desc())
        .limit(_HISTORY)
    )
    found: list[Past] = [PastTicket(*row) for row in opened]
    found += [PastVisit(at, said, about.get("causes", {})) for at, said, about in closed]
    kept = sorted(found, key=lambda past: past.at, reverse=True)[:_HISTORY]
    return kept, _count(connection, *of_tickets) + _count(connection, *of_visits) - len(kept)


def _count(connection: Connection, *of_them: ColumnElement[bool]) -> int:
    return connection.execute(select(func.count()).where(*of_them)).scalar_one()


def _channels(connection: Connection, of: Visit, frames: list[Any]) -> dict[int, tuple[str, str]]:
    """Titles and units of channels by the product file, of others as the device told them."""
    catalogs = listing.list_catalogs(connection, of.device) if frames else {}
    catalog = catalogs.get(frames[0]["manifest"] or "") if frames else None
    known = (catalog or {}) | of.about.get("sensors", {})
    return {int(number): (title, unit) for number, (title, unit) in known.items()}
