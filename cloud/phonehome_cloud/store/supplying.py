"""A supplier's word about an order: the order moves, its ticket says so, and the owner hears."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlalchemy import Connection

from phonehome_cloud.core.acting import part_orders as core
from phonehome_cloud.core.acting.part_orders import ENDED, OrderKey
from phonehome_cloud.core.caring import FAILED, RUNNING, Case
from phonehome_cloud.core.tickets import HISTORY_ACTION
from phonehome_cloud.errors import NotFoundError

from . import care, hooks, people, tickets, visit_supply
from .acting import letters, parts
from .looking import look
from .vault import Vault

# What an owner wants to know of; that a supplier has accepted is no news.
_NEWS: Final = frozenset((core.BACK_ORDERED, core.SHIPPED, core.DELIVERED, core.REFUSED))

FindProduct = Callable[[str | None], Any]


def load_secrets(
    connection: Connection, vault: Vault, key: OrderKey, now_at: int
) -> tuple[str, list[bytes]]:
    """(supplier, what it signs with); none for an order that no supplier with a webhook has."""
    row = parts.find(connection, key)
    if row is None or row["supplier"] is None:
        return "", []
    hook = hooks.maybe_for(connection, f"supplier:{row['supplier']}")
    if hook is None:
        return row["supplier"], []
    return row["supplier"], hooks.load_secrets(connection, vault, hook["webhook"], now_at)


def take(
    connection: Connection,
    key: OrderKey,
    event: str,
    said: str,
    detail: Mapping[str, Any],
    who: str,
    now_at: int,
    find_product: FindProduct,
) -> str:
    """Follow a supplier's word; the state of the order behind it. The same `event` twice is one.

    Raises NotFoundError, and ConflictError when the order cannot have come to that.
    """
    ticket = tickets.expect(connection, *key[:2])
    row = parts.expect(connection, key)
    state = parts.hear(connection, row, event, said, now_at, detail)
    if state is None:
        return str(row.state)
    others = [one for one in parts.list_of(connection, key.action) if one.number != key.number]
    evidence = {"n": key.n, "order": core.order_id(key), **detail}
    text = f"order {core.order_id(key)}: {state.replace('_', ' ')}"
    text += core.say_others((core.order_id(parts.key_of(one)), one.state) for one in others)
    ticket.note(now_at, who, HISTORY_ACTION, evidence=evidence, text=text)
    tickets.save(connection, (), [ticket])
    awaited = [one for one in others if one.state not in ENDED]
    if row.destination == core.TO_DEPOT:
        visit_supply.follow(connection, row, state, who, now_at)
    elif state in _NEWS:
        _tell_owner(connection, key, state, len(awaited), now_at)
    if care.expect_action(connection, key.action).state != RUNNING:
        return state
    if state == core.REFUSED:
        why = {"text": detail.get("reason") or "the supplier cannot deliver it"}
        care.conclude(connection, key.action, FAILED, who, now_at, evidence=evidence, **why)
    elif state == core.DELIVERED and row.destination == core.TO_OWNER and not awaited:
        case = _case(connection, key, find_product)
        parts.deliver(connection, row, case, now_at)
        _wait_for_fitting(connection, key, now_at)
    return state


def _tell_owner(
    connection: Connection, key: OrderKey, state: str, awaited: int, now_at: int
) -> None:
    """A letter for each state, and for each day that is said anew; so many others are awaited."""
    owner = people.find_owner(connection, key[0])
    if owner is None or owner.mail is None:
        return
    told = {**parts.tell_of(_now(connection, key), core.order_id(key)), "state": state}
    told |= {"awaited": awaited, "parcels": len(parts.list_of(connection, key.action))}
    again = f"{state}:{told['expected_at']}" if told["expected_at"] else state
    given = (
        letters.key_of("part", *key.action, key.again(again)),
        "part_news",
        told,
        *key[:2],
        now_at,
    )
    letters.tell_owner(connection, owner, *given)


def _wait_for_fitting(connection: Connection, key: OrderKey, now_at: int) -> None:
    """The part is there: the owner has so long to say whether it helped."""
    action = care.expect_action(connection, key.action)
    action.due_at = now_at + core.FITTING_MS
    care.save_actions(connection, (), [action])
    look(connection, *key[:2], now_at)


def _now(connection: Connection, key: OrderKey) -> Mapping[Any, Any]:
    row = parts.find(connection, key)
    if row is None:
        raise NotFoundError(f"no order {core.order_id(key)}")
    return row


def _case(connection: Connection, key: OrderKey, find_product: FindProduct) -> Case:
    ticket = tickets.expect(connection, *key[:2])
    product = find_product(ticket.product)
    fault = product.find_fault(ticket.spn, ticket.fmi) if product else None
    action_id = care.expect_action(connection, key.action).action_id
    action = fault.find_action(action_id) if fault and action_id else None
    owner = people.find_owner(connection, key[0])
    return Case(ticket, product, fault, action, owner=owner)
