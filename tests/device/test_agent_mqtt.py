# cpython-only
"""The agent under MicroPython phones home over MQTT, through a real Mosquitto."""

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess

import paho.mqtt.client as mqtt
import pytest

from phonehome_wire import registry
from tests.fakes.authority import FakeAuthority
from tests.fakes.board import DEVICE, KEY
from tests.fakes.desk import FakeDesk

MOSQUITTO = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
TOPIC = f"ph1/{DEVICE.hex()}"


def find_free_port() -> int:
    """A port that nobody listens on."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as sock:
        return sock.getsockname()[1]


class Broker:
    """A Mosquitto of the test's own, plain and TLS."""

    def __init__(self, folder, authority) -> None:
        self.port, self.tls_port = find_free_port(), find_free_port()
        chain, private = authority.files("localhost")
        self._config = folder / "mosquitto.conf"
        self._config.write_text(
            f"listener {self.port} 127.0.0.1\n"
            f"listener {self.tls_port} 127.0.0.1\n"
            f"cafile {authority.ca_pem}\ncertfile {chain}\nkeyfile {private}\n"
            f"allow_anonymous true\npersistence false\nuser root\n"
        )
        for path in (authority.ca_pem, chain, private):
            path.chmod(0o644)
        self.process = None

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            MOSQUITTO,
            "-c",
            self._config,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        for _ in range(200):
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.close()
                return
            assert self.process.returncode is None
            await asyncio.sleep(0.02)
        raise AssertionError("mosquitto does not listen")

    async def stop(self) -> None:
        if self.process is not None and self.process.returncode is None:
            os.kill(self.process.pid, 9)
            await self.process.wait()


class MQTTDesk(FakeDesk):
    """A desk behind a broker; `mute` takes reports without answering."""

    def __init__(self, port: int) -> None:
        super().__init__(DEVICE, KEY)
        self.mute = False
        self.words = []
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, "desk")
        self.client.on_connect = lambda client, *_: client.subscribe(
            [(f"{TOPIC}/up", 1), (f"{TOPIC}/st", 1)]
        )
        self.client.on_message = self._take
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def say(self, message: bytes) -> None:
        self.client.publish(f"{TOPIC}/dn", message, qos=1)

    def _take(self, _client, _data, message) -> None:
        if message.topic.endswith("/st"):
            self.words.append((self.take(message.payload), message.retain))
            return
        report = self.take(message.payload)
        if not self.mute:
            self.say(self.ack(report))

    def close(self) -> None:
        self.client.loop_stop()
        self.client.disconnect()


async def until(predicate):
    """Wait for something another thread does."""
    async with asyncio.timeout(30):
        while not predicate():  # noqa: ASYNC110  # the other thread has no event of this loop
            await asyncio.sleep(0.02)


@pytest.fixture
def authority(tmp_path):
    """The CA that the device trusts."""
    return FakeAuthority(tmp_path)


@pytest.fixture
async def broker(tmp_path, authority):
    """A running broker."""
    broker = Broker(tmp_path, authority)
    await broker.start()
    yield broker
    await broker.stop()


@pytest.fixture
def desk(broker):
    """A desk that answers."""
    desk = MQTTDesk(broker.port)
    yield desk
    desk.close()


async def test_a_fault_reaches_the_desk(broker, desk, make_board):
    """Faults travel up, acks come down, on one connection."""
    board = make_board(f"mqtt://127.0.0.1:{broker.port}")
    await board.start()
    await board.event("acked", depth=0)
    board.break_flow()
    await board.event("transition", kind=registry.KIND_CONFIRMED)
    await until(lambda: desk.records(registry.RTYPE_FAULT))
    await board.event("acked", depth=0, count=2)
    assert len([e for e in board.events if e["event"] == "link"]) == 1


async def test_presence_is_signed(broker, desk, make_board):
    """Online is said after connecting; when the board dies, the broker says its signed will."""
    board = make_board(f"mqtt://127.0.0.1:{broker.port}")
    await board.start()
    await board.event("acked")
    await board.kill()
    await until(lambda: len(desk.words) == 2)
    states = [(word.state, word.conn) for word, _ in desk.words]
    assert states == [(registry.STATE_ONLINE, 1), (registry.STATE_OFFLINE, 1)]


async def test_commands_are_answered(broker, desk, make_board):
    """A signed command is carried out and its result comes back as a record."""
    board = make_board(f"mqtt://127.0.0.1:{broker.port}")
    await board.start()
    await board.event("acked", depth=0)
    for cseq, code in ((1, registry.COMMAND_PING), (2, registry.COMMAND_REBOOT), (3, 200)):
        desk.say(desk.command(desk.reports[-1], cseq, code, deadline_ms=10**9))
    await until(lambda: len(desk.records(registry.RTYPE_RESULT)) == 3)
    statuses = [r.body[registry.RESULT_STATUS] for r in desk.records(registry.RTYPE_RESULT)]
    assert statuses == [registry.RESULT_OK, registry.RESULT_REFUSED, registry.RESULT_UNKNOWN]


