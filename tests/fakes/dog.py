"""A board for unix MicroPython that resets, with a watchdog: the test that reads its output."""

import json
import sys

from phonehome.ports.board import Board


def tell(name, **facts):
    """Print an event; in one write, so that a killed board leaves whole lines."""
    facts["event"] = name
    sys.stdout.write(json.dumps(facts) + "\n")


class Dog:
    """A watchdog that is at the other end of the standard output."""

    def __init__(self, timeout_ms):
        self.timeout_ms = timeout_ms
        self.is_on = False

    def start(self):
        """Let it watch."""
        self.is_on = True
        tell("dog", timeout_ms=self.timeout_ms)

    def feed(self):
        """Let it wait again."""
        tell("fed")

    def pause(self):
        """Let it sleep."""
        self.is_on = False
        tell("asleep")

    def every(self, _period_ms, _callback):
        """A computer has no timer."""


class DogBoard(Board):
    """A computer that takes itself for a board."""

    can_reboot = True

    def __init__(self, cause):
        super().__init__()
        self._cause = cause

    def reset_cause(self):
        """What the test wants the firmware to say."""
        return self._cause

    def reboot(self):
        """End; the test starts it again."""
        raise SystemExit(1)

    def make_watchdog(self, timeout_ms):
        """The test."""
        return Dog(timeout_ms)
