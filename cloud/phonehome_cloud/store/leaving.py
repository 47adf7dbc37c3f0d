"""Who is still needed: a technician with work before them cannot simply vanish."""

from collections.abc import Callable
from typing import Final

from sqlalchemy import Connection, func, select

from phonehome_cloud.errors import ConflictError

from .people_tables import stock

Check = Callable[[Connection, str, int], None]


def check_van(connection: Connection, technician: str, _now_at: int) -> None:
    """ConflictError while parts lie in their van."""
    query = select(func.count()).where(stock.c.van == technician, stock.c.pieces > 0)
    if count := connection.execute(query).scalar_one():
        raise ConflictError(
            f"{count} kinds of parts are in the van of {technician}: say where they are first"
        )


# Each raises ConflictError as long as a technician is needed; (connection, id, now_at).
CHECKS: Final[tuple[Check, ...]] = (check_van,)
