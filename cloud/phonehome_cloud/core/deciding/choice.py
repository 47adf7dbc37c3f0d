"""The choice among what the hard rules leave: by expected cost, one step after the other.

What a move costs is its own cost, and with the probability that it fails what failing costs and
whatever is best after that: a cheap step that may fail is followed by the next best, judged by
what its failure says about the causes. Three steps are looked ahead; then a person ends it.

A person finds the cause, in some calls by talking, in the others by a van that goes to look, and
then does the cheapest thing that mends it. So what a person is worth is what it is worth to know
the cause: little when the diagnosis is clear, much when it is not.
"""

import math
from collections.abc import Sequence
from operator import mul
from typing import Final

from phonehome_cloud.core.diagnosing.diagnosis import Diagnosis
from phonehome_product import Fault, Product

from .costs import Costs
from .decision import (
    CLEAR,
    INCIDENT,
    LEAD_LANE,
    SAFETY,
    SELF_HEALING,
    UNCLEAR,
    Decision,
    Lane,
    Option,
)
from .playbook import Move, Playbook, make_playbook
from .rules import NEEDS_CONSENT, RULES, Question, find_rule, is_sure
from .situation import KINDS, LEAD, OWNER, PART, PERSON, VISIT, WAIT, Kind, Situation

LOOK_AHEAD: Final = 3  # steps; a fourth one changes the first in no product file that ships
# The device has seen that the fault is gone, and the off-rule only watches for a relapse.
HEALS: Final = 0.9
# What nobody does anything about goes away now and then: a plug that shakes itself right.
HEALS_ALONE: Final = 0.02
_FEW: Final = 1024  # playbooks that are kept
_IF_IT_FAILS: Final = "if it fails"
_THEN: Final = "what a person then does"
# Rules that bind the system and not a person, who knows more.
_A_PERSON_MAY: Final = frozenset((None, "later", "not_sure", "nothing_new", "unanswered"))
_PERSON_PLACE: Final = 1  # among the moves of a playbook
# Causes that were all mended in vain have no weight left; so little of each stays that one can
# still divide by it.
_HARDLY: Final = 1e-9

_playbooks: dict[tuple[int, int, int], Playbook] = {}


def choose(
    product: Product | None,
    fault: Fault | None,
    diagnosis: Diagnosis | None,
    situation: Situation,
    costs: Costs,
) -> Decision:
    """What to do about a ticket, and why; a fault that no product file describes is a person's."""
    if product is None or fault is None or diagnosis is None or product.service is None:
        return _hand_over(fault, situation)
    choice = _Choice(_playbook(product, fault, costs), diagnosis, situation)
    return choice.decide(diagnosis)


def _playbook(product: Product, fault: Fault, costs: Costs) -> Playbook:
    """From memory when it was made before; it holds what its key was made of."""
    key = id(product), id(fault), id(costs)
    found = _playbooks.get(key)
    if found is None:
        if len(_playbooks) >= _FEW:
            _playbooks.clear()
        found = _playbooks[key] = make_playbook(product, fault, costs)
    return found


def _hand_over(fault: Fault | None, situation: Situation) -> Decision:
    """Nothing is known that could be weighed."""
    is_safety = fault is not None and fault.safety
    held = None if is_safety else situation.incident
    kind: Kind = WAIT if situation.running is not None or held is not None else PERSON
    if kind == PERSON:
        why = "No product file says what to do about this fault: a person decides."
    else:
        rule = "running" if situation.running is not None else "incident"
        why = f"Nothing is begun: {RULES[rule].sentence}."
    chosen = Option(kind, None, 1.0 if kind == PERSON else 0.0, 0.0)
    lane: Lane = SAFETY if is_safety else UNCLEAR if held is None else INCIDENT
    payer, tells = situation.payer, situation.owner_known
    return Decision(chosen, (chosen,), False, lane, (why,), payer, tells)


