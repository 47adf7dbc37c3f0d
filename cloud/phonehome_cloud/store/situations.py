"""What decisions about many tickets have to know besides their causes, read in a few queries."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from sqlalchemy import Connection, Row, Select, select

from phonehome_cloud.core.caring import FAILED, ActionRow
from phonehome_cloud.core.deciding.situation import (
    OWNER,
    UNANSWERED,
    Availability,
    Payer,
    Situation,
    Tried,
)
from phonehome_cloud.core.digesting import Ticket
from phonehome_cloud.core.people.owners import Appliance, Owner

from . import people, stock
from .bulk import fetch_of, mapping_of
from .care_tables import action
from .dialects import fetch_among
from .facts import Devices, TicketKey
from .people_tables import appliance, owner
from .schema import device

# A device that spoke so lately can be reached; one that was silent for so long cannot.
_REACHABLE_MS: Final = 3_600_000
_SILENT_MS: Final = 2 * 86_400_000
_ONLINE, _OFFLINE = 1, 0


@dataclass(frozen=True, slots=True)
class People:
    """Owners and appliances by device."""

    owners: Mapping[str, Owner]
    appliances: Mapping[str, Appliance]


def load_people(connection: Connection, devices: Collection[str]) -> People:
    """Whose devices these are; a device that nobody claimed is in neither mapping."""
    appliances = fetch_of(connection, _appliances, appliance.c.device, devices)
    owners = fetch_of(connection, _owners, appliance.c.device, devices)
    return People(
        {row.device: people.make_owner(mapping_of(row)) for row in owners},
        {row.device: people.make_appliance(mapping_of(row)) for row in appliances},
    )


def _appliances(of_devices: Any) -> Select[Any]:
    query = select(appliance, device.c.product)
    return query.join(device, device.c.device == appliance.c.device).where(of_devices)


def _owners(of_devices: Any) -> Select[Any]:
    query = select(owner, appliance.c.device)
    return query.join(appliance, appliance.c.owner == owner.c.owner).where(of_devices)


def load_actions(
    connection: Connection, keys: Collection[TicketKey]
) -> dict[TicketKey, list[ActionRow]]:
    """Everything that was and is done about these tickets, oldest first."""
    found: defaultdict[TicketKey, list[ActionRow]] = defaultdict(list)
    rows = fetch_among(connection, (action.c.device, action.c.ticket), keys, action)
    for row in sorted(rows, key=lambda row: row.n):
        found[row.device, row.ticket].append(ActionRow(**mapping_of(row)))
    return found


def load_stock(connection: Connection, parts: Collection[str]) -> dict[str, Availability]:
    """How these parts stand; one that no book knows is absent."""
    found = {number: stock.availability(connection, number) for number in sorted(parts)}
    return {
        number: Availability(known.days, known.is_discontinued)
        for number, known in found.items()
        if known is not None
    }


def make_situation(
    ticket: Ticket,
    actions: Sequence[ActionRow],
    incident: str | None,
    devices: Devices,
    known: People,
    parts: Mapping[str, Availability],
    now_at: int,
) -> Situation:
    """What a decision about one ticket may look at."""
    dev = ticket.device
    whose, what = known.owners.get(dev), known.appliances.get(dev)
    agreed = whose.consents if whose else frozenset()
    running = next((one for one in actions if one.is_under_way), None)
    return Situation(
        now_at,
        payer=cast(Payer, what.payer(now_at)) if what else OWNER,
        consents=agreed | what.granted(now_at) if what else agreed,
        age_days=what.age_days(now_at) if what else None,
        tried=tuple(tried_of(one) for one in actions if not one.is_under_way),
        running=running.name if running else None,
        incident=incident,
        stock=parts,
        owner_known=whose is not None,
        is_online=_is_online(devices.sessions.get(dev), now_at),
        is_recovering=ticket.resolve_at is not None,
        language=whose.language if whose else "en",
    )


def tried_of(one: ActionRow) -> Tried:
    """An action that has ended, as a decision sees it."""
    if one.detail.get("declined"):
        return Tried(one.name, one.kind, "declined")
    is_silent = one.state == FAILED and one.detail.get(UNANSWERED)
    return Tried(one.name, one.kind, UNANSWERED if is_silent else one.state)


def _is_online(newest: Row[Any] | None, now_at: int) -> bool | None:
    if newest is None:
        return None
    silent_ms = now_at - newest.last_seen_at
    if newest.state == _ONLINE or (newest.state is None and silent_ms <= _REACHABLE_MS):
        return True
    if newest.state == _OFFLINE or silent_ms >= _SILENT_MS:
        return False
    return None
