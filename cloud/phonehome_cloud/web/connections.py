"""Who may connect, and how long the head of a request may take to arrive.

aiohttp closes a connection that stays silent for `keepalive_timeout`, which must be long, because
a device keeps its connection from one report to the next. A client that sends its request head
byte by byte would hold a connection for just as long. So each connection passes through a `Guard`
which starts a clock at the first byte of a head and is told by a middleware when it is complete.

A connection of a board, which only ever writes what `express` reads, never gets to aiohttp: it is
answered from here, and costs less memory while it is idle than aiohttp would need for it.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from aiohttp import web

from phonehome_cloud.core.intake import Intake

from .express import Express, find_message

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_SPARE_FILES = 256  # for the database, brokers, and what a library opens for a moment
_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\n"
    b"Retry-After: 10\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
)


@dataclass(frozen=True)
class ConnectionLimits:
    """What one receiver grants its clients."""

    head_timeout_s: float = 10.0  # slower than any real network, faster than a patient attacker
    connections: int = 4096  # below the usual 65,536 file descriptors, and 54 KB of memory each
    connections_per_address: int = 1024  # a building behind one address
    proxies: frozenset[str] = frozenset()  # addresses that may have all connections
    idle_s: float = 330.0  # a device that reports every five minutes keeps its connection
    backlog: int = 1024  # taken at once by asyncio, before any of them can be refused

    def within(self, files: int) -> "ConnectionLimits":
        """The same for a process that may open so many files: clients never take the last ones."""
        room = max(1, min(self.connections, files - min(_SPARE_FILES, files // 2)))
        return replace(self, connections=room, backlog=min(self.backlog, (files - room) // 2))


_LOOK_S = 0.01  # how often a closing door looks whether all have left
_HELD_BYTES = 65_536  # sent by a client that does not wait for its answer: then it is not read


class Doorkeeper:
    """Makes the guarded protocol of each connection; pass it to `loop.create_server`."""

    def __init__(
        self, make_protocol: Callable[[], asyncio.Protocol], limits: ConnectionLimits, up: Express
    ) -> None:
        self.make_protocol = make_protocol
        self.limits = limits
        self.up = up
        self.refused = 0
        self.cut = 0
        self.is_closing = False
        self.boards: set[Guard] = set()  # the connections that aiohttp does not know
        self._per_address: Counter[str] = Counter()

    def __call__(self) -> "Guard":
        """The guard of one connection."""
        return Guard(self)

    async def close(self, timeout_s: float) -> None:
        """End the connections that aiohttp does not know, each behind the answer it waits for."""
        self.is_closing = True
        for guard in tuple(self.boards):
            guard.leave_when_answered()
        loop = asyncio.get_running_loop()
        last_s = loop.time() + timeout_s
        while self.boards and loop.time() < last_s:  # noqa: ASYNC110 - at the end, once
            await asyncio.sleep(_LOOK_S)
        for guard in tuple(self.boards):
            guard.cut()

    @property
    def connections(self) -> int:
        """How many are open now."""
        return self._per_address.total()

    def admit(self, address: str) -> bool:
        """Count a new connection, or refuse it when there are too many."""
        limits = self.limits
        is_full = self._per_address[address] >= limits.connections_per_address
        if self.connections >= limits.connections or (is_full and address not in limits.proxies):
            self.refused += 1
            return False
        self._per_address[address] += 1
        return True

    def leave(self, address: str) -> None:
        """Forget a connection that was admitted."""
        self._per_address[address] -= 1
        if not self._per_address[address]:
            del self._per_address[address]


class Guard(asyncio.Protocol):
    """One connection: answers boards, passes everything else on to aiohttp, and ends the
    connection when a request head takes too long.

    `_inner` is aiohttp's half, None as long as every request was one that `express` reads.
    """

    __slots__ = (
        "_address",
        "_admitted",
        "_deadline",
        "_door",
        "_held",
        "_in_request",
        "_inner",
        "_seen_s",
        "_transport",
    )

    def __init__(self, door: Doorkeeper) -> None:
        self._door = door
        self._inner: asyncio.Protocol | None = None
        self._transport: asyncio.Transport | None = None
        self._address = ""
        self._admitted = False
        self._in_request = False
        self._held = b""
        self._seen_s = 0.0
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Admit the connection, or answer 503 and end it."""
        if not isinstance(transport, asyncio.Transport):
            raise TypeError("a guard needs a stream")
        self._transport = transport
        peer = transport.get_extra_info("peername")
        self._address = str(peer[0]) if isinstance(peer, tuple) else "local"
        self._admitted = not self._door.is_closing and self._door.admit(self._address)
        if not self._admitted:
            transport.write(_BUSY)
            transport.close()
            return
        self._door.boards.add(self)
        self._start_clock()

    def data_received(self, data: bytes) -> None:
        """Answer a board, or pass bytes on; outside a request they begin a new head, and its
        clock starts.
        """
        if not self._admitted:
            return
        if self._inner is None:
            self._data_of_board(data)
            return
        if not self._in_request and self._deadline is None:
            self._start_clock()
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        """The client will send nothing more."""
        return self._inner.eof_received() if self._inner is not None else None

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended."""
        if not self._admitted:
            return
        self._stop_clock()
        self._door.leave(self._address)
        self._door.boards.discard(self)
        if self._inner is not None:
            self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        """The client reads too slowly."""
        if self._inner is not None:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        """The client has caught up."""
        if self._inner is not None:
            self._inner.resume_writing()

    def head_arrived(self) -> None:
        """A request head is complete: from here on its handler owns the time."""
        self._in_request = True
        self._stop_clock()

    def answered(self) -> None:
        """The request is done; the next byte begins another."""
        self._in_request = False

    def leave_when_answered(self) -> None:
        """End a board's connection, at once when it waits for nothing."""
        if not self._in_request and self._transport is not None:
            self._transport.close()

    def _data_of_board(self, data: bytes) -> None:
        if self._in_request:  # the next request before the answer to this one
            self._held += data
            if len(self._held) > _HELD_BYTES and self._transport is not None:
                self._transport.pause_reading()
            return
        message = find_message(data)
        if message is None:
            self._pass_on(data)
            return
        self._in_request = True
        self._door.up.take(message, self._address, self._answer_board)

    def _pass_on(self, data: bytes) -> None:
        """From here on this is a connection of aiohttp, under the clock of its request head."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        self._door.boards.discard(self)
        self._stop_clock()
        self._start_clock()
        self._inner = self._door.make_protocol()
        self._inner.connection_made(transport)
        self._inner.data_received(data)

    def _answer_board(self, response: bytes) -> None:
        transport = self._transport
        self._in_request = False
        if transport is None or transport.is_closing():
            return
        transport.write(response)
        if self._door.is_closing:
            transport.close()
            return
        first, self._seen_s = not self._seen_s, asyncio.get_running_loop().time()
        if first:
            self._stop_clock()
            self._wait_idle(self._door.limits.idle_s)
        if self._held:
            transport.resume_reading()
            held, self._held = self._held, b""
            self._data_of_board(held)

    def _wait_idle(self, seconds: float) -> None:
        """Look again when the connection may have been idle for too long: one timer for it, not
        one for each request.
        """
        loop = asyncio.get_running_loop()
        self._deadline = loop.call_later(seconds, self._close_idle)

    def _close_idle(self) -> None:
        idle_s = asyncio.get_running_loop().time() - self._seen_s
        if self._in_request or idle_s < self._door.limits.idle_s:
            self._wait_idle(max(_LOOK_S, self._door.limits.idle_s - idle_s))
        elif self._transport is not None:
            self._transport.close()

    def _start_clock(self) -> None:
        loop = asyncio.get_running_loop()
        self._deadline = loop.call_later(self._door.limits.head_timeout_s, self._cut_slow)

    def _stop_clock(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _cut_slow(self) -> None:
        self._deadline = None
        self._door.cut += 1
        self.cut()

    def cut(self) -> None:
        """End the connection without a word."""
        if self._transport is not None:
            self._transport.abort()


@web.middleware
async def time_the_head(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Tell the guard of this connection where a request begins and ends."""
    guard = request.transport.get_protocol() if request.transport else None
    if not isinstance(guard, Guard):
        return await handler(request)
    guard.head_arrived()
    try:
        return await handler(request)
    finally:
        guard.answered()


class GuardedSite(web.BaseSite):
    """A TCP site whose connections pass a doorkeeper."""

    def __init__(
        self,
        runner: web.AppRunner,
        host: str,
        port: int,
        limits: ConnectionLimits,
        intake: Intake,
        drain_s: float,
    ) -> None:
        super().__init__(runner)
        if runner.server is None:
            raise RuntimeError("the runner is not set up")
        self._host = host
        self._bound_port = port
        self._drain_s = drain_s
        self.door = Doorkeeper(runner.server, limits, Express(intake))

    @property
    def name(self) -> str:
        """Where it listens; the port is known after `start`."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._bound_port}"

    async def start(self) -> None:
        """Listen; raises OSError when the address is taken."""
        await super().start()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            self.door,
            self._host,
            self._bound_port,
            backlog=self.door.limits.backlog,
            reuse_address=True,
        )
        self._server = server
        self._bound_port = server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Take no more connections, and let boards have the answers they wait for."""
        await super().stop()
        await self.door.close(self._drain_s)
