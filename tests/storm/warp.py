"""Time of a MicroPython process that runs faster than the computer's, asyncio's included.

The interpreter's asyncio asks one function for the time and one object to wait: both are replaced,
so every deadline, back-off, heartbeat and keepalive of the agent scales alike. What is under way
on the network runs at the slow pace, because the receiver answers in real time; everything else at
the fast one.
"""

import time
from asyncio import core


class Warp:
    """A clock with two paces, both factors of real time; `begin` and `end` frame what is slow."""

    def __init__(self, slow: int, fast: int) -> None:
        self._paces = (fast, slow)
        self._under_way = 0
        self._read_at = time.ticks_us()
        # Ahead of the computer's own ticks for ever: some of asyncio is C and asks those.
        self._now_us = time.ticks_ms() * 1000

    @property
    def pace(self) -> int:
        """How many of our seconds one real second has now."""
        return self._paces[self._under_way > 0]

    def begin(self) -> None:
        """Something on the network is under way: slow down."""
        self.ticks_ms()
        self._under_way += 1

    def end(self) -> None:
        """It is over."""
        self.ticks_ms()
        self._under_way -= 1

    def ticks_ms(self) -> int:
        """Our milliseconds; 62 bits, so they never wrap."""
        reading = time.ticks_us()
        self._now_us += time.ticks_diff(reading, self._read_at) * self.pace
        self._read_at = reading
        return self._now_us // 1000

    def install(self) -> None:
        """Make asyncio of this process live by our time."""
        core.ticks = self.ticks_ms
        core._io_queue.poller = WarpedPoll(core._io_queue.poller, self)


class WarpedPoll:
    """A poll object that takes timeouts in the warp's milliseconds."""

    def __init__(self, poll, warp: Warp) -> None:
        self._warp = warp
        self._ipoll = poll.ipoll
        self.register = poll.register
        self.modify = poll.modify
        self.unregister = poll.unregister

    def ipoll(self, wait_ms: int):
        """Wait for events, at most so long."""
        if wait_ms <= 0:
            return self._ipoll(wait_ms)
        real_us = wait_ms * 1000 // self._warp.pace
        if real_us >= 1000:
            return self._ipoll(real_us // 1000)
        time.sleep_us(real_us)
        return self._ipoll(0)


def watched(stream_class, warp: Warp, listening_s: int):
    """A Stream whose phases run at the slow pace; only waiting longer than `listening_s` does not.

    Such a wait is that of a link which listens and expects nothing.
    """

    class WatchedStream(stream_class):
        async def open(self) -> None:
            await framed(super().open())

        async def drain(self, *phase) -> None:
            await framed(super().drain(*phase))

        async def read_exactly(self, *what) -> bytes:
            return await framed(super().read_exactly(*what))

        async def receive(self) -> None:
            await framed(super().receive())

        async def receive_within(self, deadline_s: int) -> bool:
            waiting = super().receive_within(deadline_s)
            return await (waiting if deadline_s > listening_s else framed(waiting))

    async def framed(coroutine):
        warp.begin()
        try:
            return await coroutine
        finally:
            warp.end()

    return WatchedStream
