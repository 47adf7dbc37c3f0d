"""Hard rules: what is never done, whatever it would save. Each has its name and its sentence.

A rule looks at one move and says whether it is forbidden; the first that does is the one that is
shown. Two more of the promises need no rule here: who pays changes no figure of the arithmetic
(`payer` is only carried along), and consent does not forbid an action but makes it wait.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from .playbook import Move, Playbook
from .situation import (
    LEAD,
    OWNER,
    PART,
    PERSON,
    REMOTE_FIX,
    SELF_HELP,
    UNANSWERED,
    VISIT,
    WAIT,
    Situation,
)

# An action that helps so often whatever the cause is may be taken without being sure of the
# cause: more often right than the best diagnosis that this system acts on.
SURE_OF_ACTION: Final = 0.75
# Steps and commands cost no van and no part: more likely to help than not is enough for them.
SURE_OF_STEPS: Final = 0.5
# When an action has failed, its cause loses weight; below this the first cause left is a guess.
SURE_OF_CAUSE: Final = 0.6
# Of the commands of the agent, those after which the appliance can do all that it could before.
HARMLESS: Final = frozenset(
    {"ping", "send_hello", "send_log", "resend_range", "reboot", "clear_faults"}
)
# An application's command is its maker's; one that says that it takes something away is no fix.
TAKING: Final = ("disable", "lock", "limit", "block", "downgrade", "degrade", "suspend", "revoke")
TRIED_ENOUGH: Final = 2  # times; what keeps coming back after that is another cause

NEEDS_CONSENT: Final = frozenset((REMOTE_FIX, PART, VISIT, LEAD))
_NO_VAN: Final = frozenset((SELF_HELP, REMOTE_FIX))
_TO_OWNER: Final = frozenset((SELF_HELP, PART, VISIT, LEAD))


@dataclass(frozen=True, slots=True)
class Question:
    """What a rule may look at: the case, and the move that is asked about.

    `p_success` is the move's; `is_sure` whether the first cause may be acted on after all that
    was tried.
    """

    playbook: Playbook
    situation: Situation
    move: Move
    p_success: float
    is_sure: bool


def _is_running(q: Question) -> bool:
    return q.situation.running is not None and q.move.kind != WAIT


def _is_safety(q: Question) -> bool:
    if q.situation.running is not None and q.move.kind == WAIT:
        return False  # the person is on it
    return q.playbook.fault.safety and q.move.kind != PERSON


def _is_held(q: Question) -> bool:
    if q.playbook.fault.safety:
        return False
    return q.situation.incident is not None and q.move.kind != WAIT


def _waits_for_nothing(q: Question) -> bool:
    now = q.situation
    has_reason = now.is_recovering or now.running is not None or now.incident is not None
    return q.move.kind == WAIT and not has_reason


def _takes_function(q: Question) -> bool:
    if q.move.kind != REMOTE_FIX:
        return False
    command = q.playbook.product.find_command(q.move.command or "")
    if command is None:
        return True
    if isinstance(command.code, str):
        return command.code not in HARMLESS
    return any(word in command.name for word in TAKING)


def _is_tried(q: Question) -> bool:
    if q.move.kind in (WAIT, PERSON):
        return False
    ended = [tried for tried in q.situation.tried if tried.action_id == q.move.name]
    is_out = any(tried.outcome in ("failed", "declined") for tried in ended)
    return is_out or len(ended) >= TRIED_ENOUGH


def _brings_nothing_new(q: Question) -> bool:
    failed = (t.action_id for t in q.situation.tried if t.outcome == "failed")
    moves = (q.playbook.find(name) for name in failed)
    return any(earlier is not None and q.move.repeats(earlier) for earlier in moves)


def _is_unanswered(q: Question) -> bool:
    ended = {(tried.action_id, tried.outcome) for tried in q.situation.tried}
    return (q.move.name, UNANSWERED) in ended


def _comes_later(q: Question) -> bool:
    tried = {tried.action_id for tried in q.situation.tried}
    return not tried.issuperset(q.move.after)


def _has_no_owner(q: Question) -> bool:
    if q.situation.owner_known:
        return False
    asks = q.move.kind in NEEDS_CONSENT and q.move.kind not in q.situation.consents
    return asks or q.move.kind in _TO_OWNER


def _is_offline(q: Question) -> bool:
    return q.move.kind == REMOTE_FIX and q.situation.is_online is False


def _is_discontinued(q: Question) -> bool:
    for number in q.move.parts:
        part, stock = q.playbook.product.find_part(number), q.situation.stock.get(number)
        if (part is not None and part.discontinued) or (stock and stock.is_discontinued):
            return True
    return False


def _owner_cannot_fit(q: Question) -> bool:
    if q.move.kind != PART:
        return False
    parts = [q.playbook.product.find_part(number) for number in q.move.parts]
    return not all(part is not None and part.owner_can_fit for part in parts)


def _is_covered(q: Question) -> bool:
    return q.move.kind == LEAD and q.situation.payer != OWNER


def _is_unsure(q: Question) -> bool:
    if q.move.kind in (WAIT, PERSON) or q.is_sure:
        return False
    enough = SURE_OF_STEPS if q.move.kind in _NO_VAN else SURE_OF_ACTION
    return q.p_success < enough


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule, and what it says to an operator."""

    forbids: Callable[[Question], bool]
    sentence: str


RULES: Final[Mapping[str, Rule]] = {
    "running": Rule(_is_running, "another action is under way: nothing is done twice"),
    "safety": Rule(_is_safety, "a safety fault goes to a person at once"),
    "incident": Rule(_is_held, "it is part of an incident: one decision for all its tickets"),
    "no_reason": Rule(_waits_for_nothing, "nothing says that it goes away by itself"),
    "disables": Rule(_takes_function, "no command may take away what the owner paid for"),
    "tried": Rule(_is_tried, "it was tried, and did not help or was not wanted"),
    "nothing_new": Rule(_brings_nothing_new, "its parts were brought before, and did not help"),
    "unanswered": Rule(_is_unanswered, "the owner was reminded and never began: a person may ask"),
    "later": Rule(_comes_later, "something else is to be tried first"),
    "nobody": Rule(_has_no_owner, "nobody knows whose appliance it is"),
    "offline": Rule(_is_offline, "the appliance cannot be reached"),
    "discontinued": Rule(_is_discontinued, "a part of it is no longer made"),
    "unfit": Rule(_owner_cannot_fit, "the part is not for owners to fit"),
    "covered": Rule(_is_covered, "warranty or contract pays for repairs: nothing is sold"),
    "not_sure": Rule(_is_unsure, "neither the cause nor the help is sure: a person decides"),
}


def find_rule(question: Question) -> str | None:
    """The name of the rule that forbids a move, or None when it may be done."""
    return next((name for name, rule in RULES.items() if rule.forbids(question)), None)


def is_sure(first: float, is_diagnosed: bool, has_failed: bool) -> bool:
    """Whether the first cause may be acted on; `first` is its P after what failed."""
    return is_diagnosed and (not has_failed or first >= SURE_OF_CAUSE)
