"""What a supplier's word does to the visit that waits for the part: later, or earlier, at once."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row

from phonehome_cloud.core.acting.part_orders import BACK_ORDERED, DELIVERED, ENDED
from phonehome_cloud.core.caring import ActionKey
from phonehome_cloud.core.visiting.slots import DAY_MS
from phonehome_cloud.core.visiting.visit import Visit

from . import people, visit_answers, visits
from .acting import parts, visit_parts
from .acting.visit_parts import LOAD_MS


def follow(connection: Connection, order: Row[Any], state: str, who: str, now_at: int) -> None:
    """An order of a visit came to `state`; `order` is the row before that. The ticket is locked.

    What has arrived lies in the depot and is kept for the visit, if it is still to be.
    """
    key = ActionKey(order.device, order.ticket, order.action)
    if state == DELIVERED:
        parts.receive(connection, order)
    of = visits.maybe_visit(connection, key)
    if of is None or not of.is_under_way:
        return
    if state == DELIVERED:
        visit_parts.keep_in_depot(connection, of, now_at)
        visits.save(connection, of)
    missing = [row["part"] for row in visit_parts.missing(of)]
    if not missing:
        visit_answers.hasten(connection, key, now_at, who, now_at)
        return
    now = parts.expect(connection, parts.key_of(order))
    if now.expected_at is None and state != BACK_ORDERED:
        return  # nothing new about when
    parts_at = guess(connection, of, missing, now_at)
    if parts_at <= (of.start_at or 0):
        visit_answers.hasten(connection, key, parts_at, who, now_at)
    else:
        visit_answers.delay(connection, key, parts_at, who, now_at)


def guess(connection: Connection, of: Visit, missing: Sequence[str], now_at: int) -> int:
    """When a technician can bring all that is missing: on the last of the suppliers' days, or of
    those that are usual.
    """
    orders = [one for one in parts.list_of(connection, of.key) if one.state not in ENDED]
    ordered = {line["part"]: order.expected_at for order in orders for line in order.lines}
    found = [_arrives(connection, part, ordered.get(part), now_at) for part in missing]
    return max(found) + LOAD_MS


def _arrives(connection: Connection, part: str, said_at: int | None, now_at: int) -> int:
    if said_at is not None and said_at > now_at:
        return said_at
    days = people.availability(connection, part, now_at).lead_days
    return now_at + max(1, days or 1) * DAY_MS
