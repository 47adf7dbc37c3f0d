"""What changes of an owner while they are one: where they live, what they agreed to."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from phonehome_cloud.core.people import kinds
from phonehome_cloud.core.people.sheets import Row

from .books import Entry, write


def change(
    connection: Connection, name: str, values: Mapping[str, Any], who: str, now_at: int
) -> None:
    """Write these values of an owner, who must be there; others stay.

    Consents are exactly those of `values`; one that was given before keeps its moment.
    """
    row = Row("", 0, {**values, "id": name}, {})
    write(connection, kinds.OWNERS, [row], Entry(who, now_at, {}))
