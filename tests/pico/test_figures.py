"""What the agent costs on a real board does not grow."""

from phonehome_tools.bench.figures import AT_LEAST
from phonehome_tools.bench.pico import measure

# The goal stands in the bench; this is where the agent is, and no change may make it worse.
MOST_HEAP_KB = 118
MOST_SAMPLE_MS = 1


def test_the_agent_fits_its_board():
    """On both boards and over both transports TLS finds its block, and heap and time stay."""
    figures = measure()
    for figure in figures:
        print(f"{figure.figure}: {figure.value_text} {figure.unit} {figure.bar_text}")
    running = [f.value for f in figures if f.figure.endswith("heap while running")]
    assert len(running) == 3 and max(running) <= MOST_HEAP_KB
    assert [f for f in figures if f.sense == AT_LEAST and not f.holds] == []
    assert next(f.value for f in figures if f.figure == "sample and rule, mean") <= MOST_SAMPLE_MS
