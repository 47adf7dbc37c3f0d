"""The MQTT consumer: a message is acknowledged to the broker only after its commit."""

import asyncio
import contextlib
import logging
import re
import socket
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

# paho-mqtt: the one maintained client whose user decides when a message is acknowledged.
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from .membership import MAX_PENDING, Membership, session_for_a_share

_LOG = logging.getLogger(__name__)
_TOPIC = re.compile(r"ph1/([0-9a-f]{16})/(up|st)", re.ASCII)
_TOPICS = ("ph1/+/up", "ph1/+/st")
_DEFAULT_PORTS = {"mqtt": 1883, "mqtts": 8883}
_KEEPALIVE_S = 30  # a dead broker is noticed within 45 s
_RECONNECT_MIN_S = 1
_RECONNECT_MAX_S = 60
_RETRY_MIN_S = 1.0
_RETRY_MAX_S = 30.0  # between attempts to store one message while the database is away
_MAX_QUEUED_ANSWERS = 10_000  # answers kept while the broker is away; devices ask again
_MAX_INFLIGHT_ANSWERS = 200
_DRAIN_S = 10.0
_DRAIN_LOOK_S = 0.01
_LEAVE_S = 2.0


class Answer(Protocol):
    """What intake says about one message."""

    @property
    def status(self) -> int:
        """The HTTP status that says the same."""

    @property
    def body(self) -> bytes:
        """The signed answer for the device; empty when there is none."""

    @property
    def command(self) -> bytes:
        """A signed command to send behind it; empty when there is none."""


Accept = Callable[[bytes, str], Awaitable[Answer]]  # (message, device from the topic)
# As Accept, for a message that has only its commit to wait for; False for any other.
AcceptAtOnce = Callable[[bytes, str, Callable[[Answer], None]], bool]


def _never(_message: bytes, _device: str, _answer: Callable[[Answer], None]) -> bool:
    return False


