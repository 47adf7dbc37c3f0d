"""Whether a series of measurements grows: a straight line through it, with its uncertainty."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

# Two-sided 99.9 % of the normal distribution; the series here have 50 points and more.
_SURE = 3.29


@dataclass(frozen=True)
class Trend:
    """`slope` per unit of x, with 99.9 % within `slope` +- `margin`."""

    slope: float
    margin: float

    def grows_below(self, limit: float) -> bool:
        """True when growth of `limit` per unit or more is ruled out."""
        return self.slope + self.margin < limit

    def __str__(self) -> str:
        """Slope and margin."""
        return f"{self.slope:+.2f} +- {self.margin:.2f}"


def fit(points: Sequence[tuple[float, float]]) -> Trend:
    """The least-squares line through (x, y).

    Neighbours resemble each other (a long outage fills the outbox): the margin is widened by what
    their correlation takes from the number of independent points.
    """
    count = len(points)
    mean_x = sum(x for x, _ in points) / count
    mean_y = sum(y for _, y in points) / count
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
    rest = [y - mean_y - slope * (x - mean_x) for x, y in points]
    square = sum(r * r for r in rest)
    likeness = 0.0
    if square:
        likeness = max(0.0, sum(a * b for a, b in itertools.pairwise(rest)) / square)
    error = math.sqrt(square / (count - 2) / spread)
    return Trend(slope, _SURE * error * math.sqrt((1 + likeness) / (1 - likeness)))
