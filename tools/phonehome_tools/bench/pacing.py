"""Open-loop load: requests go out at their time, whether the server keeps up or not.

What a request waits for a connection that is still busy counts as its latency, too: a server that
stands still is not excused for the requests that it kept from being sent.
"""

import asyncio
import time
from collections import deque
from collections.abc import Sequence

from phonehome_tools.bench.load import END_OF_HEAD, OK, body_length
from phonehome_tools.fleet.errors import ChildError

AHEAD_S = 0.05
WITHIN_S = 30.0


class Pacer:
    """Connections that take the requests of one schedule."""

    def __init__(self) -> None:
        self.free: deque[PacedCaller] = deque()
        self.late: deque[tuple[float, bytes]] = deque()
        self.latencies: list[float] = []
        self.failure: ChildError | None = None

    async def connect(self, host: str, port: int, connections: int) -> None:
        """Open the connections."""
        loop = asyncio.get_running_loop()
        for _ in range(connections):
            await loop.create_connection(lambda: PacedCaller(self), host, port)

    async def run(self, requests: Sequence[bytes], rate: float) -> list[float]:
        """Send all, `rate` a second; the sorted latencies in seconds."""
        self.latencies = []
        start = time.monotonic() + AHEAD_S
        for number, request in enumerate(requests):
            due = start + number / rate
            while (wait := due - time.monotonic()) > 0:  # noqa: ASYNC110 - a clock
                await asyncio.sleep(wait)
            self.send(due, request)
            if not number % 16:
                await asyncio.sleep(0)  # answers want to be read, too
        async with asyncio.timeout(WITHIN_S):
            while len(self.latencies) < len(requests):
                if self.failure is not None:
                    raise self.failure
                await asyncio.sleep(AHEAD_S)
        return sorted(self.latencies)

    def send(self, due: float, request: bytes) -> None:
        """Over a connection that is free, or over the next one that is."""
        if self.free:
            self.free.popleft().send(due, request)
        else:
            self.late.append((due, request))

    def close(self) -> None:
        """Hang up; every connection is free behind a run."""
        while self.free:
            self.free.popleft().close()


class PacedCaller(asyncio.Protocol):
    """One connection: a request at a time, and when it was due."""

    def __init__(self, pacer: Pacer) -> None:
        self._pacer = pacer
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._due = 0.0
        self._is_closing = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ready for a request."""
        if isinstance(transport, asyncio.Transport):
            self._transport = transport
            self._pacer.free.append(self)

    def send(self, due: float, request: bytes) -> None:
        """Send it now."""
        self._due = due
        if self._transport is not None:
            self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Note how long a whole answer took, and take the next request that is late."""
        self._buffer += data
        head_end = self._buffer.find(END_OF_HEAD)
        if head_end < 0 or len(self._buffer) < head_end + 4 + body_length(self._buffer[:head_end]):
            return
        if not self._buffer.startswith(OK):
            self._pacer.failure = ChildError(f"the server answered {self._buffer[:200]!r}")
        self._buffer = b""
        self._pacer.latencies.append(time.monotonic() - self._due)
        if self._pacer.late:
            self.send(*self._pacer.late.popleft())
        else:
            self._pacer.free.append(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """A server that hangs up ends the measurement."""
        if not self._is_closing:
            self._pacer.failure = ChildError(f"the server closed the connection ({exc})")

    def close(self) -> None:
        """Hang up."""
        self._is_closing = True
        if self._transport is not None:
            self._transport.close()
