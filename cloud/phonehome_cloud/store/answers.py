"""Whoever waits for the answer to a command is looked at as soon as it has ended."""

from typing import Final

from sqlalchemy import Connection, update

from .acting_tables import remote_fix, step
from .care_tables import care

# The receiver itself asked, for an action; its commands are told apart by this.
WHO: Final = "rule"


def wake(connection: Connection, dev: str, number: int, now_at: int) -> None:
    """A command of a device that the receiver gave has ended."""
    for table in (step, remote_fix):
        waits = table.c.device == dev, table.c.command == number, table.c.due_at.is_not(None)
        connection.execute(update(table).where(*waits).values(due_at=now_at))


_ASK: Final = "ask:"


def asked_for(ticket: int) -> str:
    """Who gives the questions of a ticket's diagnosis (store.asking)."""
    return f"{_ASK}{ticket}"


def wake_asker(connection: Connection, dev: str, who: str, now_at: int) -> None:
    """A question of a diagnosis has ended: its ticket is considered again."""
    if not who.startswith(_ASK):
        return
    number = int(who.removeprefix(_ASK))
    of_ticket = care.c.device == dev, care.c.ticket == number
    given = {"due_at": now_at, "asked": care.c.asked + 1, "failure": None}
    connection.execute(update(care).where(*of_ticket).values(**given))
