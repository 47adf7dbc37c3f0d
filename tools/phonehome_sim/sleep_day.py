"""What `bench energy` runs under MicroPython: a day of a freezer logger by a driven clock.

sleep_day.py SETUP.json, which names the product, the settings and the period. Each wake is a new
Sleeper with what the one before kept, and phones home for real. Prints one JSON object.
"""

import json
import sys

from phonehome.sleeper import Sleeper

_DAY_MS = 86400000
_COLD = -18.0
_WARM = 4.0
_OPENED_MS = 50400000  # somebody leaves the lid open at two o'clock,
_SHUT_MS = 53400000  # for fifty minutes
_ROOM_BYTES = 1920


class Asleep(BaseException):
    """The program ended, as by SystemExit."""


class DrivenSleep:
    """Memory that stays and a clock that goes on, in the variables of a day."""

    keeps_memory = False
    room = _ROOM_BYTES

    def __init__(self, day):
        self._day = day

    def ticks(self):
        """The clock of the day: a wake takes none of it."""
        return self._day.now_ms

    wall_ms = ticks

    def elapsed(self, later, earlier):
        """The distance of two readings."""
        return later - earlier

    def load(self):
        """What was kept, once."""
        kept, self._day.kept = self._day.kept, b""
        return kept

    def awake_ms(self):
        """None: what a wake takes is measured on a board."""
        return 0

    def pause(self, span_ms):
        """Let time pass."""
        self._day.now_ms += span_ms

    def guard(self, _span_ms):
        """Nobody hangs here."""
        return False

    def let_go(self):
        """Nothing to end."""

    def sleep(self, wait_ms, kept):
        """Keep it, and let time pass."""
        self._day.kept = kept
        self._day.kept_bytes = max(self._day.kept_bytes, len(kept))
        self._day.now_ms += wait_ms
        raise Asleep


class Day:
    """The appliance and what it did."""

    def __init__(self, setup):
        self.now_ms = 0
        self.kept = b""
        self.kept_bytes = 0
        self.counts = {"wakes": 0, "silent": 0, "acked": 0, "backoff": 0, "transition": 0}
        self._setup = setup
        self._schedule = None

    def run(self):
        """Wake until the day is over."""
        while self.now_ms < _DAY_MS:
            self.wake()
        return self._told()

    def wake(self):
        """One wake."""
        sleeper = Sleeper(
            self._setup["product"],
            self._setup["config"],
            period_s=self._setup["period_s"],
            sleep=DrivenSleep(self),
            on_event=self._note,
        )
        sleeper.sensor("air_temp", self._read_air)
        sleeper.sensor("battery", lambda: 2.9)
        try:
            sleeper.run()
        except Asleep:
            self._schedule = sleeper.schedule

    def _read_air(self):
        is_open = _OPENED_MS <= self.now_ms < _SHUT_MS
        return _WARM if is_open else _COLD + (self.now_ms // 60000 % 7) / 10

    def _note(self, name, **facts):
        if name == "asleep":
            self.counts["wakes"] += 1
            self.counts["silent"] += facts["is_silent"]
        elif name in self.counts:
            self.counts[name] += 1

    def _told(self):
        schedule = self._schedule
        return dict(
            self.counts,
            bytes_up=schedule.bytes_up,
            bytes_down=schedule.bytes_down,
            kept_bytes=self.kept_bytes,
        )


def main():
    """Read the setup, live the day, tell."""
    with open(sys.argv[1]) as file:
        setup = json.load(file)
    print(json.dumps(Day(setup).run()))


if __name__ == "__main__":
    main()
