"""The day of the energy bench: real agent, real receiver, a clock that is driven."""

from phonehome_tools.bench.energy import board_figures, day_of, live_a_day
from phonehome_tools.bench.wakes import read_wake
from phonehome_tools.energy import BOARDS

WAKES = {"silent": 500.0, "loud": 2000.0, "light": 40.0}


async def test_a_day_is_mostly_silent():
    """A wake a minute, a word an hour, and more only for the lid that was left open."""
    found = await live_a_day()
    assert 1440 <= found["wakes"] <= 1500
    assert 24 <= found["wakes"] - found["silent"] <= 32
    assert found["transition"] >= 4
    assert found["acked"] <= 40
    assert 24 * 100 < found["bytes_up"] < 8000


def test_the_figures_name_every_board():
    """Charge, the radio's part, and a life for each battery."""
    found = {"wakes": 1440, "silent": 1416, "bytes_up": 4000}
    for board in BOARDS:
        figures = board_figures(board, day_of(found, WAKES, board.keeps_ram))
        assert len(figures) == 4
        assert all(figure.figure.startswith(board.name) for figure in figures)
        assert 0 < figures[1].value < 100


def test_a_board_that_keeps_its_ram_loads_nothing():
    """Its wakes cost what judging costs."""
    found = {"wakes": 1440, "silent": 1416, "bytes_up": 4000}
    assert day_of(found, WAKES, keeps_ram=True).awake_ms == 1440 * 40
    assert day_of(found, WAKES, keeps_ram=False).awake_ms == 1416 * 500 + 24 * 2000


def test_a_wake_is_read_from_what_it_printed():
    """Figures are numbers; events and everything else is not."""
    lines = ["asleep {'wait_ms': 5}", "awake_us 536000", "is_silent 1", "reset"]
    assert read_wake(lines) == {"awake_us": 536000, "is_silent": 1}
