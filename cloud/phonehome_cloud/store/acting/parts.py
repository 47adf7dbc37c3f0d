"""Parts on their way: reserved in our depot or ordered from a supplier, and what became of it."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import Connection, Row, RowMapping, select, update

from phonehome_cloud.core.acting import part_orders as core
from phonehome_cloud.core.acting.part_orders import (
    CANCELLED,
    ENDED,
    FROM_STOCK,
    FROM_SUPPLIER,
    HELD,
    SENT,
    TO_DEPOT,
    TO_OWNER,
    Line,
)
from phonehome_cloud.core.acting.pricing import TERMS, lines_of
from phonehome_cloud.core.caring import ActionKey, ActionRow, Case, StartError
from phonehome_cloud.errors import ConflictError, NotFoundError
from phonehome_cloud.store import people, stock
from phonehome_cloud.store.acting_tables import part_order, part_order_event
from phonehome_cloud.store.dialects import insert

from . import letters, sending, steps, terms
from .self_help import expect_article, expect_owner, write_proof

OrderKey = ActionKey

_DAY_MS: Final = 86_400_000
# A supplier that says nothing is asked about by a person long before this.
_LONGEST_MS: Final = 60 * _DAY_MS


def start(connection: Connection, row: ActionRow, case: Case, now_at: int) -> None:
    """Reserve what is there, or order it; StartError when it cannot be had."""
    owner = expect_owner(case)
    terms.check_made(connection, case, now_at)
    agreed = terms.keep(connection, row, case, now_at)
    lines = lines_of(agreed)
    source, supplier, kept = _find_source(connection, row, lines, now_at)
    what = source, supplier, lines, agreed["currency"], row.payer, now_at
    values = add(connection, row.key, *what, kept=kept)
    row.due_at = now_at + _LONGEST_MS
    row.detail["order"] = core.order_id(row.device, row.ticket, row.n)
    data = {**tell_of(values, row.detail["order"]), TERMS: agreed}
    told = letters.key_of("part", row.device, row.ticket, row.n)
    given = told, "part_ordered", data, row.device, row.ticket, now_at
    letters.tell_owner(connection, owner, *given)


def add(
    connection: Connection,
    key: OrderKey,
    source: str,
    supplier: str | None,
    lines: Sequence[Line],
    currency: str,
    payer: str,
    now_at: int,
    *,
    destination: str = TO_OWNER,
    kept: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Any]:
    """Write an order that is held until its window closes; `kept` are reservations by part."""
    until_at = now_at + core.CANCEL_WINDOW_MS
    values = {
        "state": HELD,
        "source": source,
        "supplier": supplier,
        "destination": destination,
        "lines": [{**_plain(line), "reservation": kept.get(line.part)} for line in lines],
        "currency": currency,
        "total": core.total_of(lines),
        "payer": payer,
        "ordered_at": now_at,
        "cancel_until_at": until_at,
        "due_at": until_at,
    }
    named = dict(zip(("device", "ticket", "action"), key, strict=True))
    connection.execute(part_order.insert().values(**named, **values))
    return values


def _find_source(
    connection: Connection, row: ActionRow, lines: Sequence[Line], now_at: int
) -> tuple[str, str | None, dict[str, str]]:
    """(source, supplier, reservations by part): all from our depot, or all from one supplier."""
    try:
        with connection.begin_nested():
            ticket = row.device, row.ticket
            kept = {
                line.part: people.reserve(connection, line.part, line.count, now_at, ticket)
                for line in lines
            }
            return FROM_STOCK, None, kept
    except ConflictError:
        found = [people.availability(connection, line.part, now_at) for line in lines]
    if any(part.days is None or part.supplier is None for part in found):
        missing = ", ".join(part.part for part in found if part.days is None or not part.supplier)
        raise StartError(f"nobody has part {missing}")
    suppliers = {part.supplier for part in found}
    if len(suppliers) > 1:
        raise StartError("the parts come from several suppliers: a person has to order them")
    return FROM_SUPPLIER, suppliers.pop(), {}


def find(connection: Connection, dev: str, number: int, n: int) -> RowMapping | None:
    """The order of an action; None when it has none."""
    return connection.execute(select(part_order).where(*_of(dev, number, n))).mappings().first()


def expect(connection: Connection, dev: str, number: int, n: int) -> Row[Any]:
    """The order of an action, locked; NotFoundError."""
    query = select(part_order).where(*_of(dev, number, n)).with_for_update()
    row = connection.execute(query).first()
    if row is None:
        raise NotFoundError(f"no order {core.order_id(dev, number, n)}")
    return row


def look(connection: Connection, row: Row[Any], now_at: int) -> None:
    """The window has closed: the order goes out. Later: a silent supplier, whom the desk asks."""
    number = core.order_id(row.device, row.ticket, row.action)
    if row.state == HELD:
        owner = people.find_owner(connection, row.device)
        sending.send(connection, row, number, owner, now_at)
        _change(connection, row, state=SENT, due_at=now_at + core.SILENCE_MS)
        return
    key = letters.key_of("silent", row.device, row.ticket, row.action, str(row.due_at))
    data = tell_of(row._mapping, number)  # noqa: SLF001 - SQLAlchemy's name for a row's mapping
    given = key, "order_silent", data, row.device, row.ticket, now_at
    letters.tell_desk(connection, *given)
    _change(connection, row, due_at=now_at + core.SILENCE_MS)


def hear(
    connection: Connection,
    row: Row[Any],
    event: str,
    said: str,
    now_at: int,
    detail: Mapping[str, Any],
) -> str | None:
    """A supplier's word about an order; the new state, or None when it changes nothing.

    The same `event` twice is one. ConflictError when the order cannot have come to that.
    """
    key = {"device": row.device, "ticket": row.ticket, "action": row.action}
    values = {**key, "event": event, "kind": said, "at": now_at, "detail": dict(detail)}
    added = connection.execute(
        insert(connection, part_order_event).values(values).on_conflict_do_nothing()
    )
    state = core.follow(row.state, said) if added.rowcount else None
    if state is None:
        return None
    told = {name: detail[name] for name in ("expected_at", "tracking") if detail.get(name)}
    if state == row.state and all(getattr(row, name) == new for name, new in told.items()):
        return None
    ended_at = now_at if state in ENDED else None
    due_at = None if ended_at else max(now_at, told.get("expected_at", 0)) + core.SILENCE_MS
    reason = detail.get("reason")
    _change(connection, row, state=state, due_at=due_at, ended_at=ended_at, reason=reason, **told)
    if state == core.SHIPPED:
        _take(connection, row)
    return state


def receive(connection: Connection, row: Row[Any]) -> None:
    """What a visit brings along has come into the depot."""
    for line in row.lines:
        stock.add(connection, line["part"], line["count"])


def deliver(connection: Connection, row: Row[Any], case: Case, now_at: int) -> None:
    """The part is in the owner's hands: how it is fitted, where an article says so."""
    if case.action is None or case.action.article is None or case.owner is None:
        return
    wording = expect_article(case).in_language(case.owner.language)
    proofs = [write_proof(step.proof, case.product) for step in wording.steps]
    steps.add(connection, OrderKey(row.device, row.ticket, row.action), proofs, now_at)


