"""A reading that does what the truth asks: between these limits, and not between those.

Several pieces of evidence may look at one sensor. The reading that grants most of their wishes is
taken; wishes that contradict each other cannot all be granted, in a world file as elsewhere.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

_MARGIN = 0.1  # how far beyond a limit a reading lies, as a part of the limit
SLOPE_MARGIN = 0.5  # the same of a slope, which a coarse sensor shows coarsely


@dataclass(frozen=True, slots=True)
class Wish:
    """The reading shall lie between the limits (both included), or it shall not."""

    least: float | None
    most: float | None
    holds: bool

    def is_granted(self, value: float) -> bool:
        """Whether a reading does what is wished."""
        is_within = (self.least is None or value >= self.least) and (
            self.most is None or value <= self.most
        )
        return is_within == self.holds


def settle(
    wishes: Sequence[Wish], step: float, floor: float = float("-inf"), margin: float = _MARGIN
) -> float:
    """The reading on a grid of `step` and not below `floor` that grants most wishes."""
    best, granted = 0.0, -1
    for value in _candidates(wishes, step, margin):
        reading = max(floor, round(value / step) * step)
        count = sum(wish.is_granted(reading) for wish in wishes)
        if count > granted:
            best, granted = reading, count
    return best


def _candidates(wishes: Sequence[Wish], step: float, part: float) -> Iterator[float]:
    limits = sorted({x for wish in wishes for x in (wish.least, wish.most) if x is not None})
    yield from ((low + high) / 2 for low, high in pairwise(limits))
    for limit in limits:
        margin = max(step, abs(limit) * part)
        yield from (limit - margin, limit + margin)
    for limit in limits:
        yield from (limit - step, limit + step, limit)
    yield 0.0
