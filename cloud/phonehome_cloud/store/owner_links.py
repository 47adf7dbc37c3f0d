"""Links to an owner's page about a ticket: whose page it is, and which ticket's."""

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
    subject = f"{owner.id} {ticket_id(dev, number)}"
    return "/o/" + links.make(connection, PURPOSE, subject, now_at + LINK_MS)


def read_subject(subject: str) -> tuple[str, str, int]:
    """(owner, device, number) of the subject of such a link."""
    owner, _, ticket = subject.partition(" ")
    return owner, *parse_ticket_id(ticket)