class _Choice:
    """One decision: moves with their probability, their cost now, and the rule against them."""

    def __init__(self, playbook: Playbook, diagnosis: Diagnosis, situation: Situation) -> None:
        self._playbook = playbook
        self._situation = situation
        self._moves = playbook.moves
        self._belief = _believe(playbook, diagnosis, situation)
        self._mass = sum(self._belief)
        self._p = [self._p_success(move) for move in self._moves]
        self._lines = [playbook.cost(move, situation) for move in self._moves]
        self._now = [sum(lines.values()) for lines in self._lines]
        self._by_cause = [_sum_up(move) for move in self._moves]
        for move, lines in zip(self._moves, self._lines, strict=True):
            for line, amounts in move.by_cause.items():
                if any(amounts):
                    lines[line] = _dot(self._belief, amounts) / self._mass
        failed = any(tried.outcome == "failed" for tried in situation.tried)
        first = max(self._belief) / self._mass
        self._is_sure = is_sure(first, diagnosis.is_sure, failed)
        self._rules = [self._rule(place) for place in range(len(self._moves))]
        self._tried = {tried.action_id for tried in situation.tried}
        # What may follow: never waiting, and the person is where it ends.
        self._steps = [
            place
            for place, move in enumerate(self._moves)
            if self._rules[place] in (None, "later") and move.kind not in (WAIT, PERSON)
        ]
        self._known: dict[int, float] = {}
        self._means = [
            place
            for place, move in enumerate(self._moves)
            if self._rules[place] in _A_PERSON_MAY and move.kind not in (WAIT, PERSON)
        ]
        then = self._by_person(0, self._belief) / self._mass - self._now[_PERSON_PLACE]
        self._lines[_PERSON_PLACE][_THEN] = then

    def _by_person(self, done: int, belief: Sequence[float]) -> float:
        """What a person costs: the desk, finding the cause, and mending it with what is left."""
        look = (1.0 - self._playbook.costs.person_knows) * self._playbook.look
        begin = self._now[_PERSON_PLACE] + look
        means = [place for place in self._means if not done >> place & 1]
        return sum(
            weight * (begin + self._mend(cause, means)) for cause, weight in enumerate(belief)
        )

    def _mend(self, cause: int, means: Sequence[int]) -> float:
        """The least that it takes to mend a cause that is known."""
        least = otherwise = self._playbook.any_repair
        is_known = False
        for place in means:
            move = self._moves[place]
            success = move.success[cause]
            if success:
                more = self._by_cause[place]
                now = self._now[place] + (more[cause] if more else 0.0)
                cost = now + (1.0 - success) * (move.failing + otherwise)
                least = cost if not is_known else min(least, cost)
                is_known = True
        return least

    def _p_success(self, move: Move) -> float:
        if move.kind == WAIT:
            return HEALS if self._situation.is_recovering else HEALS_ALONE
        return _dot(self._belief, move.success) / self._mass

    def _rule(self, place: int) -> str | None:
        move, p = self._moves[place], self._p[place]
        question = Question(self._playbook, self._situation, move, p, self._is_sure)
        return find_rule(question)

    def decide(self, diagnosis: Diagnosis) -> Decision:
        """The cheapest move that no rule forbids."""
        options = sorted((self._option(place) for place in range(len(self._moves))), key=_order)
        chosen = next(option for option in options if option.ruled_out_by is None)
        needs_consent = (
            chosen.kind in NEEDS_CONSENT and chosen.kind not in self._situation.consents
        )
        lane = self._lane(chosen)
        why = self._explain(diagnosis, options, chosen, needs_consent)
        payer, tells = self._situation.payer, self._situation.owner_known
        return Decision(chosen, tuple(options), needs_consent, lane, why, payer, tells)

    def _option(self, place: int) -> Option:
        move, p = self._moves[place], self._p[place]
        lines = self._lines[place]
        if p < 1.0:
            lines = lines | {_IF_IT_FAILS: self._after(place, p)}
        return Option(move.kind, move.action_id, p, sum(lines.values()), lines, self._rules[place])

    def _after(self, place: int, p: float) -> float:
        """What follows if it fails, times the probability of that."""
        move = self._moves[place]
        if move.kind == WAIT:  # nothing is learnt about the causes
            return (1.0 - p) * self._go(0, self._belief, LOOK_AHEAD - 1) / self._mass
        rest = _fail(self._belief, move)
        then = self._go(1 << place, rest, LOOK_AHEAD - 1)
        return (move.failing * sum(rest) + then) / self._mass

    def _go(self, done: int, belief: Sequence[float], steps: int) -> float:
        """The least that it costs from here, times the mass of `belief`; `done` are moves."""
        known = self._known.get(done)
        if known is not None:
            return known
        mass = sum(belief)
        best = self._by_person(done, belief)
        if steps:
            for place in self._steps:
                bit = 1 << place
                now = self._now[place] * mass
                if done & bit or now >= best or not self._may_follow(place, done):
                    continue
                move, more = self._moves[place], self._by_cause[place]
                if more:
                    now += _dot(belief, more)
                rest = _fail(belief, move)
                now += move.failing * sum(rest)
                if now < best:
                    best = min(best, now + self._go(done | bit, rest, steps - 1))
        self._known[done] = best
        return best

    def _may_follow(self, place: int, done: int) -> bool:
        move = self._moves[place]
        if not (move.after or move.parts):
            return True
        before = [other for at, other in enumerate(self._moves) if done >> at & 1]
        if any(move.repeats(earlier) for earlier in before):
            return False
        return (self._tried | {other.name for other in before}).issuperset(move.after)

    def _lane(self, chosen: Option) -> Lane:
        if self._playbook.fault.safety:
            return SAFETY
        if self._situation.incident is not None:
            return INCIDENT
        if chosen.kind in (PART, VISIT):
            return CLEAR
        if chosen.kind == LEAD:
            return LEAD_LANE
        return UNCLEAR if chosen.kind == PERSON else SELF_HEALING

    def _explain(
        self, diagnosis: Diagnosis, options: Sequence[Option], chosen: Option, asks: bool
    ) -> tuple[str, ...]:
        said = [_of_causes(diagnosis)]
        if diagnosis.why_unsure:
            said.append(f"Not sure: {diagnosis.why_unsure}.")
        said += [f"Tried: {tried.action_id}, {tried.outcome}." for tried in self._situation.tried]
        said += [_of_option(option) for option in options]
        said.append(_of_payer(self._situation.payer))
        if asks:
            said.append(f"The owner is asked first: nobody agreed to a {chosen.kind} yet.")
        return tuple(said)


