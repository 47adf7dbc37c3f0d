"""The ways reports take: kept-alive HTTP connections, and MQTT through a broker."""

import asyncio
import contextlib
import random
from collections.abc import Sequence
from typing import Protocol

import paho.mqtt.client as mqtt

from phonehome_tools.bench.load import END_OF_HEAD, OK, body_length, post
from tests.survival.fleet import Errand, Fleet

HOST = "127.0.0.1"
HTTP_PORT = 80  # as the head says; which one it really is nobody reads
ANSWER_WITHIN_S = 8.0
PAUSE_S = 0.05
LONGEST_PAUSE_S = 1.0


class Way(Protocol):
    """How one report gets to a receiver."""

    async def carry(self, errand: Errand) -> bytes:
        """The answer; empty when it is a refusal. Raises OSError, EOFError or TimeoutError."""

    async def close(self) -> None:
        """The end of it."""


async def drive(fleet: Fleet, way: Way) -> None:
    """Deliver one report after the other until the fleet has nothing left to say."""
    pause_s = PAUSE_S
    while not fleet.is_over:
        errand = fleet.take()
        if errand is None:
            await asyncio.sleep(PAUSE_S)
            continue
        answer = b""
        try:
            answer = await way.carry(errand)
        except (OSError, EOFError, TimeoutError) as error:
            fleet.counts[type(error).__name__] += 1
        fleet.settle(errand, answer)
        pause_s = PAUSE_S if answer else min(2 * pause_s, LONGEST_PAUSE_S)
        if not answer:
            await asyncio.sleep(pause_s)


class HTTPWay:
    """One connection at a time, to any of the receivers."""

    def __init__(self, ports: Sequence[int], rng: random.Random) -> None:
        self._ports = ports
        self._rng = rng
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def carry(self, errand: Errand) -> bytes:
        """POST it; see Way."""
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                return await self._post(errand.report)
        except (OSError, EOFError, TimeoutError):
            self._hang_up()
            raise

    async def close(self) -> None:
        """Hang up."""
        self._hang_up()

    async def _post(self, report: bytes) -> bytes:
        if self._streams is None:
            port = self._rng.choice(self._ports)
            self._streams = await asyncio.open_connection(HOST, port)
        reader, writer = self._streams
        writer.write(post(HOST, HTTP_PORT, report))
        answer = await reader.readuntil(END_OF_HEAD)
        body = await reader.readexactly(body_length(answer))
        if answer.startswith(OK):
            return body
        self._hang_up()
        return b""

    def _hang_up(self) -> None:
        if self._streams is not None:
            with contextlib.suppress(OSError):
                self._streams[1].close()
        self._streams = None


class Postbox:
    """One client of the broker that speaks for many devices, and hears for them."""

    def __init__(self, port: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._expected: dict[str, asyncio.Future[bytes]] = {}
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="fleet")
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe("ph1/+/dn", 1)
        self._client.on_message = self._on_message
        self._client.connect_async(HOST, port)
        self._client.loop_start()

    async def carry(self, errand: Errand) -> bytes:
        """Publish it, and wait for any answer to its device; see Way."""
        name = errand.device.name
        answer = self._loop.create_future()
        self._expected[name] = answer
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                if not self._client.is_connected():
                    raise ConnectionError("no broker")
                self._client.publish(f"ph1/{name}/up", errand.report, qos=1)
                return await answer
        finally:
            if self._expected.get(name) is answer:
                del self._expected[name]

    async def close(self) -> None:
        """Leave the broker."""
        self._client.disconnect()
        await asyncio.to_thread(self._client.loop_stop)

    def _on_message(self, _client: object, _data: object, message: mqtt.MQTTMessage) -> None:
        """In paho's thread."""
        self._loop.call_soon_threadsafe(self._take, message.topic, message.payload)

    def _take(self, topic: str, payload: bytes) -> None:
        answer = self._expected.get(topic.split("/")[1])
        if answer is not None and not answer.done():
            answer.set_result(bytes(payload))
