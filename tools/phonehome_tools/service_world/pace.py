"""How fast one core ranks causes and chooses, beside what any program would have to do at least.

The ceiling is the same tickets' facts read from their JSON and written again: whatever decides has
to do that much, and it is the same work of the same interpreter.
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from phonehome_cloud.core.deciding.choice import choose
from phonehome_cloud.core.deciding.situation import Situation
from phonehome_cloud.core.diagnosing.bayes import diagnose
from phonehome_cloud.core.diagnosing.evidence import observe
from phonehome_cloud.core.diagnosing.facts import read_facts, write_facts
from phonehome_cloud.core.diagnosing.priors import counts_of
from phonehome_product import Product

from .failures import Failure, failures
from .shop import prices_of
from .world import Head, World

_TURN_S = 0.25  # of one measurement; they take turns, so that a busy machine slows both


@dataclass(frozen=True, slots=True)
class Pace:
    """Tickets per second of processor time, turn by turn: decided, and the ceiling."""

    decided: list[float]
    ceiling: list[float]


def measure_pace(product: Product, tickets: int, turns: int) -> Pace:
    """Decide a mix of tickets as the product's faults come, `turns` times for a moment."""
    head = Head(title="pace", appliances=tickets, faults_per_year=2)  # type: ignore[arg-type]
    world = World(world=head)
    found = failures(world, product, 1)[:tickets]
    decide, ceiling = _deciding(world, product, found), _copying(found)
    pace = Pace([], [])
    for _ in range(turns + 1):  # the first warms up
        pace.decided.append(_rate(decide))
        pace.ceiling.append(_rate(ceiling))
    return Pace(pace.decided[1:], pace.ceiling[1:])


def _deciding(world: World, product: Product, found: Sequence[Failure]) -> Callable[[], int]:
    costs = prices_of(world, product).believed

    def decide() -> int:
        for failure in found:
            fault, facts = failure.truth.fault, failure.facts
            seen = observe(product, fault, facts)
            diagnosis = diagnose(fault, seen, counts_of(fault))
            age = failure.appliance.age_days
            situation = Situation(facts.now_at, age_days=age, owner_known=True, is_online=True)
            choose(product, fault, diagnosis, situation, costs)
        return len(found)

    return decide


def _copying(found: Sequence[Failure]) -> Callable[[], int]:
    texts = [json.dumps(write_facts(failure.facts)) for failure in found]

    def copy() -> int:
        for text in texts:
            json.dumps(write_facts(read_facts(json.loads(text))))
        return len(texts)

    return copy


def _rate(work: Callable[[], int]) -> float:
    """Tickets per second of processor time."""
    done, started_s = 0, time.process_time()
    while (spent_s := time.process_time() - started_s) < _TURN_S:
        done += work()
    return done / spent_s