def _believe(playbook: Playbook, diagnosis: Diagnosis, situation: Situation) -> list[float]:
    """P(cause) by the diagnosis, and by what was tried and failed; not normalised."""
    given = diagnosis.probabilities()
    belief = [given.get(cause, 0.0) for cause in playbook.causes]
    failed = {tried.action_id for tried in situation.tried if tried.outcome == "failed"}
    for move in playbook.moves:
        if move.name in failed and move.kind not in (WAIT, PERSON, LEAD):
            belief = _fail(belief, move)
    return [max(weight, _HARDLY) for weight in belief]


def _fail(belief: Sequence[float], move: Move) -> list[float]:
    """What is left of each cause when a move did not help."""
    weights = zip(belief, move.success, strict=True)
    return [weight * (1.0 - success) for weight, success in weights]


def _sum_up(move: Move) -> tuple[float, ...]:
    """What a move costs by cause, beside its lines; empty when they are all."""
    return tuple(map(math.fsum, zip(*move.by_cause.values(), strict=True)))


def _dot(weights: Sequence[float], amounts: Sequence[float]) -> float:
    return math.fsum(map(mul, weights, amounts))


def _order(option: Option) -> tuple[bool, float, int]:
    return option.ruled_out_by is not None, option.expected_cost, KINDS.index(option.kind)


def _of_causes(diagnosis: Diagnosis) -> str:
    likely = ", ".join(f"{c.title} {c.probability:.0%}" for c in diagnosis.causes[:3])
    return f"Causes: {likely}."


def _of_option(option: Option) -> str:
    name = f"{option.kind} {option.action_id}" if option.action_id else option.kind
    figures = " + ".join(f"{amount:.2f} {line}" for line, amount in option.parts_of_cost.items())
    text = f"{name}: helps with {option.p_success:.0%}; {option.expected_cost:.2f} = {figures}"
    if option.ruled_out_by is None:
        return text + "."
    return f"{text}; not done: {RULES[option.ruled_out_by].sentence}."


def _of_payer(payer: str) -> str:
    who = "The owner pays" if payer == OWNER else f"The {payer} pays"
    return f"{who} for parts and visits; the owner is told in any case."