def cancel(connection: Connection, row: Row[Any], now_at: int) -> None:
    """Take an order back while nobody was told of it; ConflictError later."""
    core.check_cancel(row.state, row.cancel_until_at, now_at)
    _give_back(connection, row)
    _change(connection, row, state=CANCELLED, due_at=None, ended_at=now_at)


def end(connection: Connection, action: ActionRow, now_at: int) -> None:
    """The action has ended: what was not sent is not sent, and the depot has its parts back.

    What is on its way to the depot still comes there, and is followed until it has.
    """
    row = connection.execute(select(part_order).where(*_of(*action.key)).with_for_update()).first()
    steps.end_all(connection, action.key, now_at)
    if row is None or row.ended_at is not None:
        return
    if row.destination == TO_DEPOT and row.state != HELD:
        return
    state = CANCELLED if row.state == HELD else row.state
    _give_back(connection, row)
    _change(connection, row, state=state, due_at=None, ended_at=now_at)


def list_events(connection: Connection, dev: str, number: int, n: int) -> list[RowMapping]:
    """What a supplier said of an order, oldest first."""
    events = part_order_event
    key = events.c.device == dev, events.c.ticket == number, events.c.action == n
    query = select(events).where(*key).order_by(events.c.at, events.c.event)
    return list(connection.execute(query).mappings())


def list_open(connection: Connection, limit: int) -> list[RowMapping]:
    """Orders that have not ended, the oldest first."""
    open_ = part_order.c.ended_at.is_(None)
    order = part_order.c.ordered_at, part_order.c.device, part_order.c.ticket
    query = select(part_order).where(open_).order_by(*order).limit(limit)
    return list(connection.execute(query).mappings())


def tell_of(order: Mapping[Any, Any], number: str) -> dict[str, Any]:
    """An order for a letter: texts and amounts, as people read them."""
    return {
        "order": number,
        "lines": [
            {**line, "price": core.money(line["price"], order["currency"])}
            for line in order["lines"]
        ],
        "total": core.money(order["total"], order["currency"]),
        "payer": order["payer"],
        "cancel_until_at": order["cancel_until_at"],
        "expected_at": order.get("expected_at"),
        "tracking": order.get("tracking"),
        "reason": order.get("reason"),
    }


def _plain(line: Line) -> dict[str, Any]:
    return {"part": line.part, "title": line.title, "count": line.count, "price": line.price}


def _take(connection: Connection, row: Row[Any]) -> None:
    """What was reserved has left the depot."""
    for line in row.lines:
        if line.get("reservation"):
            stock.take(connection, line["reservation"])
    _forget_reservations(connection, row)


def _give_back(connection: Connection, row: Row[Any]) -> None:
    for line in row.lines:
        if line.get("reservation"):
            stock.release(connection, line["reservation"])
    _forget_reservations(connection, row)


def _forget_reservations(connection: Connection, row: Row[Any]) -> None:
    _change(connection, row, lines=[{**line, "reservation": None} for line in row.lines])


def _change(connection: Connection, row: Row[Any], **values: Any) -> None:
    key = _of(row.device, row.ticket, row.action)
    connection.execute(update(part_order).where(*key).values(values))


def _of(dev: str, number: int, n: int) -> tuple[Any, ...]:
    columns = part_order.c
    return columns.device == dev, columns.ticket == number, columns.action == n
