"""Parts on their way: reserved in our depot or ordered from a supplier, and what became of it."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, RowMapping, select, update

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
    OrderKey,
)
from phonehome_cloud.core.acting.pricing import TERMS, lines_of
from phonehome_cloud.core.caring import ActionKey, ActionRow, Case
from phonehome_cloud.errors import NotFoundError
from phonehome_cloud.store import people, stock
from phonehome_cloud.store.acting_tables import part_order, part_order_event
from phonehome_cloud.store.bulk import mapping_of
from phonehome_cloud.store.dialects import insert

from . import letters, sending, steps, terms
from .self_help import expect_article, expect_owner, write_proof
from .sources import Source, find_sources

_DAY_MS: Final = 86_400_000
_KEY: Final = ("device", "ticket", "action", "number")
# A supplier that says nothing is asked about by a person long before this.
_LONGEST_MS: Final = 60 * _DAY_MS


def start(connection: Connection, row: ActionRow, case: Case, now_at: int) -> None:
    """Reserve what is there, order what is not; StartError when it cannot be had."""
    owner = expect_owner(case)
    terms.check_made(connection, case, now_at)
    agreed = terms.keep(connection, row, case, now_at)
    made = [
        add(connection, row.key, source, agreed["currency"], row.payer, now_at)
        for source in find_sources(connection, row.key, lines_of(agreed), now_at)
    ]
    row.due_at = now_at + _LONGEST_MS
    row.detail["order"] = ", ".join(core.order_id(key) for key, _ in made)
    whole = {**made[0][1], "lines": [line for _, values in made for line in values["lines"]]}
    whole["total"] = sum(values["total"] for _, values in made)
    data = {**tell_of(whole, row.detail["order"]), "parcels": len(made), TERMS: agreed}
    told = letters.key_of("part", row.device, row.ticket, row.n)
    given = told, "part_ordered", data, row.device, row.ticket, now_at
    letters.tell_owner(connection, owner, *given)


def add(
    connection: Connection,
    action: ActionKey,
    source: Source,
    currency: str,
    payer: str,
    now_at: int,
    *,
    destination: str = TO_OWNER,
) -> tuple[OrderKey, dict[str, Any]]:
    """Write one more order of an action, whose ticket is locked, held until its window closes."""
    until_at = now_at + core.CANCEL_WINDOW_MS
    known = list_of(connection, action)
    key = OrderKey(*action, known[-1].number + 1 if known else 1)
    values = {
        "state": HELD,
        "source": FROM_STOCK if source.supplier is None else FROM_SUPPLIER,
        "supplier": source.supplier,
        "destination": destination,
        "lines": [
            {**asdict(line), "reservation": source.kept.get(line.part)} for line in source.lines
        ],
        "currency": currency,
        "total": core.total_of(source.lines),
        "payer": payer,
        "ordered_at": now_at,
        "cancel_until_at": until_at,
        "due_at": until_at,
    }
    named = dict(zip(_KEY, key, strict=True))
    connection.execute(part_order.insert().values(**named, **values))
    return key, values


def find(connection: Connection, key: OrderKey) -> RowMapping | None:
    """An order; None when there is none."""
    return connection.execute(select(part_order).where(*_of(key))).mappings().first()


def list_of(connection: Connection, action: ActionKey, *, lock: bool = False) -> list[Row[Any]]:
    """The orders of an action, the first one first."""
    columns = part_order.c
    same = columns.device == action[0], columns.ticket == action[1], columns.action == action[2]
    query = select(part_order).where(*same).order_by(columns.number)
    return list(connection.execute(query.with_for_update() if lock else query))


def expect(connection: Connection, key: OrderKey) -> Row[Any]:
    """An order, locked; NotFoundError."""
    query = select(part_order).where(*_of(key)).with_for_update()
    row = connection.execute(query).first()
    if row is None:
        raise NotFoundError(f"no order {core.order_id(key)}")
    return row


def key_of(row: Row[Any]) -> OrderKey:
    """What names the order of a row."""
    return OrderKey.of(mapping_of(row))


def look(connection: Connection, row: Row[Any], now_at: int) -> None:
    """The window has closed: the order goes out. Later: a silent supplier, whom the desk asks."""
    named = key_of(row)
    number = core.order_id(named)
    if row.state == HELD:
        owner = people.find_owner(connection, row.device)
        sending.send(connection, row, named, owner, now_at)
        _change(connection, row, state=SENT, due_at=now_at + core.SILENCE_MS)
        return
    key = letters.key_of("silent", *named.action, named.again(str(row.due_at)))
    data = tell_of(mapping_of(row), number)
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
    values = {
        **dict(zip(_KEY, key_of(row), strict=True)),
        "event": event,
        "kind": said,
        "at": now_at,
        "detail": dict(detail),
    }
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
    steps.add(connection, key_of(row).action, proofs, now_at)


def cancel(connection: Connection, row: Row[Any], now_at: int) -> None:
    """Take an order back while nobody was told of it; ConflictError later."""
    core.check_cancel(row.state, row.cancel_until_at, now_at)
    _give_back(connection, row)
    _change(connection, row, state=CANCELLED, due_at=None, ended_at=now_at)


def end(connection: Connection, action: ActionRow, now_at: int) -> None:
    """The action has ended: what was not sent is not sent, and the depot has its parts back.

    What is on its way to the depot still comes there, and is followed until it has.
    """
    steps.end_all(connection, action.key, now_at)
    for row in list_of(connection, action.key, lock=True):
        if row.ended_at is None:
            _end(connection, row, now_at)


def _end(connection: Connection, row: Row[Any], now_at: int) -> None:
    if row.destination == TO_DEPOT and row.state != HELD:
        return
    state = CANCELLED if row.state == HELD else row.state
    _give_back(connection, row)
    _change(connection, row, state=state, due_at=None, ended_at=now_at)


def list_events(connection: Connection, key: OrderKey) -> list[RowMapping]:
    """What a supplier said of an order, oldest first."""
    events = part_order_event
    same = (events.c[name] == value for name, value in zip(_KEY, key, strict=True))
    query = select(events).where(*same).order_by(events.c.at, events.c.event)
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
    connection.execute(update(part_order).where(*_of(key_of(row))).values(values))


def _of(key: OrderKey) -> tuple[ColumnElement[bool], ...]:
    return tuple(part_order.c[name] == value for name, value in zip(_KEY, key, strict=True))
