"""INSERT ... ON CONFLICT, which SQLAlchemy spells per database."""

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert(connection: Connection, table: Table) -> sqlite.Insert:
    """An insert that knows on_conflict_do_nothing and on_conflict_do_update.

    Both dialects' classes have the same methods; the type of one stands for both.
    """
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)  # type: ignore[return-value]
    return sqlite.insert(table)
