"""How much is too much: the exact tail, the threshold, and what an incident is called."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phonehome_cloud.core.deciding.incidents import (
    BATCH,
    BUILD,
    CONFIRMED,
    DISMISSED,
    FALSE_PER_YEAR,
    LOOKS_PER_YEAR,
    PRODUCT,
    RESOLVED,
    STATES,
    SUSPECTED,
    THRESHOLD,
    check_transition,
    incident_id,
    judge,
    name_it,
    tail,
)
from phonehome_cloud.errors import TransitionError

KEY = ("washer", 520194, 7, BUILD, "1.4.0")


def by_sum(seen, before, windows):
    """The tail by its definition: one minus everything below."""
    a, p, mass, total = before + 0.5, 1 / (windows + 1), 0.0, 0.0
    mass = (1 - p) ** a
    for k in range(seen):
        total += mass
        mass *= (k + a) / (k + 1) * p
    return 1 - total


@given(st.integers(1, 60), st.integers(0, 200), st.floats(1, 500))
def test_tail_is_the_negative_binomial(seen, before, windows):
    """What is summed from above is what is left of the sum from below."""
    assert tail(seen, before, windows) == pytest.approx(
        by_sum(seen, before, windows) if seen > (before + 0.5) / windows else 1.0, abs=1e-9
    )


@given(st.integers(0, 300), st.integers(0, 100), st.floats(1, 700))
def test_more_devices_are_less_likely(seen, before, windows):
    """The probability falls with every device, and rises with what happened before."""
    assert tail(seen + 1, before, windows) <= tail(seen, before, windows)
    assert tail(seen, before + 1, windows) >= tail(seen, before, windows) * (1 - 1e-9)


def test_a_hundred_thousand_are_no_trouble():
    """A storm is judged at once, and the number does not overflow."""
    assert tail(100_000, 10, 336) == 0.0
    assert tail(100_000, 2_000_000, 10) == 1.0


@pytest.mark.parametrize(
    ("seen", "before", "is_incident"),
    [
        (4, 0, False),  # a shop with four
        (5, 0, True),  # never seen in four weeks, and now five within two hours
        (16, 336, False),  # one an hour is usual: eight an hour are a bad evening
        (30, 336, True),
        (500, 336, True),
    ],
)
def test_how_much_is_too_much(seen, before, is_incident):
    """Four weeks of history: what is an incident and what is a bad hour."""
    assert judge(KEY, 2, seen, before, 28 * 24).is_incident == is_incident


def test_a_new_receiver_waits_for_more():
    """Without any history five tickets are no incident, and 40 are."""
    assert not judge(KEY, 2, 5, 0, 0.0).is_incident
    assert not judge(KEY, 2, 20, 0, 0.0).is_incident
    assert judge(KEY, 2, 40, 0, 0.0).is_incident


def test_false_alarms_are_rare():
    """A fault of a steady rate, looked at for 200,000 windows, is never an incident."""
    randomly = random.Random(5)
    for rate, windows in ((0.3, 336), (5.0, 336), (40.0, 100)):
        for _ in range(1000):
            before = sum(1 for _ in _arrivals(randomly, rate * windows)) if rate < 1 else 0
            before = before or round(randomly.gauss(rate * windows, (rate * windows) ** 0.5))
            seen = [sum(1 for _ in _arrivals(randomly, rate)) for _ in range(20)]
            assert not judge(KEY, 2, max(seen), max(before, 0), windows * 2).is_incident


def _arrivals(randomly, mean):
    """As many items as a Poisson number of this mean."""
    at = randomly.expovariate(1)
    while at < mean:
        yield at
        at += randomly.expovariate(1)


def test_threshold_is_what_the_promise_makes_it():
    """One false incident in ten years, spread over every look."""
    assert pytest.approx(FALSE_PER_YEAR) == THRESHOLD * LOOKS_PER_YEAR


def test_the_narrowest_common_thing_gives_the_name():
    """A bad build is called by the build, although its product has the fault as well."""
    product = (*KEY[:3], PRODUCT, "washer")
    verdicts = [judge(product, 2, 500, 10, 600), judge(KEY, 2, 490, 10, 600)]
    assert name_it(verdicts).key == KEY
    batch = judge((*KEY[:3], BATCH, "c1"), 2, 480, 10, 600)
    assert name_it([*verdicts, batch]).key[3] == BATCH
    few = judge((*KEY[:3], BATCH, "c1"), 2, 200, 10, 600)
    assert name_it([*verdicts, few]).key == KEY
    assert name_it([judge(KEY, 2, 3, 10, 600)]) is None


def test_two_receivers_give_one_name():
    """Whoever notices it within the hour calls it the same."""
    assert incident_id(KEY, 7_200_000) == incident_id(KEY, 7_300_000)
    assert incident_id(KEY, 7_200_000) != incident_id(("fridge", *KEY[1:]), 7_200_000)


@pytest.mark.parametrize(("before", "after"), list(itertools.product(STATES, STATES)))
def test_each_pair_of_states(before, after):
    """Only what holds tickets can still change, and never back."""
    may = {(SUSPECTED, CONFIRMED)} | {
        (held, end) for held in (SUSPECTED, CONFIRMED) for end in (DISMISSED, RESOLVED)
    }
    if (before, after) in may:
        check_transition(before, after)
    else:
        with pytest.raises(TransitionError, match=before):
            check_transition(before, after)
