"""What changes of an owner while they are one: what they agreed to."""

from collections.abc import Iterable

from sqlalchemy import Connection

from phonehome_cloud.core.people import kinds
from phonehome_cloud.core.people.sheets import Row

from .books import Entry, write


def set_consents(
    connection: Connection, name: str, consents: Iterable[str], who: str, now_at: int
) -> None:
    """They agree to exactly these from now on; those that they gave before keep their moment."""
    row = Row("", 0, {"id": name, "consents": tuple(consents)}, {})
    write(connection, kinds.OWNERS, [row], Entry(who, now_at, {}))
