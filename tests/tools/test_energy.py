"""The estimate of a battery's life, by hand."""

import pytest

from phonehome_tools.energy import (
    BATTERIES,
    BOARDS,
    MS_PER_HOUR,
    Battery,
    BoardCurrents,
    Day,
    estimate,
)

BOARD = BoardCurrents("round numbers", 0.01, 40, 100, 200, boot_ms=0, join_ms=0)


def test_a_day_asleep_costs_the_sleep():
    """24 hours of 10 uA."""
    found = estimate(BOARD, Day(0, 0, 0, 0, 0))
    assert found.total_mah == pytest.approx(0.24)
    assert found.radio_share == 0


def test_each_state_costs_its_current():
    """An hour awake, an hour of radio, 22 of sleep; a megabyte is 8 s of sending."""
    found = estimate(BOARD, Day(60, MS_PER_HOUR, 24, MS_PER_HOUR, 1_000_000))
    assert found.asleep_mah == pytest.approx(22 * 0.01)
    assert found.awake_mah == pytest.approx(40)
    assert found.radio_mah == pytest.approx(100 + 8 / 3600 * 100)


def test_boots_and_joins_count():
    """What comes before the program and before the conversation is paid for each time."""
    board = BoardCurrents("slow", 0, 36, 36, 36, boot_ms=1000, join_ms=2000)
    found = estimate(board, Day(100, 0, 10, 0, 0))
    assert found.awake_mah == pytest.approx(1)
    assert found.radio_mah == pytest.approx(0.2)


def test_a_battery_lasts_by_its_energy():
    """Capacity times voltage times what is usable, at the voltage of the supply."""
    found = estimate(BOARD, Day(0, 0, 0, 0, 0))
    assert found.days(Battery("cell", 1000, 3.3, 0.5)) == pytest.approx(500 / 0.24)


def test_more_of_anything_never_lasts_longer():
    """On every board and battery of the table."""
    for board in BOARDS:
        base = Day(1440, 600_000, 24, 24_000, 20_000)
        more = [
            Day(2880, 600_000, 24, 24_000, 20_000),
            Day(1440, 900_000, 24, 24_000, 20_000),
            Day(1440, 600_000, 48, 24_000, 20_000),
            Day(1440, 600_000, 24, 48_000, 20_000),
            Day(1440, 600_000, 24, 24_000, 2_000_000),
        ]
        for battery in BATTERIES:
            days = estimate(board, base).days(battery)
            assert all(estimate(board, day).days(battery) <= days for day in more)
