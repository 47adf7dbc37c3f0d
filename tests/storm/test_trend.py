# cpython-only
"""A trend tells growth from noise."""

import random

import pytest

from tests.storm.trend import fit


def noisy(growth: float, seed: int = 1) -> list[tuple[float, float]]:
    """Seventy-two hours of a heap that breathes by a kilobyte."""
    rng = random.Random(seed)
    return [(float(hour), 200_000 + growth * hour + rng.gauss(0, 250)) for hour in range(72)]


@pytest.mark.parametrize("seed", range(20))
def test_noise_is_no_growth(seed):
    """A heap that only breathes passes; its slope is within its margin."""
    trend = fit(noisy(0, seed))
    assert trend.grows_below(16)
    assert abs(trend.slope) < trend.margin


@pytest.mark.parametrize("seed", range(20))
def test_a_leak_is_growth(seed):
    """Sixteen bytes an hour, hidden in the same noise, are not let through."""
    assert not fit(noisy(16, seed)).grows_below(16)


def test_likeness_of_neighbours_widens_the_margin():
    """Points that hang together count for fewer."""
    points = noisy(0)
    clumped = [(x, points[int(x) // 8][1]) for x, _ in points]
    assert fit(clumped).margin > 1.5 * fit(points).margin


def test_a_straight_line_is_found():
    """Without noise the slope is exact."""
    trend = fit([(0.0, 1.0), (1.0, 3.0), (2.0, 5.0)])
    assert (trend.slope, trend.margin) == (2.0, 0.0)
