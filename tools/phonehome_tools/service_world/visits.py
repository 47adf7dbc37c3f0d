"""A visit from the first proposal until the technician leaves, and the second one if it takes two.

Slots come from the receiver's own code. On the spot, technicians look for themselves: who finds
the cause does what helps against it, which may be what owners can do as well, and fits what that
takes, if it is in the van; who does not does what the order says, one cause after the other. Who
finds that it is the build reports that: no van mends it, and it is mended for all.
"""

from collections.abc import Generator, Sequence
from typing import Any

import simpy

from phonehome_cloud.core.visiting.calendar import Booking
from phonehome_cloud.core.visiting.presence import Presence
from phonehome_cloud.core.visiting.slots import Slot
from phonehome_product import Action

from .failures import HOUR_MS
from .life import DAY_H, Life, OverError, Steps
from .offers import replace
from .roster import local

MINUTES = 45  # of a visit whose action does not say how long it takes
_ROUNDS = 3  # of proposals; then somebody takes a day off
_ANSWER_MOST_H = 17.0  # proposals begin after 18 hours
_NOBODY_H = 7 * DAY_H  # until it is asked again whether somebody can come
_ON_THE_SPOT = ("visit", "self_help")


def visit(
    life: Life, ordered: Action | None, presence: Presence, *, brings_parts: bool = True
) -> Steps:
    """Send a technician with the parts of an action, or with what the van has of them; again with
    the parts that were missing.

    OverError when it helps; it returns when it did not, and nobody knows more than before.
    """
    brought = ordered.parts if ordered and brings_parts else ()
    needed = yield from _come(life, ordered, brought, presence)
    _in_vain(life)
    if needed is not None:
        yield from _come(life, needed, needed.parts, presence)
        _in_vain(life)


def _in_vain(life: Life) -> None:
    """A visit that did not help costs what the table of costs says, on top of the van."""
    life.entry.pay("visits", life.shop.prices.real.wasted_visit)


def _come(
    life: Life, ordered: Action | None, brought: Sequence[str], presence: Presence
) -> Generator[simpy.Event, Any, Action | None]:
    """One visit; the action whose parts are needed and are not in the van, if there is one."""
    yield from _until_somebody_opens(life, ordered, brought, presence)
    turn = life.turn()
    life.entry.visits += 1
    truth, craft = life.failure.truth, life.shop.world.craft
    doing, found = ordered, life.happens(float(craft.finds_cause), "finds", turn)
    if found:
        doing = truth.best_action(life.failure.cause, _ON_THE_SPOT, life.shop.price_of)
    real = life.shop.prices.real
    minutes = (doing.minutes if doing else None) or MINUTES
    life.entry.pay("visits", real.truck + minutes * real.technician_minute)
    if found and life.failure.cause in truth.elsewhere:
        _close(life, turn)
        raise OverError("advised")
    if found and life.failure.batch is not None and life.failure.batch.build:
        _in_vain(life)
        yield from life.wait(float(life.failure.batch.mended_days) * DAY_H)
        raise OverError("mended")
    if found and doing is None:
        life.shop.teach_code(life, turn)
        yield from replace(life)
    if doing is None:
        return None
    fitted = doing.fitted_given(life.failure.cause) if found else _fitted_in_turn(life, doing)
    returned = [part for part in brought if part not in fitted]
    life.entry.pay("visits", len(returned) * real.part_back)
    if not all(part in brought or _in_van(life, part, turn) for part in fitted):
        return doing
    life.entry.pay("parts", life.shop.price_of(fitted))
    if not life.mends(doing, turn):
        return None
    _close(life, turn, None if found else doing)
    raise OverError("visit")


def _close(life: Life, turn: int, done: Action | None = None) -> None:
    """The technician leaves for good."""
    life.entry.is_fixed_first = life.entry.visits + life.entry.wasted == 1
    life.shop.teach_code(life, turn, done)


def _fitted_in_turn(life: Life, doing: Action) -> Sequence[str]:
    """What is fitted by somebody who tries the causes that it is good for, the likeliest first."""
    believed = life.entry.believed or {c.id: float(c.prior) for c in life.fault.causes}
    fitted: list[str] = []
    for cause in sorted(doing.success, key=lambda cause: -believed.get(cause, 0.0)):
        fitted += [part for part in doing.fitted_given(cause) if part not in fitted]
        if cause == life.failure.cause:
            return fitted
    return doing.parts


def _in_van(life: Life, part: str, turn: int) -> bool:
    return life.happens(life.shop.in_van(part), "in van", part, turn)


def _until_somebody_opens(
    life: Life, ordered: Action | None, brought: Sequence[str], presence: Presence
) -> Steps:
    """Agree on a slot and wait for it, again when nobody is home."""
    keeps = float(life.shop.world.owners.keeps_visit)
    while True:
        booking = yield from _agree(life, ordered, brought, presence)
        try:
            yield from life.wait((booking.start_at - life.now_at) / HOUR_MS)
        except OverError:
            life.shop.roster.cancel(booking)
            raise
        habit = _home(life, booking.start_at)
        if life.happens(habit + (1 - habit) * keeps, "opens", life.turn()):
            return
        real = life.shop.prices.real
        life.entry.wasted += 1
        life.entry.pay("visits", real.truck)
        _in_vain(life)


def _agree(
    life: Life, ordered: Action | None, brought: Sequence[str], presence: Presence
) -> Generator[simpy.Event, Any, Booking]:
    """Propose slots until the owner takes one that is still free."""
    shop = life.shop
    parts_at = life.now_at + round(shop.lead_days(brought) * DAY_H * HOUR_MS)
    for turn in range(10_000):  # a roster that is full for a year is no world but a mistake
        slots = shop.roster.propose(
            ordered.skills if ordered else (),
            (ordered.minutes if ordered else None) or MINUTES,
            parts_at,
            life.failure.appliance,
            presence,
            life.now_at,
        )
        if not slots:
            yield from life.wait(_NOBODY_H)
            continue
        life.entry.pay("letters", shop.prices.real.mail)
        answers_h = float(shop.world.owners.answers_hours)
        question = "answers", life.turn()
        yield from life.wait_about(answers_h, *question, most_h=_ANSWER_MOST_H)
        for slot in _suiting(life, slots, is_last_round=turn >= _ROUNDS - 1):
            booking = shop.roster.book(slot, life.failure.appliance.place)
            if booking is not None:
                return booking
    raise RuntimeError(f"nobody can ever come to {life.failure.appliance.place}")


def _suiting(life: Life, slots: tuple[Slot, ...], *, is_last_round: bool) -> list[Slot]:
    """Slots at which somebody is home; all of them when the owner takes a day off for it."""
    if is_last_round:
        return list(slots)
    return [slot for slot in slots if _is_home(life, slot)]


def _is_home(life: Life, slot: Slot) -> bool:
    """Chance for each slot, the same one whoever proposes it."""
    return life.happens(_home(life, slot.start_at), "is home", slot.start_at)


def _home(life: Life, at: int) -> float:
    """P(somebody is home by habit), as the world has it."""
    there = local(at, life.shop.world.world.zone)
    household = life.failure.appliance.household
    days = (household.workday, household.saturday, household.sunday)
    return float(days[max(0, there.weekday() - 4)][there.hour])
