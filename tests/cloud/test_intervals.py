"""Interval sets against Python's own sets."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from phonehome_cloud.core.intervals import IntervalSet, ranges

NUMBERS = st.lists(st.integers(0, 60), max_size=40)
SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 12)), max_size=20)


def expand(intervals):
    """The numbers of some ranges."""
    return {number for low, high in intervals for number in range(low, high + 1)}


@given(NUMBERS)
def test_ranges_hold_exactly_the_numbers(numbers):
    """Nothing is added or lost, whatever the order and however often a number comes."""
    assert expand(ranges(numbers)) == set(numbers)


@given(NUMBERS)
def test_ranges_are_as_few_as_possible(numbers):
    """Sorted, disjoint, and never touching."""
    found = ranges(numbers)
    assert all(low <= high for low, high in found)
    assert all(a[1] + 1 < b[0] for a, b in itertools.pairwise(found))


@given(SPANS)
def test_adding_spans_is_a_union(spans):
    """Overlapping, touching and nested spans melt together."""
    intervals, wanted = IntervalSet(), set()
    for low, length in spans:
        intervals.add(low, low + length)
        wanted |= set(range(low, low + length + 1))
    assert list(intervals) == ranges(wanted)
    assert len(intervals) == len(wanted)


@given(NUMBERS, st.integers(0, 60))
def test_membership_is_that_of_the_numbers(numbers, number):
    """A number is in the set exactly when it was put there."""
    assert (number in IntervalSet(numbers)) == (number in numbers)


@given(NUMBERS, st.integers(0, 70))
def test_what_is_missing_and_what_is_there_make_the_whole(numbers, end):
    """Gaps up to the next number tell lost and pending from stored."""
    gaps = expand(IntervalSet(numbers).missing(end))
    assert gaps == set(range(end)) - set(numbers)
