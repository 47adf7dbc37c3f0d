"""The receiver's own rules at work: observe, diagnose, ask, choose, and what follows from it."""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import simpy

from phonehome_cloud.core.deciding.choice import choose
from phonehome_cloud.core.deciding.decision import Decision, Option
from phonehome_cloud.core.deciding.situation import UNANSWERED, Situation, Tried
from phonehome_cloud.core.diagnosing.diagnosis import Diagnosis, Ranked
from phonehome_cloud.core.diagnosing.evidence import observe
from phonehome_cloud.core.diagnosing.priors import HELD_WEIGHT, HELPED_WEIGHT
from phonehome_product import Action

from .life import DAY_H, Life, OverError, Steps
from .offers import offer
from .offers import replace as replace_appliance
from .remedies import part, person, remote_fix, self_help
from .visits import visit

MOST_TURNS = 12  # then everybody has had enough, and a new one comes


@dataclass
class _Matter:
    """What the receiver has learnt about one ticket so far."""

    tried: list[Tried] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)


Diagnosing: TypeAlias = Callable[[Life, "_Matter"], Generator[simpy.Event, Any, Diagnosis]]


def phonehome(life: Life) -> Steps:
    """Diagnose, decide, do it, see whether it helped, decide again."""
    yield from _follow(life, _diagnose)


def knowing(life: Life) -> Steps:
    """The same decisions by somebody who is told the cause: what no diagnosis can do better."""
    yield from _follow(life, _know)


def _follow(life: Life, diagnosing: Diagnosing) -> Steps:
    matter = _Matter()
    _count(life)
    for _ in range(MOST_TURNS):
        yield from _hold(life)
        diagnosis = yield from diagnosing(life, matter)
        situation = _situation(life, matter)
        fault, costs = life.fault, life.shop.prices.believed
        decision = choose(life.shop.product, fault, diagnosis, situation, costs)
        if not life.entry.first:
            life.entry.first = decision.chosen.kind
            life.entry.believed = diagnosis.probabilities()
        yield from _act(life, matter, diagnosis, decision)
    yield from replace_appliance(life)


def _count(life: Life) -> None:
    """One more failure; if that makes an incident, somebody looks at it, once for all of them."""
    known = life.shop.watch.incident_of(life.failure)
    if known is not None and known.batch is not None and life.shop.env.now >= known.over_h:
        if life.failure.batch is known.batch:
            raise OverError("prevented")
        return
    if life.shop.watch.count(life.failure, life.shop.env.now):
        desk = life.shop.world.desk
        life.entry.pay("desk", float(desk.minutes) * life.shop.prices.real.desk_minute)


def _hold(life: Life) -> Steps:
    """Neither van nor part while it is held; what is mended with all of its incident is over."""
    incident = life.shop.watch.incident_of(life.failure)
    if incident is None or life.shop.env.now >= incident.over_h:
        return
    life.entry.first = life.entry.first or "wait"
    yield from life.wait(incident.over_h - life.shop.env.now)
    if incident.batch is not None and life.failure.batch is incident.batch:
        raise OverError("mended")


def _know(life: Life, _: _Matter) -> Generator[simpy.Event, Any, Diagnosis]:
    """The truth as a diagnosis."""
    yield from ()
    ranked = [
        Ranked(c.id, c.title, float(c.id == life.failure.cause), float(c.prior), ())
        for c in life.fault.causes
    ]
    ranked.sort(key=lambda cause: -cause.probability)
    return Diagnosis(tuple(ranked), "", {}, (), ())


def _diagnose(life: Life, matter: _Matter) -> Generator[simpy.Event, Any, Diagnosis]:
    """A diagnosis from all that is known, and from what the device can be asked about it."""
    while True:
        facts = replace(life.failure.facts, now_at=life.now_at, answers=dict(matter.answers))
        found = observe(life.shop.product, life.fault, facts)
        # What cannot be told in this world may still be read from what else there is.
        seen = {name: holds for name, holds in found.items() if name in life.failure.shown}
        diagnosis = life.shop.diagnose(life.fault, seen)
        life.seen = diagnosis.seen
        ask = next((ask for ask in diagnosis.asks if ask.id not in matter.asked), None)
        if ask is None:
            return diagnosis
        matter.asked.add(ask.id)
        devices = life.shop.world.devices
        yield from life.wait_about(float(devices.answers_hours), "asked", ask.id)
        if life.happens(float(devices.reachable), "answers", ask.id):
            matter.answers |= life.shop.answers(life.failure, ask.command)


