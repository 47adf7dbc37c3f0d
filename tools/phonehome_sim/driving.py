"""What makes time pass on a virtual board: the computer's clock, a faster one, or recorded rows.

Each driver has `uptime` (None: the agent's own), `clock` (None: the agent's own) and `run(board)`,
which ends when there is nothing left to do.
"""

import asyncio
import time

from .clocks import DrivenUptime, RecordedClock

_STEP_MS = 50
# Time that passes at once when it runs faster: well below the period of any sensor.
_STRIDE_MS = 100
# A board needs a moment to boot: the first row comes one second after it.
_FIRST_ROW_MS = 1000
# So many records may wait for their ack; a real appliance has a year where a replay has seconds.
_DEEP = 16
_LOOK_MS = 5


class LiveDriver:
    """The appliance lives as fast as we do; the agent samples by itself."""

    uptime = None
    clock = None

    def __init__(self, setup):
        self._duration_ms = setup.get("duration_ms")

    async def run(self, board):
        """Move the source along until the duration is over."""
        now_ms = 0
        while self._duration_ms is None or now_ms < self._duration_ms:
            now_ms = board.agent.uptime.now_ms()
            board.live(now_ms)
            await asyncio.sleep(_STEP_MS / 1000)


class FastDriver:
    """The appliance lives `speed` times as fast; reports are sent as fast as they are."""

    clock = None

    def __init__(self, setup):
        self._speed = setup["speed"]
        self._duration_ms = setup.get("duration_ms")
        self.uptime = DrivenUptime()

    async def run(self, board):
        """Stride after the scaled clock until the duration is over."""
        start = time.ticks_ms()
        elapsed_ms = 0
        while self._duration_ms is None or self.uptime.now_ms() < self._duration_ms:
            reading = time.ticks_ms()
            elapsed_ms += time.ticks_diff(reading, start)
            start = reading
            self._catch_up(board, int(elapsed_ms * self._speed))
            await asyncio.sleep(_STEP_MS / 1000)

    def _catch_up(self, board, target_ms):
        while self.uptime.now_ms() < target_ms:
            now_ms = min(self.uptime.now_ms() + _STRIDE_MS, target_ms)
            self.uptime.set(now_ms)
            board.live(now_ms)
            board.agent.step(now_ms)


class RowDriver:
    """Each recorded row is one step at its own time; the board waits while its outbox is deep."""

    def __init__(self, setup, source):
        self._speed = setup.get("speed")
        self._owed_ms = 0.0  # what is still to be slept: rows may follow faster than a millisecond
        self._source = source
        self._has_row = source.advance()
        self._boot_utc_ms = source.utc_ms - _FIRST_ROW_MS
        self.uptime = DrivenUptime()
        self.clock = RecordedClock(self._boot_utc_ms)

    async def run(self, board):
        """Take every row."""
        rows = 0
        while self._has_row:
            now_ms = self._source.utc_ms - self._boot_utc_ms
            await self._wait(board, now_ms - self.uptime.now_ms())
            self.uptime.set(now_ms)
            board.agent.step(now_ms)
            rows += 1
            self._has_row = self._source.advance()
        board.tell("replayed", rows=rows)

    async def _wait(self, board, span_ms):
        """Until the next row may come: by the asked speed, and not before the outbox has room."""
        self._owed_ms += span_ms / self._speed if self._speed else 0
        start = time.ticks_ms()
        await asyncio.sleep(max(0, self._owed_ms) / 1000)
        if self._speed:
            self._owed_ms -= time.ticks_diff(time.ticks_ms(), start)
        while board.agent.outbox.depth > _DEEP:  # noqa: ASYNC110 - the outbox has no events
            await asyncio.sleep(_LOOK_MS / 1000)


def make_driver(setup, source):
    """The driver that a setup asks for."""
    if setup["source"]["kind"] == "replay":
        return RowDriver(setup, source)
    if (setup.get("speed") or 1) != 1:
        return FastDriver(setup)
    return LiveDriver(setup)
