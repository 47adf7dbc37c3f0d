"""What `bench pico` runs on the emulated board: steps of the agent, and the time of each.

Prints lines `step_us MICROSECONDS`; stands beside pico_meter, which does not load it.
"""

import time

from pico_meter import Dial, build
from unlinked import NoLink

import phonehome

_STEPS = 48
_PERIOD_MS = 250


class StoppedClock:
    """An uptime that stands until it is set."""

    def __init__(self):
        self.at_ms = 0

    def now_ms(self):
        """What was set."""
        return self.at_ms


def measure_steps():
    """Time of a step in which every sensor is sampled and every rule judged."""
    clock = StoppedClock()
    agent = build(phonehome.Agent, Dial(), uptime=clock, link=NoLink)
    for step in range(_STEPS):
        clock.at_ms += _PERIOD_MS
        start = time.ticks_us()
        agent.step(clock.at_ms)
        spent = time.ticks_diff(time.ticks_us(), start)
        if step >= _STEPS // 2:
            print("step_us", spent)