async def test_a_broker_that_dies(broker, desk, make_board):
    """When the broker goes away and comes back, the board reconnects and loses nothing."""
    board = make_board(f"mqtt://127.0.0.1:{broker.port}")
    board.settings["ack_s"] = 2  # what is sent before the desk is back gets no answer
    await board.start()
    await board.event("acked", depth=0)
    await broker.stop()
    board.break_flow()
    await board.event("transition", kind=registry.KIND_CONFIRMED)
    await board.event("backoff")
    await broker.start()
    await until(lambda: desk.records(registry.RTYPE_FAULT))
    assert desk.collisions == []


async def test_silence_after_puback_deletes_nothing(broker, desk, make_board):
    """A PUBACK is no ack: without the signed word the record stays, and is sent again."""
    desk.mute = True
    board = make_board(f"mqtt://127.0.0.1:{broker.port}")
    await board.start()
    await until(lambda: desk.reports)
    desk.mute = False
    await board.kill()
    await board.start()
    await board.event("acked", depth=0)
    assert {(r.boot, r.seq) for r in desk.records(registry.RTYPE_HELLO)} == {(1, 0), (2, 0)}


async def test_garbage_on_the_downlink_is_ignored(broker, desk, make_board):
    """What anybody may publish to the device is refused and changes nothing."""
    board = make_board(f"mqtt://127.0.0.1:{broker.port}")
    await board.start()
    await board.event("acked", depth=0)
    for message in (b"", b"\xd1", bytes(900), desk.ack(desk.reports[0], key=bytes(32))):
        desk.say(message)
    await board.event("refused", count=4)
    board.break_flow()
    await until(lambda: desk.records(registry.RTYPE_FAULT))


async def test_mqtt_over_tls(broker, desk, make_board, authority):
    """With the right CA and name, MQTT goes through TLS; with another CA nothing is said."""
    board = make_board(f"mqtts://localhost:{broker.tls_port}")
    board.settings.update(insecure=False, ca=str(authority.ca_der))
    await board.start()
    await board.event("acked", depth=0)
    await board.kill()
    board.settings["ca"] = str(FakeAuthority(authority.ca_der.parent, "somebody else").ca_der)
    await board.start()
    await board.event("backoff", phase="tls")


async def test_a_half_open_link_is_noticed(broker, desk, make_board):
    """When bytes vanish both ways unnoticed, a ping finds out and the board reconnects."""
    is_dead, connections = asyncio.Event(), []

    async def copy(reader, writer):
        while data := await reader.read(4096):
            if not is_dead.is_set() and not writer.is_closing():
                writer.write(data)

    async def connect(reader, writer):
        connections.append(asyncio.current_task())
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", broker.port)
        up = asyncio.create_task(copy(up_reader, writer))
        with contextlib.suppress(OSError):  # a board that is killed resets what it has not read
            await copy(reader, up_writer)
        for end in (up_writer, writer):
            end.close()
            with contextlib.suppress(OSError):
                await end.wait_closed()
        await up

    async with await asyncio.start_server(connect, "127.0.0.1", 0) as proxy:
        board = make_board(f"mqtt://127.0.0.1:{proxy.sockets[0].getsockname()[1]}")
        board.settings["keepalive_s"] = 2
        await board.start()
        await board.event("acked", depth=0)
        is_dead.set()
        await board.event("link", is_up=False)
        is_dead.clear()
        board.break_flow()
        await board.event("link", is_up=True, count=2)
        await until(lambda: desk.records(registry.RTYPE_FAULT))
        await board.kill()
        await asyncio.gather(*connections)


async def test_a_lying_broker_does_no_harm(make_board):
    """Packets that would trip umqtt cost the connection and nothing else."""
    connections = []
    greetings = b"\x20\x02\x00\x00\x90\x03\x00\x01\x01"
    lies = [
        b"\x34\x06\x00\x01t\x00\x01m",
        b"\x30\x03\x00\x09t",
        b"\x30\xff\xff\xff\xff\x7f",
        b"\xd0\x01x",
    ]

    async def connect(reader, writer):
        connections.append(asyncio.current_task())
        await reader.read(100)
        writer.write(greetings + lies.pop(0) if lies else b"\x20\x02\x00\x05")
        with contextlib.suppress(OSError):
            await reader.read(-1)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    async with await asyncio.start_server(connect, "127.0.0.1", 0) as server:
        board = make_board(f"mqtt://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        await board.start()
        await board.event("backoff", phase="refused")
        assert lies == []
        await board.kill()
        await asyncio.gather(*connections)
    assert not any(e["event"] == "crash" for e in board.events)


def test_umqtt_is_tamed(micropython, micropython_environment, project):
    """What the subclass makes of umqtt.simple holds on the interpreter that it is for."""
    done = subprocess.run(
        [micropython, "tests/upy/run.py", "tests/device/mqtt_client_on_board.py"],
        cwd=project,
        env=micropython_environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout
