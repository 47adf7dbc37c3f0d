"""API tokens: who works the desk. Only a hash is kept, so a stolen database opens no door."""

import hashlib
import hmac
import secrets

from sqlalchemy import Connection, RowMapping, select, update
from sqlalchemy.exc import IntegrityError

from phonehome_cloud.errors import ConflictError, NotFoundError

from .schema import api_token

_PREFIX = "ph_"  # so that a token that leaked into a file is recognised by scanners


def draw() -> str:
    """A new token: 256 random bits, printable."""
    return _PREFIX + secrets.token_urlsafe(32)


def digest(token: str) -> bytes:
    """What is stored of a token. A plain hash, because nobody can guess 256 random bits."""
    return hashlib.sha256(token.encode()).digest()


def add(connection: Connection, name: str, token: str, now_at: int) -> None:
    """Make `token` valid under `name`; ConflictError when the name is taken."""
    row = {"name": name, "hash": digest(token), "created_at": now_at}
    try:
        with connection.begin_nested():
            connection.execute(api_token.insert().values(row))
    except IntegrityError:
        raise ConflictError(
            f"there is a token named {name!r} already: revoke it or choose another name"
        ) from None


def ensure(connection: Connection, name: str, token: str, now_at: int) -> None:
    """Make exactly `token` valid under `name`, whatever was there: for the one of the settings."""
    row = {"hash": digest(token), "created_at": now_at, "revoked_at": None}
    changed = connection.execute(update(api_token).where(api_token.c.name == name).values(row))
    if not changed.rowcount:
        connection.execute(api_token.insert().values(name=name, **row))


def revoke(connection: Connection, name: str, now_at: int) -> None:
    """End a token; NotFoundError when there is none of that name that is still valid."""
    changed = connection.execute(
        update(api_token)
        .where(api_token.c.name == name, api_token.c.revoked_at.is_(None))
        .values(revoked_at=now_at)
    )
    if not changed.rowcount:
        raise NotFoundError(f"there is no valid token named {name!r}")


def maybe_name(connection: Connection, token: str) -> str | None:
    """Whose token this is; None when it is unknown or revoked.

    The database is asked for the hash, and what it finds is compared in constant time: how long
    this takes tells nothing about a valid token.
    """
    wanted = digest(token)
    row = connection.execute(
        select(api_token.c.name, api_token.c.hash).where(
            api_token.c.hash == wanted, api_token.c.revoked_at.is_(None)
        )
    ).first()
    return row.name if row is not None and hmac.compare_digest(row.hash, wanted) else None


def is_valid(connection: Connection, name: str) -> bool:
    """Whether the token of that name has not been revoked."""
    return (
        connection.execute(
            select(api_token.c.name).where(
                api_token.c.name == name, api_token.c.revoked_at.is_(None)
            )
        ).first()
        is not None
    )


def list_all(connection: Connection) -> list[RowMapping]:
    """Every token's name, when it was made and when it ended, by name."""
    columns = (api_token.c.name, api_token.c.created_at, api_token.c.revoked_at)
    return list(connection.execute(select(*columns).order_by(api_token.c.name)).mappings())
