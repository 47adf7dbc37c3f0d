"""An import: several files in one transaction, all of them or nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from phonehome_cloud.core.people.kinds import KINDS
from phonehome_cloud.core.people.sheets import Problem, Sheet

from .books import Entry, Outcome, write


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of each sheet, and every problem; with one, nothing was written."""

    outcomes: tuple[tuple[Sheet, Outcome], ...]
    problems: tuple[Problem, ...]


def import_sheets(
    connection: Connection, sheets: Sequence[Sheet], who: str, now_at: int, *, is_dry: bool
) -> Imported:
    """Write every sheet, in the order in which they refer to each other.

    Also what the database has against the good rows is looked for when others are bad, so that
    whoever mends the files does so once. Nothing is written with a problem, or when it `is_dry`.
    """
    order = {name: place for place, name in enumerate(KINDS)}
    mentioned: dict[str, set[str]] = {}
    for sheet in sheets:
        mentioned.setdefault(sheet.kind.name, set()).update(sheet.keys)
    entry = Entry(who, now_at, mentioned)
    ordered = sorted(sheets, key=lambda sheet: order[sheet.kind.name])
    with connection.begin_nested() as savepoint:
        found = [(sheet, write(connection, sheet.kind, sheet.rows, entry)) for sheet in ordered]
        problems = [p for sheet, done in found for p in (*sheet.problems, *done.problems)]
        if problems or is_dry:
            savepoint.rollback()
    places = {sheet.file: place for place, sheet in enumerate(sheets)}
    problems.sort(key=lambda problem: (places[problem.file], problem.line))
    return Imported(tuple(found), tuple(problems))
