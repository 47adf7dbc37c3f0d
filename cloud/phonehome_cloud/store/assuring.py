"""An owner's word that an action helped is followed until it counts, or something else is done."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import Connection, Row

from phonehome_cloud.core.acting.assurances import (
    ASKED,
    BELIEVED,
    CONFIRMED,
    REFUTED,
    WATCHED,
)
from phonehome_cloud.core.caring import FAILED, HELPED, RUNNING, ActionKey
from phonehome_cloud.core.digesting import WHO_DEVICE, WHO_RULE, Ticket
from phonehome_cloud.core.tickets import BY_RULE, HISTORY_ACTION, OPEN, RESOLVED

from . import care, tickets
from .acting import assurances
from .looking import look

RULE_STILL_THERE: Final = "still active at the device"
_SAID: Final[Mapping[str, str]] = MappingProxyType(
    {
        CONFIRMED: "the owner says that it helped, and the device confirms it",
        BELIEVED: "the owner says that it helped; the device was not heard since",
        ASKED: "the owner says that it helped; the device still holds the fault: they are asked",
        REFUTED: "the owner says that it helped; the device still holds the fault",
    }
)


def follow(connection: Connection, ticket: Ticket, row: Row[Any], now_at: int) -> None:
    """Look at one assurance that is due; the ticket is locked."""
    if row.state == BELIEVED:
        _doubt(connection, ticket, row, now_at)
        return
    action = care.expect_action(connection, _key(row))
    if action.state != RUNNING:
        assurances.drop(connection, row)
        return
    state = assurances.look(connection, row, ticket, now_at)
    if state == ASKED:
        assurances.ask_again(connection, action, row, now_at)
        care.save_actions(connection, (), [action])
        look(connection, row.device, row.ticket, now_at)
        ticket.note(now_at, WHO_DEVICE, HISTORY_ACTION, evidence=_tell(row), text=_SAID[state])
        tickets.save(connection, (), [ticket])
    elif state != WATCHED:
        _conclude(connection, row, state, now_at)


def _conclude(connection: Connection, row: Row[Any], state: str, now_at: int) -> None:
    outcome = FAILED if state == REFUTED else HELPED
    if outcome == FAILED:
        assurances.tell_refuted(connection, row, now_at)
    who = WHO_RULE if state == BELIEVED else WHO_DEVICE
    evidence = {**_tell(row), "assurance": state}
    given = _key(row), outcome, who, now_at
    care.conclude(connection, *given, evidence=evidence, text=_SAID[state])


def _doubt(connection: Connection, ticket: Ticket, row: Row[Any], now_at: int) -> None:
    """It was resolved on the owner's word alone: the appliance may be back, with the fault."""
    if ticket.state != RESOLVED:
        assurances.drop(connection, row)
    elif assurances.doubt(connection, row, ticket, now_at):
        action = care.expect_action(connection, _key(row))
        rule = RULE_STILL_THERE, _tell(row)
        ticket.move(OPEN, now_at, WHO_RULE, BY_RULE, *rule, text=_SAID[REFUTED])
        told = WHO_DEVICE, now_at, _tell(row), _SAID[REFUTED]
        care.take_back(connection, ticket, action, *told)
        assurances.tell_refuted(connection, row, now_at)


def _key(row: Row[Any]) -> ActionKey:
    return ActionKey(row.device, row.ticket, row.action)


def _tell(row: Row[Any]) -> dict[str, Any]:
    return {"n": row.action, "said_at": row.said_at, "times": row.times}
