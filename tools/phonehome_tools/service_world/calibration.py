"""Whether P(cause) means what it says: expected calibration error and the reliability diagram.

Top-label calibration (Guo et al. 2017, "On calibration of modern neural networks"): faults are put
into bins by the probability of their likeliest cause; the error is the difference between the mean
probability of a bin and the share of its faults in which that cause was the true one, weighed by
the number of faults.

It is never 0: in a bin of 50 faults a share of 0.8 that is exactly right is found 0.045 off by
chance. `calibration_by_chance` is what a diagnosis that is exactly right comes to.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

BINS = 10
Belief = tuple[Mapping[str, float], str]  # P(cause), and the true one


@dataclass(frozen=True, slots=True)
class Bin:
    """Faults whose likeliest cause had about this probability.

    `variance` is that of how often that cause is the true one, if the probabilities are right.
    """

    count: int
    believed: float
    true: float
    variance: float = 0.0


def reliability(beliefs: Iterable[Belief]) -> list[Bin]:
    """Bins of equal width with at least one fault, by rising probability."""
    sums: dict[int, list[float]] = {}
    for believed, cause in beliefs:
        if not believed:
            continue
        best = max(believed, key=lambda name: believed[name])
        p = believed[best]
        found = sums.setdefault(min(BINS - 1, int(p * BINS)), [0.0, 0.0, 0.0, 0.0])
        found[0] += 1
        found[1] += p
        found[2] += best == cause
        found[3] += p * (1 - p)
    return _bins(sums)


def _bins(sums: Mapping[int, Sequence[float]]) -> list[Bin]:
    return [Bin(int(n), p / n, true / n, var) for _, (n, p, true, var) in sorted(sums.items())]


def calibration_error(bins: Sequence[Bin]) -> float:
    """The mean distance of the diagram from its diagonal, 0 to 1; nan without faults."""
    total = sum(one.count for one in bins)
    if not total:
        return math.nan
    return sum(one.count * abs(one.believed - one.true) for one in bins) / total


def calibration_by_chance(bins: Sequence[Bin]) -> float:
    """What calibration_error is on average when every probability is right; nan without faults.

    The mean distance of a normal variable from its mean is sqrt(2 / pi) standard deviations.
    """
    total = sum(one.count for one in bins)
    if not total:
        return math.nan
    return sum(math.sqrt(2 / math.pi * one.variance) for one in bins) / total


def join(parts: Iterable[Sequence[Bin]]) -> list[Bin]:
    """One diagram of several: of all seeds, for instance; bins meet by their tenth."""
    sums: dict[int, list[float]] = {}
    for one in (bin_ for bins in parts for bin_ in bins):
        place = min(BINS - 1, int(one.believed * BINS + 1e-9))
        found = sums.setdefault(place, [0.0, 0.0, 0.0, 0.0])
        found[0] += one.count
        found[1] += one.count * one.believed
        found[2] += one.count * one.true
        found[3] += one.variance
    return _bins(sums)
