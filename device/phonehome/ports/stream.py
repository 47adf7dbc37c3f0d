"""One connection to the receiver, plain or TLS, with a deadline for each phase.

The deadlines are shorter than the longest watchdog of an RP2040 (8.3 s) wherever the interpreter
blocks, that is in the name lookup; all other phases let the loop run.
"""

import asyncio
import gc
import select
import socket

from phonehome.core.errors import LinkError
from phonehome_wire.compat import const

_CONNECT_S = const(10)
TLS_S = const(15)
SEND_S = const(10)
_RECEIVE_S = const(15)
_CHUNK_BYTES = const(256)


class Stream:
    """A byte stream to host:port, TLS with a `context`; LinkError names the phase that failed."""

    def __init__(self, host: str, port: int, context=None) -> None:
        self.host = host
        self.port = port
        self._context = context
        self._address = None
        self._stream = None
        self._received = b""

    @property
    def is_open(self) -> bool:
        """True between a successful open and the next close or failure."""
        return self._stream is not None

    @property
    def is_secure(self) -> bool:
        """True when the first bytes wait for a handshake."""
        return self._context is not None

    async def open(self) -> None:
        """Look up and connect; the handshake of TLS takes place when first bytes are drained."""
        self.close()
        address = self._address or self._resolve()
        try:
            opening = asyncio.open_connection(address, self.port)
            stream, _ = await _within("connect", _CONNECT_S, opening)
            _check_connected(stream.s)
            self._stream = self._wrap(stream) if self._context else stream
            self._address = address
        except LinkError:
            self._address = None  # the name may have moved
            raise

    def write(self, data) -> None:
        """Take a copy of the data; `drain` sends it."""
        if self._stream is None:
            raise LinkError("send", "not connected")
        try:
            self._stream.write(data)
        except OSError as error:
            self.close()
            raise LinkError("send", error)
        except (MemoryError, ValueError) as error:  # a handshake that the other end was quick in
            self.close()
            raise LinkError("tls", str(error).strip())

    async def drain(self, phase: str = "send", deadline_s: int = SEND_S) -> None:
        """Send what was written."""
        await self._guarded(phase, deadline_s, self._stream.drain)

    async def receive_within(self, deadline_s: int) -> bool:
        """Wait for input; False when none came in this time, which is no failure."""
        if self._received:
            return True
        try:
            await self._receive(deadline_s, is_needed=False)
        except asyncio.TimeoutError:
            return False
        return True

    async def read_exactly(self, count: int, deadline_s: int = _RECEIVE_S) -> bytes:
        """The next `count` bytes."""
        while len(self._received) < count:
            await self._receive(deadline_s)
        data, self._received = self._received[:count], self._received[count:]
        return data

    async def read_line(self, max_bytes: int, deadline_s: int = _RECEIVE_S) -> bytes:
        """The next line without its end; longer than `max_bytes` is a protocol error."""
        while True:
            end = self._received.find(b"\n")
            if end > max_bytes or (end < 0 and len(self._received) > max_bytes):
                self.close()
                raise LinkError("protocol", "line of more than %d bytes" % max_bytes)
            if end >= 0:
                line, self._received = self._received[:end], self._received[end + 1 :]
                return line.rstrip(b"\r")
            await self._receive(deadline_s)

    def close(self) -> None:
        """Drop the connection."""
        stream, self._stream = self._stream, None
        self._received = b""
        if stream is not None:
            try:
                stream.s.close()
            except OSError:
                pass  # gone already

    def _resolve(self):
        """The address; boards give (ip, port), the unix port something packed for itself."""
        try:
            found = socket.getaddrinfo(self.host, self.port, 0, socket.SOCK_STREAM)[0][-1]
        except (OSError, IndexError) as error:
            raise LinkError("dns", "%s: %s" % (self.host, error))
        return found[0] if isinstance(found, tuple) else self.host

    def _wrap(self, stream):
        gc.collect()  # the handshake wants 16.7 KB in one piece
        try:
            secured = self._context.wrap_socket(
                stream.s, server_hostname=self.host, do_handshake_on_connect=False
            )
        except (OSError, MemoryError) as error:
            stream.s.close()
            raise LinkError("tls", error)
        secured.setblocking(False)
        return asyncio.StreamReader(secured)

    async def _receive(self, deadline_s: int, is_needed: bool = True) -> None:
        chunk = await self._guarded("receive", deadline_s, self._read_chunk, is_needed)
        if not chunk:
            self.close()
            raise LinkError("receive", "closed by the other end")
        self._received += chunk

    def _read_chunk(self):
        return self._stream.read(_CHUNK_BYTES)

    async def _guarded(self, phase: str, deadline_s: int, start, is_needed: bool = True):
        """Run one phase of an open stream; whatever goes wrong closes it."""
        if self._stream is None:
            raise LinkError(phase, "not connected")
        try:
            return await _within(phase, deadline_s, start(), is_needed)
        except LinkError:
            self.close()
            raise


def _check_connected(sock) -> None:
    """The interpreter's open_connection returns from a refused connection as from a good one."""
    poller = select.poll()
    poller.register(sock, select.POLLOUT)
    for _, flags in poller.poll(0):
        if flags & (select.POLLERR | select.POLLHUP):
            sock.close()
            raise LinkError("connect", "refused")


async def _within(phase: str, deadline_s: int, coroutine, is_needed: bool = True):
    """The coroutine's result; being late is a failure only where the result is needed."""
    try:
        return await asyncio.wait_for(coroutine, deadline_s)
    except asyncio.TimeoutError:
        if not is_needed:
            raise
        raise LinkError(phase, "nothing within %d s" % deadline_s)
    except LinkError:
        raise
    except (OSError, MemoryError, ValueError) as error:  # a bad certificate is a ValueError
        raise LinkError(phase, str(error).strip())
