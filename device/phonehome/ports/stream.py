"""One connection to the receiver, plain or TLS, with a deadline for each phase.

Only the name lookup holds up the loop: the watchdog's timer bridges it, for a bounded time. All
other phases let the loop run, so that their deadlines have nothing to do with the watchdog.
Functions that wait are short, and what works is not on the heap meanwhile.
"""

import asyncio
import gc
import select
import socket
import time
from errno import EINPROGRESS

from phonehome.core.errors import LinkError
from phonehome.core.ondemand import rest
from phonehome_wire.compat import const

# A name server that says nothing is asked four times in 7 s by the firmware, and there may be two.
_LOOKUP_MS = const(20000)
_ADDRESS_MS = const(3600000)  # how long an answer is good for
_SILENCES = const(4)  # in a row: the Wi-Fi says that it is joined and lets nothing through
_ANSWERS = (103, 104, 111)  # aborted, reset, refused: somebody is there
_CONNECT_S = const(10)
_CONNECT_LOOK_MS = const(20)
TLS_S = const(15)
SEND_S = const(10)
_RECEIVE_S = const(15)
_CHUNK_BYTES = const(256)


class Stream:
    """A byte stream to host:port, TLS with a `context`; LinkError names the phase that failed.

    Without an address on `wifi` (None: there is no Wi-Fi) nothing is tried; where it is joined and
    nothing ever comes through, it is left, to be joined again. `bridge(ms)` is told before a call
    that holds up the loop for so long at most, `bridge(0)` behind it.
    """

    def __init__(self, host: str, port: int, context=None, wifi=None, bridge=None) -> None:
        self.host = host
        self.port = port
        self.context = context
        self._wifi = wifi
        self._bridge = bridge
        self._address = None
        self._found_at = 0
        self._silences = 0
        self._until = 0
        self._stream = None
        self._below = None  # a socket that nothing else closes: one that connects, or under TLS
        self._received = b""

    @property
    def is_open(self) -> bool:
        """True between a successful open and the next close or failure."""
        return self._stream is not None

    @property
    def is_secure(self) -> bool:
        """True when the first bytes wait for a handshake."""
        return self.context is not None

    async def open(self) -> None:
        """Look up and connect; the handshake of TLS takes place when first bytes are drained."""
        self.close()
        address = self._find_address()
        try:
            await self._within("connect", _CONNECT_S, self._connect(address))
            self._stream = self._wrap()
        except LinkError:
            self.close()
            self._doubt_address()
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
        await self._within(phase, deadline_s, self._stream.drain())

    async def receive_within(self, deadline_s: int) -> bool:
        """Wait for input; False when none came in this time, which is no failure."""
        if self._received:
            return True
        try:
            await self._receive(deadline_s, is_needed=False)
        except asyncio.TimeoutError:
            return False
        return True

    def expect(self) -> None:
        """An answer begins: it must be read whole in one deadline, however slowly it drips in."""
        self._until = time.ticks_add(time.ticks_ms(), _RECEIVE_S * 1000)

    async def read_exactly(self, count: int) -> bytes:
        """The next `count` bytes of what is expected."""
        while len(self._received) < count:
            await self._receive(self._left_s())
        data, self._received = self._received[:count], self._received[count:]
        return data

    async def receive(self) -> None:
        """Wait for more of what is expected; `maybe_line` has it then."""
        await self._receive(self._left_s())

    def maybe_line(self, max_bytes: int) -> "bytes | None":
        """The next line without its end, None before it is whole.

        A longer one than `max_bytes` is a protocol error.
        """
        end = self._received.find(b"\n")
        if end > max_bytes or (end < 0 and len(self._received) > max_bytes):
            self.close()
            raise LinkError("protocol", "line of more than %d bytes" % max_bytes)
        if end < 0:
            return None
        line, self._received = self._received[:end], self._received[end + 1 :]
        return line.rstrip(b"\r")

    def close(self) -> None:
        """Drop the connection."""
        stream, below = self._stream, self._below
        self._stream = self._below = None
        self._received = b""
        if stream is not None:
            _close(stream.s)
        if below is not None:  # TLS lets go of it without closing it when the handshake fails
            _close(below)

    def _left_s(self) -> float:
        return max(time.ticks_diff(self._until, time.ticks_ms()), 0) / 1000

    def _find_address(self):
        """The address of the host: as it is written, as it was found, or looked up."""
        if self._wifi is not None and not self._wifi.is_joined:
            raise LinkError("offline", "the Wi-Fi is not joined")
        if self._is_literal():
            return self.host
        age_ms = time.ticks_diff(time.ticks_ms(), self._found_at)
        if self._address is None or not 0 <= age_ms < _ADDRESS_MS:
            try:
                self._address = self._resolve()
                self._found_at = time.ticks_ms()
            except LinkError:
                self._note_silence()
                if self._address is None:
                    raise  # else an old answer is better than none
        return self._address

    def _is_literal(self) -> bool:
        """True for an IPv4 address as it is written: there is nothing to look up."""
        parts = self.host.split(".")
        return len(parts) == 4 and all(part.isdigit() for part in parts)

    def _doubt_address(self) -> None:
        """The name may have moved: ask again before the next try."""
        self._found_at = time.ticks_add(time.ticks_ms(), -_ADDRESS_MS)

    def _resolve(self):
        """Look up; boards give (ip, port), the unix port something packed for itself."""
        if self._bridge is not None:
            self._bridge(_LOOKUP_MS)
        try:
            found = socket.getaddrinfo(self.host, self.port, 0, socket.SOCK_STREAM)[0][-1]
        except (OSError, IndexError) as error:
            raise LinkError("dns", "%s: %s" % (self.host, error))
        finally:
            if self._bridge is not None:
                self._bridge(0)
        return found[0] if isinstance(found, tuple) else self.host

    def _note_silence(self) -> None:
        """Nothing came back: after some in a row the Wi-Fi is not believed any more."""
        self._silences += 1
        if self._silences >= _SILENCES and self._wifi is not None:
            self._silences = 0
            self._wifi.leave()

    async def _connect(self, address) -> None:
        """Connect; not the interpreter's open_connection, which leaves a socket that is late."""
        poller = self._begin(address)
        rest()
        while not _is_connected(poller):
            await asyncio.sleep_ms(_CONNECT_LOOK_MS)

    def _begin(self, address):
        """A poller of the socket that connects."""
        family, kind, protocol, _, where = socket.getaddrinfo(
            address, self.port, 0, socket.SOCK_STREAM
        )[0]
        sock = self._below = socket.socket(family, kind, protocol)
        sock.setblocking(False)
        try:
            sock.connect(where)
        except OSError as error:
            if error.errno != EINPROGRESS:
                raise
        poller = select.poll()
        poller.register(sock, select.POLLOUT)
        return poller

    def _wrap(self):
        """The connection as it is, or under TLS."""
        if self._below is None:
            raise LinkError("connect", "closed meanwhile")
        if self.context is None:
            sock, self._below = self._below, None
            return asyncio.StreamReader(sock)
        gc.collect()  # the handshake wants 16.7 KB in one piece
        try:
            secured = self.context.wrap_socket(
                self._below, server_hostname=self.host, do_handshake_on_connect=False
            )
        except (OSError, MemoryError) as error:
            raise LinkError("tls", error)
        secured.setblocking(False)
        return asyncio.StreamReader(secured)

    async def _receive(self, deadline_s: float, is_needed: bool = True) -> None:
        if self._stream is None:
            raise LinkError("receive", "not connected")
        reading = self._stream.read(_CHUNK_BYTES)
        chunk = await self._within("receive", deadline_s, reading, is_needed)
        if not chunk:
            self.close()
            raise LinkError("receive", "closed by the other end")
        self._received += chunk
        self._silences = 0

    async def _within(self, phase: str, deadline_s: float, coroutine, is_needed: bool = True):
        """The coroutine's result; whatever goes wrong closes the stream.

        Being late is a failure only where the result is needed.
        """
        try:
            return await asyncio.wait_for(coroutine, deadline_s)
        except asyncio.TimeoutError:
            if not is_needed:
                raise
            self._note_silence()
            failure = LinkError(phase, "nothing within %d s" % deadline_s)
        except LinkError as error:
            failure = error
        except (OSError, MemoryError, ValueError) as error:  # a bad certificate is a ValueError
            if phase == "connect" and getattr(error, "errno", None) not in _ANSWERS:
                self._note_silence()
            failure = LinkError(phase, str(error).strip())
        if phase == "tls":
            self._doubt_address()
        self.close()
        raise failure


def _close(sock) -> None:
    try:
        sock.close()
    except OSError:
        pass  # gone already


def _is_connected(poller) -> bool:
    """Whether a socket has connected; LinkError when the other end refused."""
    for _, flags in poller.poll(0):
        if flags & (select.POLLERR | select.POLLHUP):
            raise LinkError("connect", "refused")
        return True
    return False
