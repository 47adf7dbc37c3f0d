"""Whether probabilities keep their word: of all that said 0.8, eight in ten came true."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

BINS: Final = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """Predictions between two probabilities: how many, what they said on average, what came."""

    low: float
    high: float
    count: int
    predicted: float
    happened: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """`brier` is the mean squared error, `ece` the mean distance of the bins, by their counts.

    `base_brier` is the score of who always says the mean: below it, the predictions know more.
    """

    count: int
    brier: float
    base_brier: float
    ece: float
    bins: tuple[Bin, ...]


def calibrate(pairs: Iterable[tuple[float, bool]]) -> Calibration | None:
    """How well predictions (probability, what happened) did; None for none of them."""
    known = list(pairs)
    if not known:
        return None
    groups: dict[int, list[tuple[float, bool]]] = {}
    for p, happened in known:
        groups.setdefault(min(BINS - 1, int(p * BINS)), []).append((p, happened))
    bins = tuple(
        Bin(
            place / BINS,
            (place + 1) / BINS,
            len(group),
            sum(p for p, _ in group) / len(group),
            sum(happened for _, happened in group) / len(group),
        )
        for place, group in sorted(groups.items())
    )
    count = len(known)
    mean = sum(happened for _, happened in known) / count
    return Calibration(
        count,
        sum((p - happened) ** 2 for p, happened in known) / count,
        mean * (1 - mean),
        sum(each.count * abs(each.predicted - each.happened) for each in bins) / count,
        bins,
    )
