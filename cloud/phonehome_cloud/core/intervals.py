"""Sets of whole numbers kept as ranges: what was stored, and what is missing from it."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator


class IntervalSet:
    """Whole numbers as sorted, disjoint, never touching inclusive ranges."""

    __slots__ = ("_ranges",)

    def __init__(self, numbers: Iterable[int] = ()) -> None:
        self._ranges: list[tuple[int, int]] = ranges(numbers)

    def add(self, low: int, high: int) -> None:
        """Put low..high (inclusive) into the set."""
        first = bisect_left(self._ranges, low, key=lambda r: r[1] + 1)
        last = first
        while last < len(self._ranges) and self._ranges[last][0] <= high + 1:
            low = min(low, self._ranges[last][0])
            high = max(high, self._ranges[last][1])
            last += 1
        self._ranges[first:last] = [(low, high)]

    def __contains__(self, number: int) -> bool:
        """Whether the number is in the set."""
        at = bisect_left(self._ranges, number, key=lambda r: r[1])
        return at < len(self._ranges) and self._ranges[at][0] <= number

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """The ranges, ascending."""
        return iter(self._ranges)

    def __len__(self) -> int:
        """How many numbers are in the set."""
        return sum(high - low + 1 for low, high in self._ranges)

    def missing(self, end: int) -> list[tuple[int, int]]:
        """The ranges of 0..end-1 that are not in the set."""
        gaps = []
        at = 0
        for low, high in self._ranges:
            if low >= end:
                break
            if low > at:
                gaps.append((at, low - 1))
            at = high + 1
        return [*gaps, (at, end - 1)] if at < end else gaps


def ranges(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """The numbers as sorted inclusive ranges; order and repetition do not matter."""
    found: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if found and number <= found[-1][1] + 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found
