"""Reports over MQTT: umqtt.simple says the words, this file owns the socket and the waiting.

umqtt.simple blocks wherever it expects an answer, trusts what comes in, and never wraps its packet
id. Here its `sock` is a PacketSocket: what it writes is gathered and leaves in one piece, what it
reads is one complete packet that was checked before, and where it would wait it stops instead.
"""

import asyncio
import struct

# The client that boards install with mip: a dependency, so that other code can share it.
from umqtt.simple import MQTTClient

from phonehome.core.errors import LinkError
from phonehome_wire.compat import const

from .stream import SEND_S, TLS_S

# Folded away on a board; a test holds them to the wire's registry and limits.
_MAX_DOWNLINK_BYTES = const(1024)
_STATE_OFFLINE = const(0)
_STATE_ONLINE = const(1)

_PUBACK_S = const(10)
_PING_S = const(15)
_LAST_PID = const(65534)
_MAX_TOPIC_BYTES = const(100)  # umqtt writes the length of a subscription in one byte
_MAX_PACKET_BYTES = const(_MAX_DOWNLINK_BYTES + 64)  # topic and heads
_CONNACK = const(0x20)
_PUBLISH = const(0x30)
_PUBACK = const(0x40)
_SUBACK = const(0x90)
_LENGTHS = {_CONNACK: 2, _PUBACK: 2, _SUBACK: 3, 0xD0: 0}  # what follows the head, PINGRESP last


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


class MQTTLink:
    """Publishes on ph1/{dev}/up; `on_message(view)` hears ph1/{dev}/dn, at any time.

    `make_state(state, conn)` signs the words for the retained state topic: the last will before
    connecting, the opposite after it.
    """

    acks_later = True

    def __init__(self, stream, config, device: str, make_state, on_message) -> None:
        self._stream = stream
        self.context = stream.context
        self._config = config
        self._device = device
        self._make_state = make_state
        self._on_message = on_message
        self._client = None
        self._is_up = False
        self._writing = asyncio.Lock()
        self._heard_puback = asyncio.Event()
        self._puback_pid = 0
        self._conn = 0
        self.opened = asyncio.Event()

    @property
    def is_open(self) -> bool:
        """True between a successful open and the next close or failure."""
        return self._is_up and self._stream.is_open

    @property
    def reconnects(self) -> int:
        """How often the link was opened again."""
        return self._conn - 1

    async def open(self) -> None:
        """Connect, subscribe and say online, unless all that is done."""
        if self.is_open:
            return
        self._is_up = False
        await self._stream.open()
        self._conn += 1
        client = self._client = self._make_client()
        self._puback_pid = 0  # a new client counts from 1 again: an old PUBACK must not fit
        client.connect()
        await self._flush("tls" if self._stream.is_secure else "connect", TLS_S)
        self._expect_ok(await self._read_until(_CONNACK), "connect")
        client.subscribe(self._topic("dn"), 1)
        await self._flush()
        self._expect_ok(await self._read_until(_SUBACK), "subscribe")
        client.publish(self._topic("st"), self._make_state(_STATE_ONLINE, self._conn), True, 1)
        await self._flush()
        self._is_up = True
        self.opened.set()

    async def send(self, view) -> None:
        """Publish a report; returns on PUBACK. The view is copied before anything waits."""
        pid = self._client.publish(self._topic("up"), view, False, 1)
        await self._flush()
        try:
            await asyncio.wait_for(self._await_puback(pid), _PUBACK_S)
        except asyncio.TimeoutError:
            raise LinkError("send", "no PUBACK within %d s" % _PUBACK_S)

    async def listen(self, alive) -> None:
        """Hear what comes in and keep the connection alive until it is gone."""
        try:
            while self.is_open:
                alive()
                await self._keep_alive()
                self._stream.expect()
                self._client.hear(await self._read_packet())
                await self._flush()
        except LinkError:
            pass  # gone; the sender opens the next one at its own pace
        await self.close()

    async def close(self) -> None:
        """Drop the connection; the broker then publishes the last will."""
        self._is_up = False
        self._stream.close()
        self._heard_puback.set()

    def _make_client(self) -> Client:
        config = self._config
        user = config.user if config.password is None else config.user or self._device
        client = Client(self._device, user, config.password, config.keepalive_s)
        client.set_callback(self._take)
        will = self._make_state(_STATE_OFFLINE, self._conn)
        client.set_last_will(self._topic("st"), will, True, 1)
        return client

    def _topic(self, leaf: str) -> str:
        return "ph1/%s/%s" % (self._device, leaf)

    def _take(self, _topic, message) -> None:
        self._on_message(message)

    async def _flush(self, phase: str = "send", deadline_s: int = SEND_S) -> None:
        """Send what the client wrote; one at a time, the interpreter's stream cannot do two."""
        async with self._writing:
            written = self._client.sock.take()
            if written:
                self._stream.write(written)
                await self._stream.drain(phase, deadline_s)

    async def _await_puback(self, pid: int) -> None:
        while self._puback_pid != pid:
            if not self.is_open:
                raise LinkError("send", "closed before the PUBACK")
            self._heard_puback.clear()
            await self._heard_puback.wait()

    async def _keep_alive(self) -> None:
        """Wait for input; a quiet link is asked for a sign of life, for it may be half open."""
        if await self._stream.receive_within(self._config.keepalive_s // 2):
            return
        self._client.ping()
        await self._flush()
        deadline_s = min(_PING_S, self._config.keepalive_s)
        if not await self._stream.receive_within(deadline_s):
            raise LinkError("receive", "no answer to a ping within %d s" % deadline_s)

    async def _read_until(self, kind: int) -> bytes:
        """The first packet of a kind; whatever else comes before it is heard."""
        self._stream.expect()
        while True:
            packet = await self._read_packet()
            if packet[0] & 0xF0 == kind:
                return packet
            self._client.hear(packet)

    async def _read_packet(self) -> bytes:
        """One complete packet that umqtt can read without harm."""
        stream = self._stream
        head = await stream.read_exactly(1)
        size = shift = 0
        while True:
            digit = await stream.read_exactly(1)
            head += digit
            size |= (digit[0] & 0x7F) << shift
            shift += 7
            if not digit[0] & 0x80:
                break
            if shift > 14:
                raise self._broken("length")
        if size > _MAX_PACKET_BYTES:
            raise self._broken("%d bytes" % size)
        body = await stream.read_exactly(size)
        if not is_harmless(head[0], body):
            raise self._broken("type %d" % head[0])
        if head[0] & 0xF0 == _PUBACK:
            self._puback_pid = body[0] << 8 | body[1]
            self._heard_puback.set()
        return head + body

    def _expect_ok(self, packet: bytes, what: str) -> None:
        code = packet[-1]
        if code > 2 or (code and what == "connect"):
            self._stream.close()
            raise LinkError("refused", "broker answers %s with %d" % (what, code))

    def _broken(self, detail: str) -> LinkError:
        self._stream.close()
        return LinkError("protocol", "MQTT packet: " + detail)


def is_harmless(first: int, body: bytes) -> bool:
    """True for a packet whose lengths agree and that this client can be sent: nothing of QoS 2."""
    if first & 0xF0 != _PUBLISH:
        return _LENGTHS.get(first, -1) == len(body)
    qos = first >> 1 & 3
    if qos > 1 or len(body) < 2:
        return False
    return 2 + (body[0] << 8 | body[1]) + 2 * qos <= len(body)


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
