"""What people are told about an action: through the outbox, once, with a link to their page."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from phonehome_cloud.core.people.owners import Owner
from phonehome_cloud.core.telling.effect import MAIL, SERVICE, Attachment, Effect
from phonehome_cloud.core.tickets import ticket_id
from phonehome_cloud.store import effects
from phonehome_cloud.store.gathering import known_tickets
from phonehome_cloud.store.owner_links import make_page
from phonehome_cloud.store.schema import ticket

_DAY_MS: Final = 86_400_000
# A letter that could not be sent for so long is no news any more.
_EXPIRES_MS: Final = 7 * _DAY_MS


def tell_owner(
    connection: Connection,
    owner: Owner,
    key: str,
    template: str,
    data: Mapping[str, Any],
    dev: str,
    number: int,
    now_at: int,
    weight: str = SERVICE,
) -> None:
    """A letter to an owner with the link to their page in it; the same key is one letter."""
    page = make_page(connection, owner, dev, number, now_at)
    given = {**_about(connection, dev, number), **data, "page": page}
    _add(connection, f"owner:{owner.id}", key, template, given, (dev, number), now_at, weight)


def tell_desk(
    connection: Connection,
    key: str,
    template: str,
    data: Mapping[str, Any],
    dev: str,
    number: int,
    now_at: int,
    weight: str = SERVICE,
    desk: str = "desk",
) -> None:
    """A letter to the service desk, to "sales", or to one of them, with the link to the ticket."""
    given = {**_about(connection, dev, number), **data}
    _add(connection, desk, key, template, given, (dev, number), now_at, weight)


def tell_operator(
    connection: Connection,
    operator: str,
    key: str,
    template: str,
    data: Mapping[str, Any],
    dev: str,
    number: int,
    now_at: int,
    weight: str = SERVICE,
) -> None:
    """A letter to somebody at the desk, by the name of their token."""
    given = key, template, data, dev, number, now_at, weight
    tell_desk(connection, *given, desk=f"operator:{operator}")


def tell_supplier(
    connection: Connection,
    supplier: str,
    key: str,
    template: str,
    data: Mapping[str, Any],
    dev: str,
    number: int,
    now_at: int,
    kind: str = MAIL,
    attachments: tuple[Attachment, ...] = (),
) -> None:
    """An order to a supplier, by mail or to its webhook."""
    to = f"supplier:{supplier}"
    ticket = dev, number
    _add(connection, to, key, template, data, ticket, now_at, SERVICE, kind, attachments)


def _about(connection: Connection, dev: str, number: int) -> dict[str, str]:
    """What every letter about a ticket says of it."""
    row = known_tickets(connection).get((dev, number)) or _read(connection, dev, number)
    id_ = ticket_id(dev, number)
    about = {"ticket_id": id_, "ticket_page": f"/tickets/{id_}", "fault": row.title}
    return {**about, "code": row.code or "", "appliance": row.product or ""}


def _read(connection: Connection, dev: str, number: int) -> Row[Any]:
    columns = ticket.c.title, ticket.c.code, ticket.c.product
    of_it = ticket.c.device == dev, ticket.c.number == number
    return connection.execute(select(*columns).where(*of_it)).one()


def _add(
    connection: Connection,
    to: str,
    key: str,
    template: str,
    data: Mapping[str, Any],
    about: tuple[str, int],
    now_at: int,
    weight: str,
    kind: str = MAIL,
    attachments: tuple[Attachment, ...] = (),
) -> None:
    effect = Effect(
        key,
        kind,
        to,
        template,
        data,
        *about,
        due_at=now_at,
        expires_at=now_at + _EXPIRES_MS,
        weight=weight,
        attachments=attachments,
    )
    effects.add(connection, effect, now_at)


def key_of(what: str, dev: str, number: int, n: int, again: str = "") -> str:
    """The key of a letter about an action; `again` tells a reminder from the first."""
    return ":".join(word for word in (what, dev, str(number), str(n), again) if word)
