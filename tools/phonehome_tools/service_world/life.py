"""One fault in the hands of one policy: its time passes, and it ends exactly once.

A fault that goes away by itself does so whatever is being waited for; a visit that is booked by
then is called off.
"""

from collections.abc import Generator, Mapping
from typing import Any, TypeAlias

import simpy

from phonehome_product import Action, Fault

from .books import Entry
from .failures import Failure, moment
from .shop import Shop

Steps: TypeAlias = Generator[simpy.Event, Any, None]
Story: TypeAlias = Generator[simpy.Event, Any, bool]  # True: it is tried, and did not help
DAY_H = 24.0


class OverError(Exception):
    """The fault is gone; `end` says how."""

    def __init__(self, end: str) -> None:
        self.end = end
        super().__init__(end)


class Life:
    """A fault and what is done about it; `turns` counts what was tried, for chance to go on."""

    def __init__(self, shop: Shop, failure: Failure, entry: Entry) -> None:
        self.shop = shop
        self.failure = failure
        self.entry = entry
        self.seen: Mapping[str, bool] = {}  # evidence of the newest diagnosis
        self._turns = 0

    @property
    def fault(self) -> Fault:
        """The fault in the product file."""
        return self.failure.truth.fault

    @property
    def now_at(self) -> int:
        """Unix ms."""
        return moment(self.shop.env.now)

    def expect_action(self, action_id: str) -> Action:
        """An action of the fault; KeyError when there is none of this id."""
        action = self.fault.find_action(action_id)
        if action is None:
            raise KeyError(action_id)
        return action

    def turn(self) -> int:
        """A new number, for questions to chance that come again."""
        self._turns += 1
        return self._turns

    def happens(self, probability: float, *question: object) -> bool:
        """Chance, the same one for each policy that asks the same question."""
        return self.failure.luck.happens(float(probability), *question)

    def wait(self, hours: float) -> Steps:
        """Let time pass; OverError at the moment when the fault goes away by itself."""
        env, heals_h = self.shop.env, self.failure.heals_h
        until_h = env.now + max(0.0, hours)
        if heals_h is not None and heals_h <= until_h:
            yield env.timeout(max(0.0, heals_h - env.now))
            raise OverError("healed")
        yield env.timeout(until_h - env.now)

    def wait_about(self, mean_h: float, *question: object, most_h: float = 720.0) -> Steps:
        """Let an exponential time pass, at most a month."""
        drawn = self.failure.luck.waits(float(mean_h), *question)
        yield from self.wait(min(drawn, most_h))

    def mends(self, action: Action, *question: object) -> bool:
        """Whether an action really helps now; the same action fails again for the same reason."""
        truth = self.failure.truth
        chance = truth.success[action.id][self.failure.cause]
        return self.happens(chance, "mends", action.id, *question)


def run_life(life: Life, policy: Steps) -> Steps:
    """Follow a policy until the fault is gone, and close its entry."""
    end = ""
    try:
        yield from policy
    except OverError as over:
        end = over.end
    truth, shop = life.failure.truth, life.shop
    life.entry.close(end, shop.env.now, truth.out_of_use, shop.day_of(truth))
