"""A world over many seeds and all policies, a process for each core, with intervals over seeds."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from phonehome_product import Product

from .calibration import Bin, join
from .failures import failures
from .intervals import Estimate, estimate
from .measuring import Result, measure
from .reading import load_world
from .world import World
from .year import LEARNING, POLICIES, run_year

BASELINE = "always_visit"
FIGURES = (
    "first_time_fix",
    "money",
    "total",
    "days_without",
    "visits",
    "wasted_visits",
    "ece",
    "ece_second_half",
    "ece_by_chance",
)
# Best in class and average of the field: Aberdeen Group, by
# https://fsd.servicemax.com/2015/04/13/first-time-fix-rate-field-service-metrics-that-matter/
BEST_FIRST_TIME_FIX = 0.88
MOST_COST_RATIO = 0.60
MOST_ECE = 0.05

Seed = dict[str, Result]  # by policy
FindProduct = Callable[[str, Path], Product]


@dataclass(frozen=True, slots=True)
class Goal:
    """What is aimed at, and what was found."""

    name: str
    found: Estimate
    bar: float
    at_least: bool

    @property
    def is_met(self) -> bool:
        """Whether the mean is on the good side of the bar."""
        return self.found.mean >= self.bar if self.at_least else self.found.mean <= self.bar

    @property
    def is_certain(self) -> bool:
        """Whether both ends of the interval are on the same side of the bar."""
        return not self.found.low < self.bar < self.found.high


@dataclass(frozen=True, slots=True)
class Report:
    """What the seeds say together."""

    title: str
    product: str
    appliances: int
    days: int
    seeds: Sequence[int]
    results: Sequence[Seed]

    def figure(self, policy: str, name: str) -> Estimate:
        """A figure of a policy over the seeds."""
        return estimate([getattr(seed[policy], name) for seed in self.results])

    def ratio(self, policy: str, name: str) -> Estimate:
        """A figure of a policy as a part of that of BASELINE, seed by seed."""
        return estimate(
            [
                getattr(seed[policy], name) / getattr(seed[BASELINE], name)
                for seed in self.results
                if getattr(seed[BASELINE], name)
            ]
        )

    def bins(self, policy: str) -> list[Bin]:
        """The reliability diagram of all seeds."""
        return join([seed[policy].bins for seed in self.results])

    def goals(self) -> list[Goal]:
        """What service is to be better than: the best of the field, and most of the cost saved."""
        fix, money = self.figure(LEARNING, "first_time_fix"), self.ratio(LEARNING, "money")
        ece = self.figure(LEARNING, "ece_second_half")
        return [
            Goal("first-time fix", fix, BEST_FIRST_TIME_FIX, at_least=True),
            Goal(f"cost / cost of {BASELINE}", money, MOST_COST_RATIO, at_least=False),
            Goal("calibration error after learning", ece, MOST_ECE, at_least=False),
        ]

    def as_dict(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {
            "world": self.title,
            "product": self.product,
            "appliances": self.appliances,
            "days": self.days,
            "seeds": list(self.seeds),
            "policies": {policy: self._of(policy) for policy in POLICIES},
            "goals": [
                {
                    "name": goal.name,
                    **goal.found.as_dict(),
                    "bar": goal.bar,
                    "met": goal.is_met,
                    "certain": goal.is_certain,
                }
                for goal in self.goals()
            ],
        }

    def _of(self, policy: str) -> dict[str, Any]:
        figures: dict[str, Any] = {n: self.figure(policy, n).as_dict() for n in FIGURES}
        return figures | {
            "faults": sum(seed[policy].faults for seed in self.results),
            "visited": sum(seed[policy].visited for seed in self.results),
            "money_ratio": self.ratio(policy, "money").as_dict(),
            "total_ratio": self.ratio(policy, "total").as_dict(),
            "ends": _sum([seed[policy].ends for seed in self.results]),
            "first_actions": _sum([seed[policy].firsts for seed in self.results]),
            "reliability": [
                {"count": one.count, "believed": one.believed, "true": one.true}
                for one in self.bins(policy)
            ],
        }


def _sum(counts: Sequence[Mapping[str, int]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in counts:
        for name, count in one.items():
            found[name] = found.get(name, 0) + count
    return dict(sorted(found.items()))


def simulate_seed(world: World, product: Product, seed: int) -> Iterator[tuple[str, Result]]:
    """Each policy through the faults of one seed."""
    found = failures(world, product, seed)
    for policy in POLICIES:
        entries = run_year(world, product, found, policy)
        yield policy, measure(entries, world.world.days)


def simulate(
    path: Path,
    find_product: FindProduct,
    seeds: Sequence[int],
    tell: Callable[[], None] = lambda: None,
    processes: int | None = None,
) -> Report:
    """Run a world file; `tell` is called behind each seed. The same seeds give the same report.

    ProductError when the file is wrong, OSError when it cannot be read.
    """
    world, product = load_world(path, find_product)
    found: dict[int, Seed] = {}
    workers = min(len(seeds), processes or os.cpu_count() or 1)
    if workers == 1:
        for seed in seeds:
            found[seed] = dict(simulate_seed(world, product, seed))
            tell()
    else:
        # Fresh interpreters: a fork of a process with threads may stand still.
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            jobs = {pool.submit(_seed, path, find_product, seed): seed for seed in seeds}
            for job in as_completed(jobs):
                found[jobs[job]] = job.result()
                tell()
    head = world.world
    results = [found[seed] for seed in seeds]
    return Report(head.title, product.name, head.appliances, head.days, seeds, results)


def _seed(path: Path, find_product: FindProduct, seed: int) -> Seed:
    world, product = load_world(path, find_product)
    return dict(simulate_seed(world, product, seed))
