"""Links to an owner's page about a ticket: whose page it is, and which ticket's."""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection

from phonehome_cloud.core.people.owners import Owner
from phonehome_cloud.core.tickets import parse_ticket_id, ticket_id

from . import links

# The purpose of such a link; its subject is who may look, and at which ticket.
PURPOSE: Final = "owner"
LINK_MS: Final = 60 * 86_400_000


def make_page(connection: Connection, owner: Owner, dev: str, number: int, now_at: int) -> str:
    """The path of an owner's page about a ticket, under a token of its own."""
    return make_pages(connection, [(owner, dev, number)], now_at)[0]


def make_pages(
    connection: Connection, of_them: Iterable[tuple[Owner, str, int]], now_at: int
) -> list[str]:
    """The same for many tickets: (owner, device, number) each."""
    subjects = [f"{owner.id} {ticket_id(dev, number)}" for owner, dev, number in of_them]
    tokens = links.make_all(connection, PURPOSE, subjects, now_at + LINK_MS)
    return ["/o/" + token for token in tokens]


def read_subject(subject: str) -> tuple[str, str, int]:
    """(owner, device, number) of the subject of such a link."""
    owner, _, ticket = subject.partition(" ")
    return owner, *parse_ticket_id(ticket)
