"""An appliance changes hands: what it learnt stays with the machine, words about people do not."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection, select, update

from phonehome_cloud.errors import NotFoundError

from . import effects
from .erasing import Subject, erase
from .people_tables import appliance, owner, transfer

# What belongs to the owner and not to the machine.
_OWNERS: Final[Mapping[str, Any]] = {
    "owner": None,
    "owned_at": None,
    "contract": None,
    "contract_until": None,
    "grants": [],
}
_KNOWN_BY: Final = ("name", "mail", "phone", "street", "number")


def hand_over(connection: Connection, dev: str, to_owner: str | None, now_at: int) -> None:
    """Give an appliance to another owner, or to nobody; what the one before left is wiped.

    An owner without another appliance is erased whole. NotFoundError when there is no appliance.
    """
    row = connection.execute(
        select(appliance).where(appliance.c.device == dev).with_for_update()
    ).first()
    if row is None:
        raise NotFoundError(f"nothing is known of an appliance {dev}")
    values = {**_OWNERS, "owner": to_owner, "owned_at": now_at if to_owner else None}
    connection.execute(
        update(appliance).where(appliance.c.device == dev).values(**values, updated_at=now_at)
    )
    connection.execute(transfer.delete().where(transfer.c.device == dev))
    if row.owner is None:
        return
    others = connection.execute(
        select(appliance.c.device).where(appliance.c.owner == row.owner).limit(1)
    ).first()
    words = words_of(connection, row.owner)
    gone = row.owner if others is None else None
    effects.forget(connection, f"owner:{gone}" if gone else None, now_at, (dev,))
    erase(connection, Subject(owner=gone, devices=(dev,), words=words))


def erase_owner(connection: Connection, name: str, now_at: int) -> dict[str, int]:
    """Wipe an owner everywhere; their appliances stay, as nobody's. Rows changed, by table.

    NotFoundError when there is no such owner, as when they were erased before.
    """
    words = words_of(connection, name)
    query = select(appliance.c.device).where(appliance.c.owner == name).with_for_update()
    devices = tuple(connection.execute(query).scalars())
    connection.execute(
        update(appliance).where(appliance.c.owner == name).values(**_OWNERS, updated_at=now_at)
    )
    effects.forget(connection, f"owner:{name}", now_at, devices)
    return erase(connection, Subject(owner=name, devices=devices, words=words))


def words_of(connection: Connection, name: str) -> tuple[str, ...]:
    """What is known of an owner, as free text might say it; NotFoundError."""
    row = connection.execute(select(owner).where(owner.c.owner == name)).mappings().first()
    if row is None:
        raise NotFoundError(f"no owner {name}")
    return (*(row[column] for column in _KNOWN_BY if row[column]), *row["name"].split())
