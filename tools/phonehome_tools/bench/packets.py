"""As much of MQTT 3.1.1 as a load of devices needs: written beforehand, read without a library.

A client library would spend more on a message than the receiver that is measured.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Self

CONNACK, PUBLISH, PUBACK, SUBACK = 0x20, 0x30, 0x40, 0x90
WITHIN_S = 20.0


def packet(first: int, body: bytes) -> bytes:
    """A packet around its body."""
    size, length = len(body), b""
    while True:
        size, part = divmod(size, 128)
        length += bytes((part | (0x80 if size else 0),))
        if not size:
            return bytes((first,)) + length + body


def text(value: str) -> bytes:
    """A string with its length."""
    data = value.encode()
    return len(data).to_bytes(2, "big") + data


def publish(topic: str, message: bytes, mid: int) -> bytes:
    """A PUBLISH of QoS 1."""
    return packet(PUBLISH | 2, text(topic) + mid.to_bytes(2, "big") + message)


def connect(client_id: str) -> bytes:
    """A CONNECT of a clean session without keep-alive."""
    return packet(0x10, text("MQTT") + b"\x04\x02\x00\x00" + text(client_id))


def subscribe(topic: str) -> bytes:
    """A SUBSCRIBE of QoS 1."""
    return packet(0x82, b"\x00\x01" + text(topic) + b"\x01")


class Link(asyncio.Protocol):
    """A connection to a broker; `on_message` gets the payload of each PUBLISH."""

    def __init__(self, on_message: Callable[[bytes], None]) -> None:
        self._on_message = on_message
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self._ready = asyncio.Event()

    @classmethod
    async def open(
        cls, address: tuple[str, int], hello: Sequence[bytes], on_message: Callable[[bytes], None]
    ) -> Self:
        """Connect and subscribe; ready when the last of these packets is answered."""
        loop = asyncio.get_running_loop()
        _, link = await loop.create_connection(lambda: cls(on_message), *address)
        for each in hello:
            await link.ask(each)
        return link

    async def ask(self, question: bytes) -> None:
        """Send a CONNECT or SUBSCRIBE; return when it is answered."""
        self._ready.clear()
        self.write(question)
        async with asyncio.timeout(WITHIN_S):
            await self._ready.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The loop disables Nagle's delay itself."""
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

    def write(self, data: bytes) -> None:
        """Send packets."""
        if self._transport is not None:
            self._transport.write(data)

    def data_received(self, data: bytes) -> None:
        """Read packets; a message is acknowledged at once."""
        self._buffer += data
        at = 0
        for end, first, start in packets_of(self._buffer):
            at = end
            if first & 0xF0 == PUBLISH:
                self._take(first, self._buffer[start:end])
            elif first in (CONNACK, SUBACK):
                self._ready.set()
        self._buffer = self._buffer[at:]

    def _take(self, first: int, body: bytes) -> None:
        at = 2 + int.from_bytes(body[:2], "big")
        if first & 0x06:
            self.write(packet(PUBACK, body[at : at + 2]))
            at += 2
        self._on_message(body[at:])

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.abort()


def packets_of(data: bytes) -> Iterator[tuple[int, int, int]]:
    """(end, first byte, start of the body) of each whole packet."""
    at = 0
    while at + 2 <= len(data):
        first, size, shift, start = data[at], 0, 0, at + 1
        while start < len(data):
            byte = data[start]
            size |= (byte & 0x7F) << shift
            shift, start = shift + 7, start + 1
            if not byte & 0x80:
                break
        else:
            return
        at = start + size
        if at > len(data):
            return
        yield at, first, start
