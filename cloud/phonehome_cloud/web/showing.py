"""Tickets as the API and the pages show them."""

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection

from phonehome_cloud.core.digesting import HistoryRow
from phonehome_cloud.core.tickets import BY_PERSON, TRANSITIONS, ticket_id
from phonehome_cloud.store import listing
from phonehome_product import Product
from phonehome_product.vocabulary import SEVERITIES

from .frames import FreezeFrame, judges_values, name_channels, show_frame


class Ticket(msgspec.Struct):
    """One problem of one device; times are unix milliseconds UTC, `event_at` on the device."""

    id: str
    device: str
    label: str
    product: str | None
    code: str | None
    title: str
    spn: int
    fmi: int
    state: str
    severity: str
    opened_at: int
    updated_at: int
    ended_at: int | None
    event_at: int
    last_event_at: int
    occurrences: int
    reopened: int
    late: bool
    resolve_at: int | None


class HistoryEntry(msgspec.Struct):
    """One thing that happened to a ticket: who, when, why.

    `who` is "device", "rule" or "token:<name>"; an automatic step names its rule and evidence.
    """

    n: int
    at: int
    who: str
    kind: str
    from_state: str | None
    to_state: str | None
    rule: str | None
    evidence: Any
    text: str | None


class TicketDetail(Ticket):
    """A ticket with what happened to it, what was measured, and what it may become."""

    next_states: list[str]
    history: list[HistoryEntry]
    freeze_frames: list[FreezeFrame]


def show_ticket(row: Mapping[Any, Any]) -> Ticket:
    """A row of the ticket listing."""
    return Ticket(**_ticket_fields(row))


def read_detail(
    connection: Connection, products: Mapping[str, Product], device_id: str, number: int
) -> TicketDetail:
    """One ticket, whole; NotFoundError when there is none."""
    row = listing.expect_ticket(connection, device_id, number)
    return TicketDetail(
        **_ticket_fields(row),
        next_states=_next_states(row["state"]),
        history=[
            HistoryEntry(**{name: entry[name] for name in HistoryEntry.__struct_fields__})
            for entry in listing.list_history(connection, device_id, number)
        ],
        freeze_frames=_read_frames(connection, products.get(row["product"] or ""), row),
    )


def _read_frames(
    connection: Connection, product: Product | None, row: Mapping[Any, Any]
) -> list[FreezeFrame]:
    frames = listing.list_frames(connection, row["device"], row["number"])
    catalogs = listing.list_catalogs(connection, row["device"]) if frames else {}
    on_scale = judges_values(product, row["spn"], row["fmi"])
    return [
        show_frame(
            frame,
            name_channels(product, catalogs.get(frame["manifest"] or "")),
            on_scale=on_scale,
        )
        for frame in frames
    ]


def _next_states(state: str) -> list[str]:
    return [to for (start, to), who in TRANSITIONS.items() if start == state and BY_PERSON in who]


def show_entry(row: HistoryRow) -> HistoryEntry:
    """A row of a ticket's history."""
    return msgspec.convert(row, HistoryEntry, from_attributes=True)


def _ticket_fields(row: Mapping[Any, Any]) -> dict[str, Any]:
    derived = {
        "id": ticket_id(row["device"], row["number"]),
        "severity": SEVERITIES[row["severity"]],
    }
    names = (name for name in Ticket.__struct_fields__ if name not in derived)
    return {name: row[name] for name in names} | derived
