"""The words of MQTT: umqtt.simple says them, this file owns what it takes for its socket.

umqtt.simple blocks wherever it expects an answer, trusts what comes in, and never wraps its packet
id. Here its `sock` is a PacketSocket: what it writes is gathered and leaves in one piece, what it
reads is one complete packet that was checked before, and where it would wait it stops instead.
Both are loaded for a word and dropped again (see `mqtt`), so a client lives as long as the word.
"""

import struct

# The client that boards install with mip: a dependency, so that other code can share it.
from umqtt.simple import MQTTClient

from phonehome.core.errors import LinkError
from phonehome_wire.compat import const

_LAST_PID = const(65534)
_MAX_TOPIC_BYTES = const(100)  # umqtt writes the length of a subscription in one byte


class _WouldWaitError(Exception):
    """umqtt wants to read and there is nothing more: its part is done for now."""


class PacketSocket:
    """What umqtt takes for its socket; `packet` is what it may read, `take` what it wrote."""

    def __init__(self) -> None:
        self._written = bytearray()
        self._packet = b""

    def put(self, packet: bytes) -> None:
        """Let it read this packet."""
        self._packet = packet

    def take(self) -> bytes:
        """Everything written since the last time."""
        written, self._written = self._written, bytearray()
        return written

    def write(self, data, size: "int | None" = None) -> int:
        """Gather bytes; the second argument is how the stream protocol of boards is called."""
        self._written.extend(data if size is None else memoryview(data)[:size])
        return len(data) if size is None else size

    def read(self, size: int) -> bytes:
        """The next bytes of the packet; it never waits."""
        if size and not self._packet:
            raise _WouldWaitError
        data, self._packet = self._packet[:size], self._packet[size:]
        return data

    def setblocking(self, _is_blocking: bool) -> None:
        """Nothing here blocks; on the real socket this call would cancel its deadline."""

    def close(self) -> None:
        """The stream is closed by who opened it."""


class Client(MQTTClient):
    """umqtt.simple (1.3.4 to 1.8) without waiting: every call only writes into `sock`."""

    def __init__(self, client_id: str, user, password, keepalive_s: int) -> None:
        super().__init__(client_id, "", 1, user, password, keepalive_s)
        self.sock = PacketSocket()

    def connect(self) -> None:
        """Write CONNECT; the inherited one opens a socket of its own and waits."""
        payload = _text(self.client_id) + _text(self.lw_topic) + _text(self.lw_msg)
        flags = 0x02 | 0x04 | self.lw_qos << 3 | self.lw_retain << 5
        if self.user is not None:
            payload += _text(self.user) + _text(self.pswd)
            flags |= 0xC0
        head = b"\x00\x04MQTT\x04" + struct.pack("!BH", flags, self.keepalive)
        self.sock.write(b"\x10" + _length(len(head) + len(payload)) + head + payload)

    def publish(self, topic: str, msg, retain: bool = False, qos: int = 0) -> int:
        """Write PUBLISH; return its packet id, which wraps before umqtt's would break."""
        self._wrap_pid()
        try:
            super().publish(topic, msg, retain, qos)
        except _WouldWaitError:
            pass
        return self.pid

    def subscribe(self, topic: str, qos: int = 0) -> None:
        """Write SUBSCRIBE."""
        if len(topic) > _MAX_TOPIC_BYTES:
            raise LinkError("protocol", "topic of %d bytes" % len(topic))
        self._wrap_pid()
        try:
            super().subscribe(topic, qos)
        except _WouldWaitError:
            pass

    def hear(self, packet: bytes) -> int:
        """Take one complete packet that `check` let through; return its type."""
        self.sock.put(packet)
        self.wait_msg()
        return packet[0] & 0xF0

    def _wrap_pid(self) -> None:
        if self.pid >= _LAST_PID:
            self.pid = 0


def _text(data) -> bytes:
    data = data.encode() if isinstance(data, str) else data
    return struct.pack("!H", len(data)) + data


def _length(size: int) -> bytes:
    head = bytearray()
    while size > 0x7F:
        head.append(size & 0x7F | 0x80)
        size >>= 7
    head.append(size)
    return head
