"""An appliance changes hands: what it learnt stays with the machine, words about people do not."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection, select, update

from phonehome_cloud.core.caring import CANCELLED, ActionKey
from phonehome_cloud.core.deciding.situation import PERSON
from phonehome_cloud.errors import NotFoundError

from . import care
from .care_tables import action
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


def hand_over(
    connection: Connection, dev: str, to_owner: str | None, now_at: int
) -> dict[str, int]:
    """Give an appliance to another owner, or to nobody; what the one before left is wiped.

    An owner without another appliance is erased whole; so is somebody else who waited for it.
    Returns how many rows were wiped, by table. NotFoundError when there is no appliance.
    """
    query = select(appliance.c.owner).where(appliance.c.device == dev).with_for_update()
    row = connection.execute(query).first()
    if row is None:
        raise NotFoundError(f"nothing is known of an appliance {dev}")
    if row.owner is not None:
        _call_off(connection, dev, now_at)
    waited = find_waiting(connection, dev)
    values = {**_OWNERS, "owner": to_owner, "owned_at": now_at if to_owner else None}
    connection.execute(
        update(appliance).where(appliance.c.device == dev).values(**values, updated_at=now_at)
    )
    connection.execute(transfer.delete().where(transfer.c.device == dev))
    if waited not in {None, to_owner}:
        erase_if_idle(connection, str(waited), now_at)
    if row.owner is None:
        return {}
    words = words_of(connection, row.owner)
    gone = None if _has_any(connection, row.owner) else row.owner
    return erase(connection, Subject(owner=gone, devices=(dev,), words=words), now_at)


def find_waiting(connection: Connection, dev: str) -> str | None:
    """The owner who has claimed a device that is somebody else's; None when there is nobody."""
    query = select(transfer.c.to_owner).where(transfer.c.device == dev).with_for_update()
    waiting: str | None = connection.execute(query).scalar()
    return waiting


def erase_owner(connection: Connection, name: str, now_at: int) -> dict[str, int]:
    """Wipe an owner everywhere; their appliances stay, as nobody's. Rows changed, by table.

    NotFoundError when there is no such owner, as when they were erased before.
    """
    words = words_of(connection, name)
    query = select(appliance.c.device).where(appliance.c.owner == name)
    counts = Counter[str]()
    for dev in connection.execute(query.order_by(appliance.c.device)).scalars().all():
        counts.update(hand_over(connection, dev, None, now_at))
    counts.update(erase(connection, Subject(owner=name, words=words), now_at))
    return dict(counts)


def erase_if_idle(connection: Connection, name: str, now_at: int) -> None:
    """Wipe who has no appliance and waits for none."""
    waits = select(transfer.c.device).where(transfer.c.to_owner == name).limit(1)
    if not _has_any(connection, name) and connection.execute(waits).first() is None:
        erase_owner(connection, name, now_at)


def _has_any(connection: Connection, name: str) -> bool:
    query = select(appliance.c.device).where(appliance.c.owner == name).limit(1)
    return connection.execute(query).first() is not None


def _call_off(connection: Connection, dev: str, now_at: int) -> None:
    """End what is under way about a device with its owner; a person who works on it goes on.

    Its tickets are considered again. A visit is off: the technician is told.
    """
    columns = action.c.ticket, action.c.n
    query = select(*columns).where(
        action.c.device == dev, action.c.ended_at.is_(None), action.c.kind != PERSON
    )
    for ticket, n in connection.execute(query.order_by(*columns)).all():
        key = ActionKey(dev, ticket, n)
        care.conclude(connection, key, CANCELLED, "rule", now_at, {"owner": "gone"})


def words_of(connection: Connection, name: str) -> tuple[str, ...]:
    """What is known of an owner, as free text might say it; NotFoundError."""
    row = connection.execute(select(owner).where(owner.c.owner == name)).mappings().first()
    if row is None:
        raise NotFoundError(f"no owner {name}")
    return (*(row[column] for column in _KNOWN_BY if row[column]), *row["name"].split())
