"""Questions to a device about a ticket that is not clear: given once, and waited for a while.

The answers are facts of the ticket (store.facts) and rank its causes again. A command that only an
idle appliance may get is given when it has just said that it is idle; while it is busy it is asked
again. The commands of a ticket are told apart by who gave them: "ask:<ticket>".
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from phonehome_cloud.core import orders
from phonehome_cloud.core.acting.remote import (
    ASK_AGAIN_MS,
    COMMAND_WITHIN_MS,
    IDLE_GOOD_MS,
    Question,
    says_idle,
)
from phonehome_cloud.core.digesting import WHO_RULE, Ticket
from phonehome_cloud.core.orders import OrderError
from phonehome_cloud.errors import CloudError

from . import answers, commands
from .schema import command

# Nothing is decided for so long: a device that is connected answers in seconds, one that polls
# within a heartbeat. An answer that comes later still ranks the causes again.
HOLD_MS: Final = 5 * 60_000

HISTORY_ASKED: Final = "asked"
RULE_ASKED: Final = "not sure"


def ask_device(
    connection: Connection, ticket: Ticket, product: Any, asks: Iterable[Any], now_at: int
) -> int | None:
    """Give the question that would tell most; returns when to look again, None to go on without.

    `product` and `asks` are of phonehome_product, the best question first; what is asked goes into
    the ticket's history, which the caller saves.
    """
    given = _load(connection, ticket)
    until_at = (given[0].asked_at if given else now_at) + HOLD_MS
    for wanted in asks:
        allowed = product.find_command(wanted.command)
        if allowed is None or now_at >= until_at:
            continue
        code = _code(allowed)
        mine = [row for row in given if row.code == code]
        if code is None or any(row.ended_at is not None for row in mine):
            continue
        if mine:
            return until_at
        again_at = (
            _wait_until_idle(connection, ticket, product, given, now_at) if allowed.idle else 0
        )
        if again_at:
            return min(again_at, until_at)
        if again_at is not None and _give(connection, ticket, code, now_at):
            evidence = {"question": wanted.title, "command": wanted.command}
            ticket.note(now_at, WHO_RULE, HISTORY_ASKED, rule=RULE_ASKED, evidence=evidence)
            return until_at
    return None


def _load(connection: Connection, ticket: Ticket) -> Sequence[Row[Any]]:
    """The commands that were given for this ticket, oldest first."""
    who = answers.asked_for(ticket.number)
    of_ticket = command.c.device == ticket.device, command.c.who == who
    return connection.execute(select(command).where(*of_ticket).order_by(command.c.number)).all()


def _code(allowed: Any) -> int | None:
    try:
        return orders.read_code(allowed.code)
    except OrderError:
        return None


def _wait_until_idle(
    connection: Connection,
    ticket: Ticket,
    product: Any,
    given: Sequence[Row[Any]],
    now_at: int,
) -> int | None:
    """0 when the appliance just said that it is idle, else when to look; None: it cannot say."""
    idle = product.service.idle if product.service else None
    probe = product.find_command(idle.command) if idle else None
    code = _code(probe) if probe else None
    if idle is None or code is None:
        return None
    last = next((row for row in reversed(given) if row.code == code), None)
    if last is not None and last.ended_at is None:
        return now_at + COMMAND_WITHIN_MS
    if last is not None and last.ended_at + ASK_AGAIN_MS > now_at:
        low = 1.0 if idle.min is None and idle.max is None else idle.min
        most = None if idle.max is None else float(idle.max)
        question = Question(code, idle.field, float("-inf" if low is None else low), most)
        is_fresh = now_at - last.ended_at <= IDLE_GOOD_MS
        if is_fresh and says_idle(question, last.value):
            return 0
        return int(last.ended_at) + ASK_AGAIN_MS
    return now_at + COMMAND_WITHIN_MS if _give(connection, ticket, code, now_at) else None


def _give(connection: Connection, ticket: Ticket, code: int, now_at: int) -> bool:
    """Queue a command for now; False when the device's queue is full, or it is revoked."""
    who, until_at = answers.asked_for(ticket.number), now_at + HOLD_MS
    order = commands.Order(ticket.device, code, None, False, who, now_at, until_at)
    try:
        with connection.begin_nested():
            commands.add(connection, order)
    except CloudError:
        return False
    return True
