"""The names under which letters go, and where they went: a bounce is believed that knows both."""

import secrets
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import Connection, Row, RowMapping, select

from phonehome_cloud.core.telling.composing import to_ascii
from phonehome_cloud.core.telling.effect import MAIL, SENT

from .dialects import insert
from .schema import effect
from .telling_tables import posted

_NAME_BYTES: Final = 20
_columns = effect.c


def name_of(connection: Connection, key: str, address: str, now_at: int) -> str:
    """The name of a letter that is about to go there; the same one whenever it is tried."""
    row = {"key": key, "name": secrets.token_hex(_NAME_BYTES)}
    went = {"address": hash_of(address), "at": now_at}
    statement = insert(connection, posted).values(**row, **went)
    statement = statement.on_conflict_do_update(index_elements=["key"], set_=went)
    return str(connection.execute(statement.returning(posted.c.name)).scalar_one())


def find(connection: Connection, name: str) -> RowMapping | None:
    """The letter of a name, with its key; None when none of ours has it."""
    return connection.execute(select(posted).where(posted.c.name == name)).mappings().first()


def hash_of(address: str) -> bytes:
    """What is kept of an address, whatever its case, and as DNS has its domain."""
    try:
        address = to_ascii(address)
    except ValueError:
        address = address.strip()  # nothing goes there either
    return sha256(address.lower().encode()).digest()


def load_thread(connection: Connection, row: Row[Any], limit: int = 10) -> tuple[str, ...]:
    """The names of what the same reader was sent about the same ticket, oldest first."""
    if row.device is None or row.ticket is None:
        return ()
    query = (
        select(posted.c.name)
        .join(effect, effect.c.key == posted.c.key)
        .where(
            _columns.device == row.device,
            _columns.ticket == row.ticket,
            _columns.recipient == row.recipient,
            _columns.kind == MAIL,
            _columns.state == SENT,
        )
        .order_by(_columns.ended_at.desc(), _columns.key)
        .limit(limit)
    )
    return tuple(reversed(connection.execute(query).scalars().all()))
