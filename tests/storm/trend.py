"""Whether a series of measurements grows: the median of all slopes, with its uncertainty.

Theil and Sen's line, because a heap breathes in steps and not by the normal distribution: what it
holds for a while, a connection or a full outbox, must not look like growth, nor hide it.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

# Two-sided 99.9 %; the ranks of the slopes at the bounds come from Kendall's distribution, which
# is normal from ten points on.
_SURE = 3.29
_LEAST_POINTS = 10


@dataclass(frozen=True)
class Trend:
    """`slope` per unit of x; with 99.9 % it is between `least` and `most`."""

    slope: float
    least: float
    most: float

    def grows_below(self, limit: float) -> bool:
        """True when growth of `limit` per unit or more is ruled out."""
        return self.most < limit

    def __str__(self) -> str:
        """Slope and bounds."""
        return f"{self.slope:+.1f} ({self.least:+.1f}..{self.most:+.1f})"


def fit(points: Sequence[tuple[float, float]]) -> Trend:
    """The trend of (x, y), which are in the order of x; from too few, anything may be."""
    if len(points) < _LEAST_POINTS:
        return Trend(0.0, -math.inf, math.inf)
    slopes = sorted((b[1] - a[1]) / (b[0] - a[0]) for a, b in itertools.combinations(points, 2))
    count = len(points)
    spread = _SURE * math.sqrt(count * (count - 1) * (2 * count + 5) / 18)
    low = max(0, int((len(slopes) - spread) / 2))
    high = min(len(slopes) - 1, math.ceil((len(slopes) + spread) / 2))
    return Trend(median(slopes), slopes[low], slopes[high])
