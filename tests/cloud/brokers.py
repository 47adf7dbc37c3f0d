"""Real brokers for tests: Mosquitto on a free port, and a wire to it that can be cut."""

import asyncio
import contextlib
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt

from phonehome_tools.fleet.postgresql import free_port

MOSQUITTO = "/usr/sbin/mosquitto"
DEADLINE_S = 20


async def listening(port: int) -> None:
    """Return when somebody accepts connections there."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.02)
                continue
            writer.close()
            return


class Mosquitto:
    """One Mosquitto that keeps its sessions over a restart."""

    def __init__(self, folder):
        self.port = free_port()
        self.url = f"mqtt://127.0.0.1:{self.port}"
        self._config = folder / "mosquitto.conf"
        self._config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\n"
            f"persistence true\npersistence_location {folder}/\nuser root\n"
        )
        self._process = None

    async def start(self):
        """Run it; on the same port when it ran before."""
        self._process = await asyncio.create_subprocess_exec(
            MOSQUITTO, "-c", str(self._config), stderr=asyncio.subprocess.DEVNULL
        )
        await listening(self.port)

    async def kill(self):
        """End it as a power cut would: what it did not write yet is gone."""
        self._process.kill()
        await self._process.wait()

    async def stop(self):
        """End it in order, so that it writes what it keeps."""
        self._process.terminate()
        await self._process.wait()


@contextlib.asynccontextmanager
async def mosquitto(folder):
    """A running Mosquitto."""
    broker = Mosquitto(folder)
    await broker.start()
    try:
        yield broker
    finally:
        await broker.stop()


class Wire:
    """A TCP connection to a broker through which a test can cut."""

    def __init__(self, port: int):
        self._target = port
        self._server = None
        self._writers = []
        self._tasks = []
        self.cuts = 0
        self.connections = 0
        self.cut_after_down_bytes = None  # towards the receiver, counted from the order to cut
        self.swallow_up = False  # what the receiver says to the broker is lost

    async def start(self):
        """Listen on a port of its own."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"mqtt://127.0.0.1:{self.port}"

    async def stop(self):
        """Cut for good."""
        self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self):
        """End every connection without a word."""
        self.cuts += 1
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def _accept(self, reader, writer):
        self.connections += 1
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._target)
        self._writers += [writer, up_writer]
        self._tasks += [
            asyncio.create_task(self._pump(reader, up_writer, self._filter_up)),
            asyncio.create_task(self._pump(up_reader, writer, self._filter_down)),
        ]

    async def _pump(self, reader, writer, passing):
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(passing(data))
                await writer.drain()
                if self.cut_after_down_bytes is not None and self.cut_after_down_bytes <= 0:
                    self.cut_after_down_bytes = None
                    self.cut()
        writer.close()

    def _filter_up(self, data):
        return b"" if self.swallow_up else data

    def _filter_down(self, data):
        if self.cut_after_down_bytes is None:
            return data
        part = data[: self.cut_after_down_bytes]
        self.cut_after_down_bytes -= len(part)
        return part


class Board:
    """An MQTT client as a device is one: publishes reports, keeps the answers.

    `password` and `tls` are what a broker wants that does not let everybody in; `topics` are what
    it listens to beside its own.
    """

    def __init__(self, url: str, device: str, password=None, tls=None, client_id="", topics=()):
        parts = urlsplit(url)
        self.device = device
        self.answers = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        self._subscribed = asyncio.Event()
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id or device)
        if password is not None:
            self._client.username_pw_set(device, password)
        if tls is not None:
            self._client.tls_set_context(tls)
        wanted = [(topic, 1) for topic in (f"ph1/{device}/dn", *topics)]
        self._client.on_connect = lambda client, *_: client.subscribe(wanted)
        self._client.on_subscribe = lambda *_: self._call(self._subscribed.set)
        self._client.on_message = lambda _c, _d, m: self._call(self.answers.put_nowait, m)
        self._client.connect(parts.hostname, parts.port)
        self._client.loop_start()

    def _call(self, function, *args):
        self._loop.call_soon_threadsafe(function, *args)

    async def ready(self):
        """Return when it hears its answers."""
        async with asyncio.timeout(DEADLINE_S):
            await self._subscribed.wait()

    async def publish(self, topic, message, qos=1, retain=False):
        """Return when the broker has the message."""
        info = self._client.publish(topic, message, qos, retain)
        await asyncio.to_thread(info.wait_for_publish, DEADLINE_S)

    async def report(self, message):
        """Publish one report under the device's own topic."""
        await self.publish(f"ph1/{self.device}/up", message)

    async def answer(self):
        """The next message from the receiver."""
        async with asyncio.timeout(DEADLINE_S):
            return await self.answers.get()

    async def close(self):
        """Leave the broker."""
        self._client.disconnect()
        await asyncio.to_thread(self._client.loop_stop)


@contextlib.asynccontextmanager
async def board(url, device, **more):
    """A connected device."""
    found = Board(url, device, **more)
    await found.ready()
    try:
        yield found
    finally:
        await found.close()
