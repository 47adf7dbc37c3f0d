"""Letters about somebody who is erased: theirs are called off, those of others lose their words.

A technician must still hear that a visit is off, so what waits for somebody else goes out.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, or_, update

from phonehome_cloud.core.telling.effect import CANCELLED, WAITING

from .schema import effect

_ERASED: Final = "its reader is erased"
_FOLD: Final = re.compile("\r?\n[ \t]")  # a line of a calendar goes on in the next (RFC 5545 3.1)


def unwrite(
    connection: Connection, rows: ColumnElement[bool], clean: Callable[[Any], Any], now_at: int
) -> int:
    """Empty these effects, or `clean` those that others still wait for; returns how many."""
    columns = effect.c
    waits = columns.state == WAITING
    theirs = or_(columns.recipient.startswith("owner:"), ~waits)
    connection.execute(
        update(effect)
        .where(rows, waits, columns.recipient.startswith("owner:"))
        .values(state=CANCELLED, failure=_ERASED, ended_at=now_at)
    )
    blank = update(effect).where(rows, theirs).values(data={}, attachments=[])
    count = connection.execute(blank).rowcount
    others = effect.select().where(and_(rows, ~theirs))
    for row in connection.execute(others).mappings().all():
        found = [_clean_attachment(each, clean) for each in row["attachments"]]
        connection.execute(
            update(effect)
            .where(columns.key == row["key"])
            .values(data=clean(row["data"]), attachments=found)
        )
        count += 1
    return count


def _clean_attachment(given: dict[str, Any], clean: Callable[[Any], Any]) -> dict[str, Any]:
    """A file whose text is cleaned; one that is no text is emptied."""
    try:
        text = b64decode(given["content"]).decode()
    except UnicodeDecodeError:
        return {**given, "content": ""}
    if given["media"] == "text/calendar":
        text = _FOLD.sub("", text)
    return {**given, "content": b64encode(clean(text).encode()).decode()}
