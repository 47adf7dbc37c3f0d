"""Whoever waits for the answer to a command is looked at as soon as it has ended."""

from typing import Final

from sqlalchemy import Connection, update

from .acting_tables import remote_fix, step

# The receiver itself asked, for an action; its commands are told apart by this.
WHO: Final = "rule"


def wake(connection: Connection, dev: str, number: int, now_at: int) -> None:
    """A command of a device that the receiver gave has ended."""
    for table in (step, remote_fix):
        waits = table.c.device == dev, table.c.command == number, table.c.due_at.is_not(None)
        connection.execute(update(table).where(*waits).values(due_at=now_at))
