"""Who works the desk: skills, level and how many tickets at a time."""

from typing import Any

from sqlalchemy import Connection, RowMapping, select, update

from phonehome_cloud.errors import NotFoundError

from .acting_tables import assignment, operator
from .dialects import insert


def put(connection: Connection, name: str, values: dict[str, Any], now_at: int) -> RowMapping:
    """Write an operator, new or changed; one who had left is back."""
    given = {**values, "removed_at": None}
    statement = insert(connection, operator).values(operator=name, created_at=now_at, **given)
    connection.execute(statement.on_conflict_do_update(index_elements=["operator"], set_=given))
    return expect(connection, name)


def expect(connection: Connection, name: str) -> RowMapping:
    """One operator; NotFoundError."""
    is_here = operator.c.removed_at.is_(None)
    query = select(operator).where(operator.c.operator == name, is_here)
    row = connection.execute(query).mappings().first()
    if row is None:
        raise NotFoundError(f"no operator {name!r}")
    return row


def list_all(connection: Connection) -> list[RowMapping]:
    """Everybody at the desk, by name."""
    query = select(operator).where(operator.c.removed_at.is_(None))
    return list(connection.execute(query.order_by(operator.c.operator)).mappings())


def remove(connection: Connection, name: str, now_at: int) -> None:
    """Somebody leaves: their tickets are due at once, so the worker gives them to others."""
    expect(connection, name)
    connection.execute(
        update(operator).where(operator.c.operator == name).values(removed_at=now_at)
    )
    theirs = assignment.c.operator == name, assignment.c.ended_at.is_(None)
    connection.execute(
        update(assignment).where(*theirs).values(operator=None, responded_at=None, due_at=now_at)
    )