class MQTTConsumer:
    """Hands each message of `ph1/+/up` and `ph1/+/st` to `accept`, then acknowledges it.

    `accept` takes (message, device of the topic). The answer to a report is published to
    `ph1/{device}/dn`, never retained; a state (a last will, perhaps) gets none. While `accept`
    answers 5xx or raises, the message stays unacknowledged and is tried again: the broker stops
    sending when its window is full. `accept_at_once` is asked first: a task is 6 us dearer.
    """

    def __init__(
        self, accept: Accept, membership: Membership, accept_at_once: AcceptAtOnce = _never
    ) -> None:
        self._accept = accept
        self._accept_at_once = accept_at_once
        self._membership = membership
        self._url = urlsplit("")
        self._client: Client | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        # Counts connections: an old message is not acknowledged on a new one, where its number may
        # be another's. The lock: nor when the old one ends between the look and the word.
        self._connection = 0
        self._of_connection = threading.Lock()
        self._subscribed = asyncio.Event()
        self._left = asyncio.Event()
        self._inbox: deque[tuple[MQTTMessage, int]] = deque()  # from paho's thread
        self._pending: set[asyncio.Task[None]] = set()
        self._committing = 0  # messages that were accepted at once
        self._closing = False

    @property
    def is_connected(self) -> bool:
        """True while the broker has confirmed the subscriptions."""
        return self._subscribed.is_set()

    @property
    def url(self) -> str:
        """The broker's address without user name and password."""
        return f"{self._url.scheme}://{self._url.hostname}:{self._port}"

    @property
    def _port(self) -> int:
        return self._url.port or _DEFAULT_PORTS[self._url.scheme]

    async def start(self, url: str) -> None:
        """Begin to connect to mqtt://[user:password@]host[:port], or mqtts; it never gives up, so
        this returns before there is a connection.
        """
        self._url = urlsplit(url)
        self._loop = asyncio.get_running_loop()
        self._client = self._make_client()
        how = session_for_a_share() if self._membership.share else {}
        self._client.connect_async(self._url.hostname or "", self._port, _KEEPALIVE_S, **how)
        self._client.loop_start()

    async def wait_connected(self, timeout_s: float) -> bool:
        """True as soon as subscribed, False after `timeout_s`."""
        try:
            await asyncio.wait_for(self._subscribed.wait(), timeout_s)
        except TimeoutError:
            return False
        return True

    async def stop(self) -> None:
        """Finish what was taken, answer it, and leave; the broker keeps the session.

        Of a share we leave first, so that others get at once what would wait for us.
        """
        if self._client is None:
            return
        if self._membership.share and self.is_connected:
            await self._leave_share(self._client)
        self._closing = True
        await self._drain()
        for task in self._pending:
            task.cancel()
        self._client.disconnect()
        await asyncio.to_thread(self._client.loop_stop)
        self._client = None
        self._subscribed.clear()

    async def _drain(self) -> None:
        """Wait for what is in work, but not longer than _DRAIN_S."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN_S):
                while self._committing or self._pending:  # noqa: ASYNC110 - at the end, once
                    await asyncio.sleep(_DRAIN_LOOK_S)

    async def _leave_share(self, client: Client) -> None:
        client.unsubscribe([name for name, _ in self._subscriptions()])
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._left.wait(), _LEAVE_S)

    def _subscriptions(self) -> list[tuple[str, Any]]:
        share = self._membership.share
        if share:
            return [(f"$share/{share}/{topic}", SubscribeOptions(qos=1)) for topic in _TOPICS]
        return [(topic, 1) for topic in _TOPICS]

    def publish(self, device: str, message: bytes) -> bool:
        """Send a signed message to a device; False while there is no broker."""
        if self._client is None or not self.is_connected:
            return False
        self._client.publish(f"ph1/{device}/dn", message, qos=1, retain=False)
        return True

    def _make_client(self) -> Client:
        share = self._membership.share
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._membership.client_id,
            clean_session=None if share else False,
            protocol=MQTTProtocolVersion.MQTTv5 if share else MQTTProtocolVersion.MQTTv311,
            manual_ack=True,
        )
        client.reconnect_delay_set(_RECONNECT_MIN_S, _RECONNECT_MAX_S)
        client.max_queued_messages_set(_MAX_QUEUED_ANSWERS)
        client.max_inflight_messages_set(_MAX_INFLIGHT_ANSWERS)
        if self._url.username:
            client.username_pw_set(unquote(self._url.username), unquote(self._url.password or ""))
        if self._url.scheme == "mqtts":
            client.tls_set_context(self._membership.tls)
        client.on_socket_open = _answer_at_once
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_subscribe = self._on_subscribe
        client.on_unsubscribe = lambda *_: self._hand_over(self._left.set)
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        return client

    # The callbacks below run in paho's thread: each only hands over to the event loop.

    def _on_connect(
        self,
        client: Client,
        _data: Any,
        flags: ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            _LOG.warning("broker %s refuses us: %s", self.url, reason)
            return
        _LOG.info("broker %s connected, session kept: %s", self.url, flags.session_present)
        client.subscribe(self._subscriptions())

    def _on_connect_fail(self, _client: Client, _data: Any) -> None:
        _LOG.warning("broker %s does not answer, trying again", self.url)

    def _on_subscribe(
        self,
        _client: Client,
        _data: Any,
        _mid: int,
        reasons: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            _LOG.error("broker %s refuses a subscription: %s", self.url, reasons)
            return
        self._hand_over(self._subscribed.set)

    def _on_disconnect(
        self,
        _client: Client,
        _data: Any,
        _flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        with self._of_connection:
            self._connection += 1
        if not self._closing:
            _LOG.warning("broker %s is gone: %s%s", self.url, reason, self._hint())
        self._hand_over(self._subscribed.clear)

    def _hint(self) -> str:
        """Brokers put out the older of two of one name, and most do not say so."""
        if not self._membership.share:
            return ""
        name = self._membership.client_id
        return f"; if another receiver is {name}, too, give each an mqtt.client_id of its own"

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        # One wake-up of the loop for all that came since the last: each is a write to a pipe. In
        # this order: the loop may take the last one out at any moment, and not look again.
        self._inbox.append((message, self._connection))
        if len(self._inbox) == 1:
            self._hand_over(self._take_all)

    def _hand_over(self, function: Callable[..., None], *args: Any) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, *args)

    # From here on everything runs in the event loop.

    def _take_all(self) -> None:
        while self._inbox:
            self._take(*self._inbox.popleft())

    def _take(self, message: MQTTMessage, connection: int) -> None:
        pending = len(self._pending) + self._committing
        if self._closing or (message.qos == 0 and pending >= MAX_PENDING):
            return
        parts = _parse_topic(message)
        if parts is None:
            self._acknowledge(message, connection)
            return
        self._committing += 1
        if not self._is_accepted_at_once(message, connection, *parts):
            self._committing -= 1
            self._start(self._serve(message, connection, *parts))

    def _is_accepted_at_once(
        self, message: MQTTMessage, connection: int, device: str, kind: str
    ) -> bool:
        conclude = partial(self._conclude, message, connection, device, kind)
        try:
            return self._accept_at_once(bytes(message.payload), device, conclude)
        except Exception:  # noqa: BLE001 - outermost: the others of the inbox wait behind this one
            _LOG.exception("a message of device %s could not be taken", device)
            return False

    def _start(self, serving: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(serving)
        self._pending.add(task)
        task.add_done_callback(self._pending.discard)

    def _conclude(
        self, message: MQTTMessage, connection: int, device: str, kind: str, answer: Answer
    ) -> None:
        """The end of a message that was accepted at once."""
        self._committing -= 1
        if answer.status >= 500:
            self._start(self._serve_later(message, connection, device, kind, answer))
            return
        self._tell(device, kind, answer)
        self._acknowledge(message, connection)

    async def _serve(self, message: MQTTMessage, connection: int, device: str, kind: str) -> None:
        answer = await self._try(message, device)
        if answer is None or answer.status >= 500:
            await self._serve_later(message, connection, device, kind, answer)
            return
        self._tell(device, kind, answer)
        self._acknowledge(message, connection)

    async def _serve_later(
        self,
        message: MQTTMessage,
        connection: int,
        device: str,
        kind: str,
        answer: Answer | None,
    ) -> None:
        self._tell(device, kind, answer)  # "not now", with a back-off; said once
        answer = await self._insist(message, device, connection)
        if answer is not None:
            self._tell(device, kind, answer)
            self._acknowledge(message, connection)

    async def _insist(self, message: MQTTMessage, device: str, connection: int) -> Answer | None:
        """The answer in the end; None when the connection ended before there was one."""
        pause_s = _RETRY_MIN_S
        while connection == self._connection and not self._closing:
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, _RETRY_MAX_S)
            answer = await self._try(message, device)
            if answer is not None and answer.status < 500:
                return answer
        return None

    async def _try(self, message: MQTTMessage, device: str) -> Answer | None:
        """What is answered now; None when taking the message failed in an unexpected way."""
        try:
            return await self._accept(bytes(message.payload), device)
        except Exception:  # noqa: BLE001 - outermost: the message stays at the broker
            _LOG.exception("a message of device %s could not be taken", device)
            return None

    def _tell(self, device: str, kind: str, answer: Answer | None) -> None:
        """Publish the answer to a report, and what waits; a state gets no answer."""
        if answer is None or self._client is None:
            return
        for message in (answer.body if kind == "up" else b"", answer.command):
            if message:
                self._client.publish(f"ph1/{device}/dn", message, qos=1, retain=False)

    def _acknowledge(self, message: MQTTMessage, connection: int) -> None:
        with self._of_connection:
            if message.qos and connection == self._connection and self._client is not None:
                self._client.ack(message.mid, message.qos)


def _parse_topic(message: MQTTMessage) -> tuple[str, str] | None:
    """(device, "up" or "st"); None when the topic is no device's."""
    try:
        match = _TOPIC.fullmatch(message.topic)
    except UnicodeDecodeError:
        return None
    return (match[1], match[2]) if match else None


def _answer_at_once(_client: Client, _data: Any, sock: Any) -> None:
    """Without this an answer waits for the broker's delayed TCP acknowledgement: 48 ms."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
