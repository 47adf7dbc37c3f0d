"""Diagnoses that were made, with the decisions that followed: read only."""

from collections.abc import Sequence

from sqlalchemy import Connection, RowMapping, literal, select, tuple_

from .care_tables import diagnosis
from .schema import ticket

Place = tuple[str, int, int]  # device, ticket, n


def list_of_ticket(connection: Connection, dev: str, number: int) -> Sequence[RowMapping]:
    """All diagnoses of a ticket, newest first."""
    of_ticket = diagnosis.c.device == dev, diagnosis.c.ticket == number
    query = select(diagnosis).where(*of_ticket).order_by(diagnosis.c.n.desc())
    return connection.execute(query).mappings().all()


def list_recorded(
    connection: Connection, product: str, since_at: int, after: Place | None, limit: int
) -> Sequence[RowMapping]:
    """Diagnoses of a product with what they looked at, in the order of their keys, with fault.

    It walks the primary key: a replay looks at everything anyway.
    """
    columns = diagnosis.c.device, diagnosis.c.ticket, diagnosis.c.n
    same = (ticket.c.device == diagnosis.c.device) & (ticket.c.number == diagnosis.c.ticket)
    query = (
        select(diagnosis, ticket.c.code, ticket.c.title)
        .join(ticket, same)
        .where(
            diagnosis.c.product == product,
            diagnosis.c.at >= since_at,
            diagnosis.c.facts.is_not(None),
        )
    )
    if after is not None:
        query = query.where(tuple_(*columns) > tuple_(*map(literal, after)))
    return connection.execute(query.order_by(*columns).limit(limit)).mappings().all()
