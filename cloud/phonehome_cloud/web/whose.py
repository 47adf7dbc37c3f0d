"""Whose appliance a ticket is about, and in whose hands it is: what the desk must know to call."""

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, RowMapping

from phonehome_cloud.core.people.owners import Appliance, Owner
from phonehome_cloud.store import people
from phonehome_cloud.store.acting import callbacks, persons


@dataclass(frozen=True, slots=True)
class Whose:
    """None for what nobody knows; `clock` is what the owner's shows now."""

    owner: Owner | None
    appliance: Appliance | None
    clock: str
    payer: str
    assignment: RowMapping | None
    call: RowMapping | None


def read_whose(connection: Connection, device: str, number: int, now_at: int) -> Whose:
    """As things are now."""
    owner = people.find_owner(connection, device)
    appliance = people.find_appliance(connection, device)
    there = datetime.fromtimestamp(now_at / 1000, ZoneInfo(owner.zone) if owner else UTC)
    return Whose(
        owner,
        appliance,
        f"{there:%H:%M}",
        appliance.payer(now_at) if appliance else "owner",
        persons.find_open(connection, device, number),
        callbacks.find_open(connection, device, number),
    )
