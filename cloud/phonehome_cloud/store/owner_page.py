"""The owner's page: what it shows of a ticket, and what its owner says on it, by a link alone.

A link is good for its owner while the appliance is theirs; what they do goes the same ways as what
an operator does for them.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, RowMapping, select

from phonehome_cloud.core.acting.part_orders import (
    ENDED,
    HELD,
    TO_OWNER,
    OrderKey,
    check_cancel,
    order_id,
    say_others,
)
from phonehome_cloud.core.caring import FAILED, HELPED, RUNNING, ActionKey, ActionRow
from phonehome_cloud.core.deciding.situation import LEAD
from phonehome_cloud.core.digesting import Ticket
from phonehome_cloud.core.people.owners import Owner
from phonehome_cloud.core.tickets import HISTORY_ACTION
from phonehome_cloud.errors import ConflictError, GoneError

from . import care, links, people, tickets, visit_letters, visits
from .acting import assurances, callbacks, leads, parts, remote, steps
from .bulk import mapping_of
from .claiming import MY_PAGE
from .columns import to_json
from .looking import look
from .owner_links import PURPOSE, read_subject
from .schema import ticket as ticket_table

WHO: Final = "owner"
_MINE_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class Shown:
    """Everything that a page shows. `action` is the newest one, whatever its state; `phone` is
    that of the service desk, "" when nobody knows it.
    """

    owner: Owner
    ticket: Ticket
    action: RowMapping | None
    earlier: Sequence[RowMapping]
    steps: Sequence[RowMapping]
    orders: Sequence[RowMapping]
    fix_state: str | None
    assurance: RowMapping | None
    callback: RowMapping | None
    phone: str

    @property
    def version(self) -> str:
        """Changes whenever anything does that the page shows."""
        rows = [
            self.action,
            *self.earlier,
            *self.steps,
            *self.orders,
            self.assurance,
            self.callback,
        ]
        told = [row and {k: v for k, v in row.items() if k != "due_at"} for row in rows]
        state = self.ticket.state, self.ticket.recovered_at, self.fix_state, told
        return hashlib.sha256(to_json(state).encode()).hexdigest()[:16]


def load(connection: Connection, token: str, now_at: int) -> Shown:
    """What a link shows; NotFoundError for none, GoneError for one that is over. Nothing is
    locked: a page may look every few seconds.
    """
    owner, dev, number = _read_link(connection, token, now_at)
    of_it = ticket_table.c.device == dev, ticket_table.c.number == number
    ticket = Ticket(**connection.execute(select(ticket_table).where(*of_it)).mappings().one())
    actions = care.list_actions(connection, ticket.device, ticket.number)
    newest = actions[-1] if actions else None
    n = newest["n"] if newest else 0
    key = _key(ticket, n)
    fix = remote.find(connection, *key)
    return Shown(
        owner,
        ticket,
        newest,
        actions[:-1],
        steps.list_steps(connection, key),
        _list_orders(connection, key),
        fix.state if fix else None,
        assurances.find(connection, key),
        callbacks.find_open(connection, ticket.device, ticket.number),
        people.find_desk(connection).phone or "",
    )


def _list_orders(connection: Connection, key: ActionKey) -> list[RowMapping]:
    """What was ordered for the owner; what a technician brings along is not theirs to follow."""
    orders = map(mapping_of, parts.list_of(connection, key))
    return [order for order in orders if order["destination"] == TO_OWNER]


def open_visit(connection: Connection, token: str, n: int, now_at: int) -> str:
    """The path of the page of the visit that action `n` is, under a token of its own."""
    owner, ticket = _open(connection, token, now_at)
    of = visits.read(connection, _key(ticket, n))
    return visit_letters.make_page(connection, owner, of, now_at)


def open_mine(connection: Connection, token: str, now_at: int) -> str:
    """The path of the owner's own page, under a token of its own: good while they look at it."""
    owner, *_ = _read_link(connection, token, now_at)
    return "/my/" + links.make(connection, MY_PAGE, f"owner:{owner.id}", now_at + _MINE_MS)


def finish_step(connection: Connection, token: str, n: int, number: int, now_at: int) -> None:
    """The owner has done a step of action `n`."""
    _, ticket = _open(connection, token, now_at)
    _expect_running(connection, ticket, n)
    key = _key(ticket, n)
    steps.finish(connection, key, number, WHO, now_at)
    text = f"step {number + 1}: the owner has done it"
    ticket.note(now_at, WHO, HISTORY_ACTION, evidence={"n": n, "step": number + 1}, text=text)
    tickets.save(connection, (), [ticket])


