# cpython-only
"""A trend tells growth from noise."""

import random

import pytest

from tests.storm.trend import fit

LIMIT = 16


def breathing(growth: float, seed: int) -> list[tuple[float, float]]:
    """Seventy-two hours of a heap that breathes, and holds a kilobyte more now and then."""
    rng = random.Random(seed)
    return [
        (3.0 * i, 200_000 + growth * 3 * i + rng.gauss(0, 100) + 1500 * (rng.random() < 0.1))
        for i in range(24)
    ]


@pytest.mark.parametrize("seed", range(20))
def test_noise_is_no_growth(seed):
    """A heap that only breathes passes, and no growth at all is within the bounds."""
    trend = fit(breathing(0, seed))
    assert trend.grows_below(LIMIT)
    assert trend.least < 0 < trend.most


@pytest.mark.parametrize("seed", range(20))
def test_a_leak_is_growth(seed):
    """Sixteen bytes an hour, hidden in the same noise, are not let through."""
    assert not fit(breathing(LIMIT, seed)).grows_below(LIMIT)


def test_a_straight_line_is_found():
    """Without noise the slope is exact."""
    trend = fit([(float(x), 1.0 + 2 * x) for x in range(12)])
    assert (trend.slope, trend.least, trend.most) == (2.0, 2.0, 2.0)


def test_a_step_is_told_as_it_is():
    """One step in the middle, as of a table that found its size, is growth within bounds only."""
    trend = fit([(float(x), 384.0 * (x > 12)) for x in range(24)])
    assert trend.least == 0
    assert trend.grows_below(384)


def test_from_too_few_points_nothing_is_sure():
    """Nine points rule out no growth."""
    assert not fit([(float(x), 0.0) for x in range(9)]).grows_below(1e9)
