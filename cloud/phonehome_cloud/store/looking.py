"""Having a ticket considered: the queue of the care loop, in the transaction that gives reason."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, case
from sqlalchemy.dialects import sqlite

from .care_tables import care
from .dialects import insert_many

_LOOK = ("device", "ticket", "due_at", "asked")


def look(connection: Connection, dev: str, number: int, at: int) -> None:
    """Have a ticket considered at `at` (unix ms), or earlier if it was to be."""
    look_at(connection, [(dev, number)], at)


def look_at(connection: Connection, keys: Iterable[tuple[str, int]], at: int) -> None:
    """The same for many tickets, (device, number) each, in one statement."""
    rows = [(dev, number, at, 1) for dev, number in set(keys)]
    if rows:
        insert_many(connection, care, _or_earlier, _LOOK, rows)


def _or_earlier(statement: sqlite.Insert) -> Any:
    new = statement.excluded
    earlier = case((care.c.due_at < new.due_at, care.c.due_at), else_=new.due_at)
    given = {"due_at": earlier, "asked": care.c.asked + 1, "failure": None}
    return statement.on_conflict_do_update(index_elements=["device", "ticket"], set_=given)
