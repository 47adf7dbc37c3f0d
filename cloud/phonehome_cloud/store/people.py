"""Who owns a device, who can drive to it, what it needs: read by every other room of the service.

Changes are in owners, technicians, parts and stock.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select

from phonehome_cloud.core.people.desks import SERVICE, Desk, make_desk
from phonehome_cloud.core.people.hours import read_hours
from phonehome_cloud.core.people.owners import Appliance, Owner
from phonehome_cloud.core.people.stock import Availability, Supplier
from phonehome_cloud.core.people.technicians import Technician

from . import stock
from .people_tables import appliance, desk, leave, owner, supplier, technician
from .schema import device


def find_owner(connection: Connection, dev: str) -> Owner | None:
    """Whose device it is; None when nobody has claimed it."""
    query = (
        select(owner)
        .join(appliance, appliance.c.owner == owner.c.owner)
        .where(appliance.c.device == dev)
    )
    row = connection.execute(query).mappings().first()
    return None if row is None else make_owner(row)


def find_owner_by_id(connection: Connection, name: str) -> Owner | None:
    """An owner, as "owner:ID" names them; None when they were erased."""
    row = connection.execute(select(owner).where(owner.c.owner == name)).mappings().first()
    return None if row is None else make_owner(row)


def find_appliance(connection: Connection, dev: str) -> Appliance | None:
    """What is known of a device as somebody's appliance; None when nothing is."""
    query = (
        select(appliance, device.c.product)
        .join(device, device.c.device == appliance.c.device)
        .where(appliance.c.device == dev)
    )
    row = connection.execute(query).mappings().first()
    return None if row is None else make_appliance(row)


def technicians(connection: Connection) -> list[Technician]:
    """Everybody who drives, by id, with their leave."""
    away: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for row in connection.execute(select(leave).order_by(leave.c.technician, leave.c.from_at)):
        away[row.technician].append((row.from_at, row.until_at))
    query = select(technician).order_by(technician.c.technician)
    return [
        make_technician(row, tuple(away[row["technician"]]))
        for row in connection.execute(query).mappings()
    ]


def find_technician(connection: Connection, name: str) -> Technician | None:
    """One technician; None when there is none of that id."""
    return next((one for one in technicians(connection) if one.id == name), None)


def find_supplier(connection: Connection, name: str) -> Supplier | None:
    """Where parts come from; None when there is none of that id."""
    row = connection.execute(select(supplier).where(supplier.c.supplier == name)).first()
    if row is None:
        return None
    return Supplier(name, row.name, row.mail, row.hook, row.language, row.lead_days)


def availability(connection: Connection, part: str, now_at: int) -> Availability:  # noqa: ARG001 - a part on its way will count
    """How a part stands in the depot; of one that is not in the books none can be had."""
    found = stock.availability(connection, part)
    return found or Availability(part, days=None, is_discontinued=False)


def reserve(
    connection: Connection,
    part: str,
    count: int,
    now_at: int,
    ticket: tuple[str, int] | None = None,
) -> str:
    """Keep some of a part in the depot; returns the id for stock.take and stock.release.

    ConflictError when there are not as many, however many ask at the same time.
    """
    return stock.reserve(connection, part, count, now_at, ticket)


def find_desk(connection: Connection, name: str = SERVICE) -> Desk:
    """When a desk works, and where it reads mail; office hours in UTC until somebody says."""
    row = connection.execute(select(desk).where(desk.c.desk == name)).mappings().first()
    return make_desk(name, row)


def make_owner(row: Mapping[Any, Any]) -> Owner:
    """An owner of a row of the table."""
    given = {name: row[name] for name in Owner.__slots__ if name not in {"id", "consents"}}
    return Owner(id=row["owner"], consents=frozenset(row["consents"]), **given)


def make_appliance(row: Mapping[Any, Any]) -> Appliance:
    """An appliance of a row of the table, with the device's product."""
    given = {name: row[name] for name in Appliance.__slots__ if name != "grants"}
    return Appliance(grants=frozenset(row["grants"]), **given)


def make_technician(row: Mapping[Any, Any], away: tuple[tuple[int, int], ...]) -> Technician:
    """A technician of a row of the table and their leave."""
    return Technician(
        id=row["technician"],
        name=row["name"],
        mail=row["mail"],
        calendar=row["calendar"] or row["mail"],
        phone=row["phone"],
        language=row["language"],
        zone=row["zone"],
        skills=frozenset(row["skills"]),
        area=tuple(row["area"]),
        hours=read_hours(row["hours"]),
        leave=away,
    )
