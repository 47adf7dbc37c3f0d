"""Who a letter goes to, what they wish, and addresses that nothing is written to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, delete, select

from phonehome_cloud.core.telling.timing import Wishes
from phonehome_cloud.errors import NotFoundError

from . import people
from .acting_tables import operator
from .dialects import insert
from .schema import contact_wish, suppression

_TIMING: Final = frozenset(("daily_cap", "quiet_from", "quiet_until"))


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody who can be written to; `mail` is "" when nobody knows an address."""

    name: str
    mail: str
    language: str
    zone: str


def maybe_find(connection: Connection, to: str) -> Contact | None:
    """Who an effect's `to` means; None when there is nobody, or not any more."""
    kind, _, name = to.partition(":")
    found: Any = _FINDERS[kind](connection, name or kind)
    if found is None:
        return None
    return Contact(found.name, found.mail or "", found.language, found.zone)


def _find_supplier(connection: Connection, name: str) -> Contact | None:
    found = people.find_supplier(connection, name)
    if found is None:
        return None
    return Contact(found.name, found.mail or "", found.language, "UTC")


def _find_operator(connection: Connection, name: str) -> Contact | None:
    """Who works the desk reads its language, on its clock."""
    query = select(operator.c.mail).where(
        operator.c.operator == name, operator.c.removed_at.is_(None)
    )
    mail, desk = connection.execute(query).scalar(), people.find_desk(connection)
    return None if mail is None else Contact(name, mail, desk.language, desk.zone)


def _find_desk(connection: Connection, name: str) -> Contact:
    """Nobody is called "service" in a salutation."""
    desk = (
        people.find_desk(connection, "sales") if name == "sales" else people.find_desk(connection)
    )
    return Contact("", desk.mail or "", desk.language, desk.zone)


def _find_calendar(connection: Connection, name: str) -> Contact | None:
    """The address of a technician's calendar, which may be another than their own."""
    found = people.find_technician(connection, name)
    if found is None:
        return None
    return Contact(found.name, found.calendar or "", found.language, found.zone)


_FINDERS: Mapping[str, Any] = {
    "owner": people.find_owner_by_id,
    "technician": people.find_technician,
    "calendar": _find_calendar,
    "supplier": _find_supplier,
    "operator": _find_operator,
    "desk": _find_desk,
    "sales": _find_desk,
}


def load_wishes(connection: Connection, to: str, zone: str, usual: Wishes) -> Wishes:
    """How somebody wants to be told: as they said, and where they did not, as the house does."""
    given = load_wish(connection, to).items()
    said = {name: value for name, value in given if name in _TIMING and value is not None}
    return replace(usual, zone=zone, **said)


def is_unsubscribed(connection: Connection, to: str) -> bool:
    """Whether somebody wants no letters."""
    return load_wish(connection, to).get("unsubscribed_at") is not None


def load_wish(connection: Connection, to: str) -> Mapping[str, Any]:
    """The columns of what somebody wishes; empty when they said nothing."""
    query = select(contact_wish).where(contact_wish.c.recipient == to)
    found = connection.execute(query).mappings().first()
    return {} if found is None else dict(found)


def wish(connection: Connection, to: str, values: Mapping[str, Any], now_at: int) -> None:
    """Note columns of what somebody wishes; the others stay as they are."""
    statement = insert(connection, contact_wish).values(recipient=to, changed_at=now_at, **values)
    changed = {**values, "changed_at": now_at}
    connection.execute(statement.on_conflict_do_update(index_elements=["recipient"], set_=changed))


def suppress(connection: Connection, address: str, reason: str, now_at: int) -> None:
    """Write to an address no more."""
    row = {"address": address.lower(), "reason": reason, "at": now_at}
    connection.execute(insert(connection, suppression).values(row).on_conflict_do_nothing())


def maybe_suppressed(connection: Connection, address: str) -> str | None:
    """Why nothing is written to an address; None when it may be."""
    query = select(suppression.c.reason).where(suppression.c.address == address.lower())
    return connection.execute(query).scalar()


def list_suppressed(connection: Connection, after: str, limit: int) -> Sequence[RowMapping]:
    """Addresses that nothing is written to, by name."""
    query = select(suppression).where(suppression.c.address > after)
    return connection.execute(query.order_by(suppression.c.address).limit(limit)).mappings().all()


def release(connection: Connection, address: str) -> None:
    """Write to an address again; NotFoundError when it is not suppressed."""
    gone = delete(suppression).where(suppression.c.address == address.lower())
    if not connection.execute(gone).rowcount:
        raise NotFoundError(f"{address} is not suppressed")
