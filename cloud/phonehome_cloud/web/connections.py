"""Who may connect, and how long the head of a request may take to arrive.

aiohttp closes a connection that stays silent for `keepalive_timeout`, which must be long, because
a device keeps its connection from one report to the next. A client that sends its request head
byte by byte would hold a connection for just as long. So each connection passes through a `Guard`
which starts a clock at the first byte of a head and is told by a middleware when it is complete.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\n"
    b"Retry-After: 10\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
)


@dataclass(frozen=True)
class ConnectionLimits:
    """What one receiver grants its clients."""

    head_timeout_s: float = 10.0  # slower than any real network, faster than a patient attacker
    connections: int = 4096  # below the usual 65,536 file descriptors, and 54 KB of memory each
    connections_per_address: int = 1024  # a building behind one address; a proxy needs its own


class Doorkeeper:
    """Makes the guarded protocol of each connection; pass it to `loop.create_server`."""

    def __init__(
        self, make_protocol: Callable[[], asyncio.Protocol], limits: ConnectionLimits
    ) -> None:
        self._make_protocol = make_protocol
        self.limits = limits
        self.refused = 0
        self.cut = 0
        self._per_address: Counter[str] = Counter()

    def __call__(self) -> "Guard":
        """One guard with its own protocol behind it."""
        return Guard(self, self._make_protocol())

    @property
    def connections(self) -> int:
        """How many are open now."""
        return self._per_address.total()

    def admit(self, address: str) -> bool:
        """Count a new connection, or refuse it when there are too many."""
        if (
            self.connections >= self.limits.connections
            or self._per_address[address] >= self.limits.connections_per_address
        ):
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
    """One connection: passes everything on, and ends it when a request head takes too long."""

    def __init__(self, door: Doorkeeper, inner: asyncio.Protocol) -> None:
        self._door = door
        self._inner = inner
        self._transport: asyncio.Transport | None = None
        self._address = ""
        self._admitted = False
        self._in_request = False
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Admit the connection, or answer 503 and end it."""
        if not isinstance(transport, asyncio.Transport):
            raise TypeError("a guard needs a stream")
        self._transport = transport
        peer = transport.get_extra_info("peername")
        self._address = str(peer[0]) if isinstance(peer, tuple) else "local"
        self._admitted = self._door.admit(self._address)
        if not self._admitted:
            transport.write(_BUSY)
            transport.close()
            return
        self._start_clock()
        self._inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Pass bytes on; outside a request they begin a new head, and its clock starts."""
        if not self._admitted:
            return
        if not self._in_request and self._deadline is None:
            self._start_clock()
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        """The client will send nothing more."""
        return self._inner.eof_received() if self._admitted else None

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended."""
        if self._admitted:
            self._stop_clock()
            self._door.leave(self._address)
            self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        """The client reads too slowly."""
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        """The client has caught up."""
        self._inner.resume_writing()

    def head_arrived(self) -> None:
        """A request head is complete: from here on its handler owns the time."""
        self._in_request = True
        self._stop_clock()

    def answered(self) -> None:
        """The request is done; the next byte begins another."""
        self._in_request = False

    def _start_clock(self) -> None:
        loop = asyncio.get_running_loop()
        self._deadline = loop.call_later(self._door.limits.head_timeout_s, self._cut)

    def _stop_clock(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _cut(self) -> None:
        self._deadline = None
        self._door.cut += 1
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
        self, runner: web.AppRunner, host: str, port: int, limits: ConnectionLimits
    ) -> None:
        super().__init__(runner)
        if runner.server is None:
            raise RuntimeError("the runner is not set up")
        self._host = host
        self._bound_port = port
        self.door = Doorkeeper(runner.server, limits)

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
            self.door, self._host, self._bound_port, backlog=1024, reuse_address=True
        )
        self._server = server
        self._bound_port = server.sockets[0].getsockname()[1]
