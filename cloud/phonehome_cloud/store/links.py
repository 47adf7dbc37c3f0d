"""Links: a page that is opened by who holds the token, for one purpose, until a moment.

Only a hash is kept, so that nobody opens a page with a stolen database.
"""

import hashlib
import secrets
from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection, Row, delete, select, update

from phonehome_cloud.errors import GoneError, NotFoundError

from .bulk import insert_rows
from .gathering import put
from .people_tables import link

_TOKEN_BYTES: Final = 32


def make(connection: Connection, purpose: str, subject: str, expires_at: int) -> str:
    """A token for one purpose and subject, as in "owner:ID" or a ticket's id."""
    return make_all(connection, purpose, [subject], expires_at)[0]


def make_all(
    connection: Connection, purpose: str, subjects: Iterable[str], expires_at: int
) -> list[str]:
    """A token for each subject, in one statement."""
    made = [(secrets.token_urlsafe(_TOKEN_BYTES), subject) for subject in subjects]
    rows = [(_digest(token), purpose, subject, expires_at) for token, subject in made]
    put(connection, insert_rows, link, ("hash", "purpose", "subject", "expires_at"), rows)
    return [token for token, _ in made]


def open(connection: Connection, token: str, purpose: str, now_at: int) -> str:  # noqa: A001 - links.open
    """The subject of a token; it can be opened again.

    NotFoundError when it was never made for this purpose, GoneError when it is over or was spent.
    """
    found = _find(connection, token, purpose)
    if found.expires_at <= now_at:
        raise GoneError("this link has expired")
    if found.spent_at is not None:
        raise GoneError("this link was used already")
    return str(found.subject)


def spend(connection: Connection, token: str, purpose: str, now_at: int) -> str:
    """The subject of a token, this once: of two who spend it at the same time one gets GoneError.

    Raises as `open` does.
    """
    subject = open(connection, token, purpose, now_at)
    changed = connection.execute(
        update(link)
        .where(link.c.hash == _digest(token), link.c.spent_at.is_(None))
        .values(spent_at=now_at)
    )
    if not changed.rowcount:
        raise GoneError("this link was used already")
    return subject


def end(connection: Connection, purpose: str, subject: str) -> None:
    """End every link of a purpose and subject: each is as if it had never been made."""
    connection.execute(delete(link).where(link.c.purpose == purpose, link.c.subject == subject))


def forget_expired(connection: Connection, before_at: int) -> int:
    """Delete what expired before a moment; returns how many that were."""
    return connection.execute(delete(link).where(link.c.expires_at < before_at)).rowcount


def _find(connection: Connection, token: str, purpose: str) -> Row[tuple[str, int, int | None]]:
    columns = link.c.subject, link.c.expires_at, link.c.spent_at
    wanted = link.c.hash == _digest(token), link.c.purpose == purpose
    found = connection.execute(select(*columns).where(*wanted)).first()
    if found is None:
        raise NotFoundError("there is no such link")
    return found


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
