"""Reports over MQTT: one connection, its waiting and its deadlines.

The words are umqtt.simple's, see `packets`. A connection that waits needs none of them: they are
loaded for each packet that goes out or comes in, and dropped again.
"""

import asyncio
import sys

from phonehome.core.errors import LinkError
from phonehome.core.ondemand import forget, rest
from phonehome_wire.compat import const

from .stream import SEND_S, TLS_S

# Folded away on a board; a test holds them to the wire's registry and limits.
_MAX_DOWNLINK_BYTES = const(1024)
_STATE_OFFLINE = const(0)
_STATE_ONLINE = const(1)

_PUBACK_S = const(10)
_PING_S = const(15)
_TURN_MS = const(20)
_MAX_PACKET_BYTES = const(_MAX_DOWNLINK_BYTES + 64)  # topic and heads
_CONNACK = const(0x20)
_PUBLISH = const(0x30)
_PUBACK = const(0x40)
_SUBACK = const(0x90)

_UMQTT = "umqtt.simple"
_PACKETS = __name__.rpartition(".")[0] + ".packets"


class MQTTLink:
    """Publishes on ph1/{dev}/up; `on_message(view)` hears ph1/{dev}/dn, at any time.

    `make_state(state, conn)` signs the words for the retained state topic: the last will before
    connecting, the opposite after it. ImportError where umqtt.simple is not installed.
    """

    acks_later = True

    def __init__(self, stream, config, device: str, make_state, on_message) -> None:
        self._stream = stream
        self.context = stream.context
        self._config = config
        self._device = device
        self._make_state = make_state
        self._on_message = on_message
        self._is_up = False
        self._unsent = b""
        self._is_sending = False
        self._pid = self._puback_pid = 0
        self._conn = 0
        self.opened = asyncio.Event()
        self._load_client()  # it is there

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
        self._write_connect()
        await self._flush("tls" if self._stream.is_secure else "connect", TLS_S)
        await self._read_until(_CONNACK)
        self._write_subscribe()
        await self._flush()
        await self._read_until(_SUBACK)
        self._write_online()
        await self._flush()
        self._is_up = True
        self.opened.set()

    async def send(self, view) -> None:
        """Publish a report; returns on PUBACK. The view is copied before anything waits."""
        self._write_publish("up", view, False)
        pid, looks = self._pid, _PUBACK_S * 1000 // _TURN_MS
        await self._flush()
        while self._puback_pid != pid:
            if not looks or not self.is_open:
                raise LinkError("send", "no PUBACK within %d s" % _PUBACK_S)
            looks -= 1
            await asyncio.sleep_ms(_TURN_MS)

    async def listen(self, alive) -> None:
        """Hear what comes in and keep the connection alive until it is gone."""
        conn = self._conn
        try:
            while self.is_open:
                alive()
                await self._keep_alive()
                self._hear(await self._read_packet())
                await self._flush()
        except LinkError:
            pass  # gone; the sender opens the next one at its own pace
        if self._is_up and conn == self._conn:  # else it does so already
            await self.close()

    async def close(self) -> None:
        """Drop the connection; the broker then publishes the last will."""
        self._is_up = False
        self._stream.close()

    async def _keep_alive(self) -> None:
        """Wait for input; a quiet link is asked for a sign of life, for it may be half open."""
        if await self._stream.receive_within(self._config.keepalive_s // 2):
            return
        self._write_ping()
        await self._flush()
        deadline_s = min(_PING_S, self._config.keepalive_s)
        if not await self._stream.receive_within(deadline_s):
            raise LinkError("receive", "no answer to a ping within %d s" % deadline_s)

    async def _flush(self, phase: str = "send", deadline_s: int = SEND_S) -> None:
        """Send what was written; one at a time, the interpreter's stream cannot do two."""
        rest()
        while self._is_sending:
            await asyncio.sleep_ms(_TURN_MS)
        written, self._unsent = self._unsent, b""
        if not written:
            return
        self._is_sending = True
        try:
            self._stream.write(written)
            del written
            rest()
            await self._stream.drain(phase, deadline_s)
        finally:
            self._is_sending = False

    async def _read_until(self, kind: int) -> None:
        """Read up to the answer of a kind, and hear what comes before; LinkError for a refusal."""
        packet = b""
        while not self._is_answer(packet, kind):
            packet = await self._read_packet()
            self._hear(packet)

    def _hear(self, packet: bytes) -> None:
        """A message is told to whoever wants it, with as little as may be on the stack."""
        message = self._take_apart(packet)
        if message is not None:
            self._on_message(message)

    async def _read_packet(self) -> bytes:
        """One complete packet that umqtt can read without harm."""
        self._stream.expect()
        packet, lacking = b"", 2
        while lacking:
            packet += await self._stream.read_exactly(lacking)
            lacking = self._count_lacking(packet)
        return packet

    def _load_client(self):
        """A client for one word; numbers of packets go on from the one before."""
        is_there = _UMQTT in sys.modules or _PACKETS in sys.modules
        if not is_there:  # before the module that imports it: less of a stack
            import umqtt.simple  # noqa: F401

        from .packets import Client

        if not is_there:  # nobody else needs it
            forget(_UMQTT, _UMQTT.partition(".")[0])
        config = self._config
        user = config.user if config.password is None else config.user or self._device
        client = Client(self._device, user, config.password, config.keepalive_s)
        client.pid = self._pid
        return client

    def _take(self, client) -> None:
        """What a client wrote is the next to be sent."""
        self._pid = client.pid
        self._unsent += client.sock.take()

    def _write_connect(self) -> None:
        self._conn += 1
        self._unsent = b""
        self._pid = self._puback_pid = 0  # or an old PUBACK might fit
        client = self._load_client()
        will = self._make_state(_STATE_OFFLINE, self._conn)
        client.set_last_will(self._topic("st"), will, True, 1)
        client.connect()
        self._take(client)

    def _write_subscribe(self) -> None:
        client = self._load_client()
        client.set_callback(self._on_message)  # umqtt wants to have one
        client.subscribe(self._topic("dn"), 1)
        self._take(client)

    def _write_publish(self, leaf: str, message, is_retained: bool) -> None:
        client = self._load_client()
        client.publish(self._topic(leaf), message, is_retained, 1)
        self._take(client)

    def _write_online(self) -> None:
        self._write_publish("st", self._make_state(_STATE_ONLINE, self._conn), True)

    def _write_ping(self) -> None:
        client = self._load_client()
        client.ping()
        self._take(client)

    def _topic(self, leaf: str) -> str:
        return "ph1/%s/%s" % (self._device, leaf)

    def _take_apart(self, packet: bytes) -> "bytes | None":
        """The message of a PUBLISH, which umqtt answers; the number of a PUBACK is noted."""
        kind = packet[0] & 0xF0
        if kind == _PUBACK:
            self._puback_pid = packet[2] << 8 | packet[3]
        if kind != _PUBLISH:
            return None
        client, heard = self._load_client(), []
        client.set_callback(lambda _topic, message: heard.append(message))
        client.hear(packet)
        self._take(client)
        return heard[0]

    def _count_lacking(self, packet: bytes) -> int:
        """How many bytes a packet lacks, as far as that is known; LinkError for a harmful one."""
        from .framing import count_lacking

        lacking = count_lacking(packet, _MAX_PACKET_BYTES)
        if lacking < 0:
            self._stream.close()
            raise LinkError("protocol", "MQTT packet of type %d" % packet[0])
        return lacking

    def _is_answer(self, packet: bytes, kind: int) -> bool:
        """Whether a packet is the answer of a kind; LinkError when that says no."""
        if not packet or packet[0] & 0xF0 != kind:
            return False
        code = packet[-1]
        if code > 2 or (code and kind == _CONNACK):
            self._stream.close()
            what = "connect" if kind == _CONNACK else "subscribe"
            raise LinkError("refused", "broker answers %s with %d" % (what, code))
        return True