def conclude(
    connection: Connection, token: str, n: int, now_at: int, *, helped: bool, text: str | None
) -> None:
    """The owner says whether action `n` helped; the appliance that still holds the fault is
    watched before that counts.
    """
    _, ticket = _open(connection, token, now_at)
    action = _expect_running(connection, ticket, n)
    if helped and assurances.take(connection, action, ticket, now_at):
        care.save_actions(connection, (), [action])
        look(connection, ticket.device, ticket.number, now_at)
        words = "the owner says that it helped; the device still holds the fault"
        ticket.note(now_at, WHO, HISTORY_ACTION, evidence={"n": n}, text=words)
        tickets.save(connection, (), [ticket])
        return
    outcome = HELPED if helped else FAILED
    care.conclude(connection, action.key, outcome, WHO, now_at, text=text)


def agree(connection: Connection, token: str, n: int, now_at: int) -> None:
    """The owner agrees to action `n`; TransitionError when nobody asks any more."""
    _, ticket = _open(connection, token, now_at)
    care.agree(connection, _key(ticket, n), WHO, now_at)


def decline(
    connection: Connection, token: str, n: int, now_at: int, *, never: bool = False
) -> None:
    """The owner does not want action `n`; with `never` no offer of a new appliance at all."""
    owner, ticket = _open(connection, token, now_at)
    action = care.expect_action(connection, _key(ticket, n))
    care.decline(connection, action.key, WHO, now_at)
    if never and action.kind == LEAD:
        leads.opt_out(connection, action, owner.id, now_at)


def cancel_order(connection: Connection, token: str, n: int, now_at: int) -> None:
    """The owner takes back all that was ordered while that costs nobody anything; ConflictError
    later.
    """
    _, ticket = _open(connection, token, now_at)
    orders = parts.list_of(connection, _key(ticket, n))
    for order in orders[1:]:
        check_cancel(order.state, order.cancel_until_at, now_at)
    cancel_part(connection, ticket, OrderKey(*_key(ticket, n)), WHO, now_at)


def cancel_part(
    connection: Connection, ticket: Ticket, key: OrderKey, who: str, now_at: int
) -> None:
    """An order is taken back, and its action with it, and what else was ordered for that; the
    ticket is locked.

    A visit stays: the desk that takes its order back has the part from elsewhere.
    """
    row = parts.expect(connection, key)
    others = [one for one in parts.list_of(connection, key.action) if one.number != key.number]
    if row.destination != TO_OWNER and who == WHO:
        raise ConflictError("the order is the technician's: decline the visit instead")
    parts.cancel(connection, row, now_at)
    if row.destination != TO_OWNER:
        said = say_others((order_id(parts.key_of(one)), one.state) for one in others)
        text = f"order {order_id(key)} was taken back; the visit stays{said}"
        ticket.note(now_at, who, HISTORY_ACTION, evidence={"n": key.n}, text=text)
        tickets.save(connection, (), [ticket])
        return
    sent = [one for one in others if one.state not in {HELD, *ENDED}]
    said = say_others((order_id(parts.key_of(one)), f"{one.state} and comes") for one in sent)
    given = key.action, "cancelled", who, now_at
    care.conclude(connection, *given, text=f"the order was taken back{said}")


def ask_call(connection: Connection, token: str, phone: str, call_at: int, now_at: int) -> None:
    """The owner wants to be called at a time; ConflictError says when that can be."""
    _, ticket = _open(connection, token, now_at)
    wish_call(connection, ticket, phone, call_at, now_at)


def wish_call(
    connection: Connection, ticket: Ticket, phone: str, call_at: int, now_at: int
) -> None:
    """The same, on whichever page; the ticket is locked."""
    callbacks.ask(connection, ticket.device, ticket.number, phone, call_at, now_at)
    ticket.note(now_at, WHO, HISTORY_ACTION, text="the owner wants to be called")
    tickets.save(connection, (), [ticket])


def _open(connection: Connection, token: str, now_at: int) -> tuple[Owner, Ticket]:
    owner, dev, number = _read_link(connection, token, now_at)
    return owner, tickets.expect(connection, dev, number)


def _read_link(connection: Connection, token: str, now_at: int) -> tuple[Owner, str, int]:
    who, dev, number = read_subject(links.open(connection, token, PURPOSE, now_at))
    owner = people.find_owner(connection, dev)
    if owner is None or owner.id != who:
        raise GoneError("the appliance has another owner now")
    return owner, dev, number


def _key(ticket: Ticket, n: int) -> ActionKey:
    return ActionKey(ticket.device, ticket.number, n)


def _expect_running(connection: Connection, ticket: Ticket, n: int) -> ActionRow:
    found = care.expect_action(connection, _key(ticket, n))
    if found.state != RUNNING:
        raise ConflictError("this has changed meanwhile: look at what is new")
    return found