def _situation(life: Life, matter: _Matter) -> Situation:
    appliance = life.failure.appliance
    payer, owners = appliance.payer, life.shop.world.owners
    consents = {"visit", "part"} if payer == "contract" else set()
    if life.happens(float(owners.allows_remote), "allows remote"):
        consents.add("remote_fix")
    return Situation(
        now_at=life.now_at,
        payer=payer,  # type: ignore[arg-type]  # one of the three words
        consents=frozenset(consents),
        age_days=appliance.age_days,
        tried=tuple(matter.tried),
        stock=life.shop.stock(),
        owner_known=True,
        is_online=True,
    )


def _act(life: Life, matter: _Matter, diagnosis: Diagnosis, decision: Decision) -> Steps:
    """Do what was chosen, and note its outcome; an owner who does not agree ends it before."""
    chosen = decision.chosen
    name = chosen.action_id or chosen.kind
    if decision.needs_consent and not (yield from _agrees(life, chosen)):
        matter.tried.append(Tried(name, chosen.kind, "declined"))
        return
    action = life.expect_action(chosen.action_id) if chosen.action_id else None
    try:
        outcome = yield from _do(life, matter, chosen, action, diagnosis)
    except OverError as over:
        if over.end == chosen.kind and action is not None and chosen.kind != "visit":
            life.shop.teach_help(life.fault, diagnosis, action, HELPED_WEIGHT + HELD_WEIGHT)
        raise
    matter.tried.append(Tried(name, chosen.kind, outcome))


def _agrees(life: Life, chosen: Option) -> Generator[simpy.Event, Any, bool]:
    owners = life.shop.world.owners
    life.entry.pay("letters", life.shop.prices.real.mail)
    yield from life.wait_about(float(owners.answers_hours), "consent", chosen.kind)
    if chosen.kind == "lead":
        return True  # the offer itself is what the owner is asked
    return life.happens(float(owners.agrees), "agrees", chosen.action_id)


def _do(
    life: Life, matter: _Matter, chosen: Option, action: Action | None, diagnosis: Diagnosis
) -> Generator[simpy.Event, Any, str]:
    """What was chosen; how it ended when it did not help."""
    presence = life.shop.roster.presence_of(life.failure.appliance)
    if chosen.kind == "wait":
        yield from life.wait(life.shop.prices.believed.wait_days * DAY_H)
    elif chosen.kind == "lead":
        yield from offer(life)
    elif chosen.kind == "person" or action is None:
        steps = _unanswered(life, matter)
        believed = diagnosis.probabilities()
        yield from person(life, presence, lambda: _best_visit(life, believed), steps)
    elif chosen.kind == "visit":
        yield from visit(life, action, presence)
    elif chosen.kind == "self_help":
        if not (yield from self_help(life, action)):
            return UNANSWERED
    else:
        yield from {"remote_fix": remote_fix, "part": part}[chosen.kind](life, action)
    return "failed"


def _unanswered(life: Life, matter: _Matter) -> Action | None:
    """Steps that the owner never began: whoever calls about them goes through them."""
    silent = [tried.action_id for tried in matter.tried if tried.outcome == UNANSWERED]
    return life.expect_action(silent[-1]) if silent else None


def _best_visit(life: Life, believed: Mapping[str, float]) -> Action | None:
    """The visit that a person orders who has the ranked causes on the screen."""
    visits = [action for action in life.fault.actions if action.kind == "visit"]

    def helps(action: Action) -> float:
        return sum(p * float(action.success_given(cause)) for cause, p in believed.items())

    return max(visits, key=helps, default=None)
