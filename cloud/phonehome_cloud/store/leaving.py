"""Who is still needed: a technician with work before them cannot simply vanish."""

from collections.abc import Callable
from typing import Final

from sqlalchemy import Connection, func, select

from phonehome_cloud.errors import ConflictError

from . import visits
from .people_tables import stock

_FOR_EVER: Final = 1 << 52
_SHOWN: Final = 3  # tickets that a refusal names

Check = Callable[[Connection, str, int], None]


def check_van(connection: Connection, technician: str, _now_at: int) -> None:
    """ConflictError while parts lie in their van."""
    query = select(func.count()).where(stock.c.van == technician, stock.c.pieces > 0)
    if count := connection.execute(query).scalar_one():
        raise ConflictError(
            f"{count} kinds of parts are in the van of {technician}: say where they are first"
        )


def check_visits(connection: Connection, technician: str, now_at: int) -> None:
    """ConflictError while visits of theirs are still to come."""
    if keys := visits.list_keys_of(connection, technician, now_at, _FOR_EVER):
        named = ", ".join(f"{device}-{ticket}" for device, ticket, _ in keys[:_SHOWN])
        raise ConflictError(
            f"{technician} has {len(keys)} open visits ({named}): write down their leave, "
            "which moves them, or give them to somebody else first"
        )


# Each raises ConflictError as long as a technician is needed; (connection, id, now_at).
CHECKS: Final[tuple[Check, ...]] = (check_visits, check_van)
