"""A load of POSTs that costs the loader little: requests built beforehand, raw kept-alive sockets.

An HTTP client library would spend more on a request than the server that is measured, so this is
the least that reads an answer: its status and the length of its body.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from phonehome_tools.fleet.errors import ChildError

END_OF_HEAD = b"\r\n\r\n"
OK = b"HTTP/1.1 200"
LENGTH = b"content-length:"


class Caller(asyncio.Protocol):
    """One connection that sends its next request when the answer to the last one is whole."""

    def __init__(self, requests: Iterator[bytes]) -> None:
        self._requests = requests
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._until_s = 0.0
        self._idle: asyncio.Future[None] | None = None
        self.answers = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the socket; the loop disables Nagle's delay itself."""
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

    def call_until(self, instant_s: float) -> "asyncio.Future[None]":
        """Send requests until a monotonic instant; the future ends with the last answer."""
        self._until_s = instant_s
        self._idle = asyncio.get_running_loop().create_future()
        self._send_next()
        return self._idle

    def data_received(self, data: bytes) -> None:
        """Count a whole answer and go on; anything but 200 ends the measurement."""
        self._buffer += data
        head_end = self._buffer.find(END_OF_HEAD)
        if head_end < 0:
            return
        if not self._buffer.startswith(OK):
            self._fail(f"the server answered {self._buffer[:200]!r}")
        elif len(self._buffer) >= head_end + 4 + body_length(self._buffer[:head_end]):
            self._buffer = b""
            self.answers += 1
            self._send_next()

    def connection_lost(self, exc: Exception | None) -> None:
        """A server that hangs up in the middle ends the measurement."""
        self._fail(f"the server closed the connection ({exc})")

    def close(self) -> None:
        """Hang up."""
        self._idle = None
        if self._transport is not None:
            self._transport.close()

    def _send_next(self) -> None:
        request = next(self._requests, None) if time.monotonic() < self._until_s else None
        if request is not None and self._transport is not None:
            self._transport.write(request)
        elif self._idle is not None and not self._idle.done():
            self._idle.set_result(None)

    def _fail(self, text: str) -> None:
        if self._idle is not None and not self._idle.done():
            self._idle.set_exception(ChildError(text))


def body_length(head: bytes) -> int:
    """The announced length of a body; 0 when there is none."""
    lower = head.lower()
    start = lower.find(LENGTH)
    if start < 0:
        return 0
    return int(lower[start + len(LENGTH) :].split(b"\r\n", 1)[0])


@dataclass
class Load:
    """Several callers of one server."""

    callers: Sequence[Caller]

    async def measure(self, seconds: float) -> tuple[int, float]:
        """Answers in one slice of time, and per second."""
        before = sum(caller.answers for caller in self.callers)
        start = time.monotonic()
        await asyncio.gather(*(caller.call_until(start + seconds) for caller in self.callers))
        spent = time.monotonic() - start
        answers = sum(caller.answers for caller in self.callers) - before
        return answers, answers / spent

    def close(self) -> None:
        """Hang up on every connection."""
        for caller in self.callers:
            caller.close()


async def connect(host: str, port: int, requests: Sequence[Iterator[bytes]]) -> Load:
    """Open one connection for each stream of requests."""
    loop = asyncio.get_running_loop()
    callers = [Caller(stream) for stream in requests]
    for caller in callers:
        await loop.create_connection(lambda caller=caller: caller, host, port)  # type: ignore[misc]
    return Load(callers)


def post(host: str, port: int, message: bytes) -> bytes:
    """A whole request that carries one signed message."""
    head = (
        f"POST /v1/up HTTP/1.1\r\nHost: {host}:{port}\r\n"
        'Content-Type: application/cose; cose-type="cose-mac0"\r\n'
        f"Content-Length: {len(message)}\r\n\r\n"
    )
    return head.encode() + message
