"""Confidence intervals over seeds: Student's t, 95 %.

Each seed is a world of its own, so its result is one observation; ratios are taken within a seed,
where both policies met the same faults.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

# Two-sided 95 % points of Student's t by degrees of freedom (any statistical table); beyond the
# last one the next smaller one is taken, which makes the interval a little wider than it must be.
_T95 = {
    1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262,
    10: 2.228, 11: 2.201, 12: 2.179, 13: 2.160, 14: 2.145, 15: 2.131, 16: 2.120, 17: 2.110,
    18: 2.101, 19: 2.093, 20: 2.086, 25: 2.060, 30: 2.042, 40: 2.021, 60: 2.000, 120: 1.980,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over seeds and half the width of its interval, None when one seed tells none."""

    mean: float
    half: float | None

    @property
    def low(self) -> float:
        """The lower end, the mean itself without an interval."""
        return self.mean - (self.half or 0.0)

    @property
    def high(self) -> float:
        """The upper end, the mean itself without an interval."""
        return self.mean + (self.half or 0.0)

    def as_dict(self) -> dict[str, float | None]:
        """What `--json` prints; no number is null there."""
        return {"mean": None if math.isnan(self.mean) else self.mean, "half": self.half}


def estimate(values: Sequence[float]) -> Estimate:
    """The mean of at least one value, and its 95 % interval when there are two or more.

    Values that are no number (a rate of nothing) are left out; all of them: the mean is none, too.
    """
    known = [value for value in values if not math.isnan(value)]
    if not known:
        return Estimate(math.nan, None)
    if len(known) == 1:
        return Estimate(known[0], None)
    freedom = max(n for n in _T95 if n <= len(known) - 1)
    return Estimate(fmean(known), _T95[freedom] * stdev(known) / math.sqrt(len(known)))
