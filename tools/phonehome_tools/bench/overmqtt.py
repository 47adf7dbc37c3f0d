"""The receiver over MQTT: how fast it empties a broker, and how soon a device has its ack.

Mosquitto has what the load publishes within a moment, and hands out as fast as the subscriber
acknowledges; beside the receiver, in turn, a subscriber of the same library that does nothing.
Unacknowledged messages are bounded by the broker's `max_inflight_messages`, 1000 here.
"""

import asyncio
import socket
import statistics
import time
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory

from phonehome_tools.bench.cores import on_core, pick_cores
from phonehome_tools.bench.digested import settle
from phonehome_tools.bench.figures import AT_LEAST, Figure
from phonehome_tools.bench.options import Options
from phonehome_tools.bench.packets import Link, connect, publish, subscribe
from phonehome_tools.bench.reports import Reporter
from phonehome_tools.bench.rig import Rig
from phonehome_tools.fleet.children import Children
from phonehome_tools.fleet.errors import ChildError
from phonehome_wire.downlink import Ack, decode_downlink
from phonehome_wire.envelope import payload_span

MOSQUITTO = "/usr/sbin/mosquitto"
SETTINGS = """listener {port} 127.0.0.1
allow_anonymous true
max_inflight_messages 1000
max_queued_messages 0
set_tcp_nodelay true
"""
MESSAGES = 6000
PAIRS = 5
REPLYING = 50
REPLIES = 12  # of each of these devices
EVERY_S = 0.5
WITHIN_S = 60.0
LOOK_S = 0.02
DRAIN_BAR, REPLY_BAR_MS = 0.15, 20.0


async def measure_mqtt(rig: Rig, port: int, options: Options) -> list[Figure]:
    """Drain against the subscriber that does nothing, then the time to a signed reply."""
    drained = await drain(rig, port, options)
    await settle(rig.receiver)
    return drained + await reply(rig, port, options)


@asynccontextmanager
async def broker() -> AsyncIterator[int]:
    """A Mosquitto of our own on the load's core; yields its port."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    load_core = (pick_cores() or (None, None))[1]
    with TemporaryDirectory(prefix="phonehome-bench-") as folder:
        config = Path(folder) / "mosquitto.conf"
        config.write_text(SETTINGS.format(port=port))
        async with Children() as children:
            with on_core(load_core):
                argv = [MOSQUITTO, "-c", str(config)]
                await children.start(argv, {"PATH": "/usr/bin"}, DEVNULL)
            await listening(port)
            yield port


async def listening(port: int) -> None:
    """Return when somebody accepts connections there."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                await asyncio.sleep(LOOK_S)
            else:
                writer.close()
                return


async def drain(rig: Rig, port: int, options: Options) -> list[Figure]:
    """Messages per second of both subscribers, in turns; the first turn is a warm-up."""
    address = "127.0.0.1", port
    noop, _ = await rig.start_script("noop.py", *map(str, address))
    last = rig.reporters[-1]
    ear = Ear()
    hello = [connect("load"), subscribe(f"ph1/{last.device}/dn")]
    link = await Link.open(address, hello, ear.hear)
    rates = []
    for _ in range(options.times(PAIRS, 1) + 1):
        reports = say(rig.reporters[:-1], options.times(MESSAGES, 500))
        started_s = publish_all(link, "none", reports)
        theirs_s = await ended_s(noop, len(reports)) - started_s
        reports.append((last.device, last.report()))
        started_s = publish_all(link, "ph1", reports)
        ours_s = await ear.ack_of(last.now_ms) - started_s
        rates.append((len(reports) / ours_s, len(reports) / theirs_s))
    link.close()
    ours, theirs = zip(*rates[1:], strict=True)
    ratios = [mine / bare for mine, bare in rates[1:]]
    return [
        Figure("MQTT drain", statistics.median(ours), "1/s"),
        Figure("no-op paho subscriber", statistics.median(theirs), "1/s"),
        Figure("MQTT drain / no-op paho", statistics.median(ratios), "ratio", DRAIN_BAR, AT_LEAST),
    ]


def say(reporters: Sequence[Reporter], count: int) -> list[tuple[str, bytes]]:
    """(device, report) of so many devices in turn."""
    return [(one.device, one.report()) for one in islice(cycle(reporters), count)]


def publish_all(link: Link, prefix: str, reports: Sequence[tuple[str, bytes]]) -> float:
    """Publish at once; the moment before."""
    packets = [
        publish(f"{prefix}/{device}/up", message, 1 + number % 65_000)
        for number, (device, message) in enumerate(reports)
    ]
    started_s = time.monotonic()
    link.write(b"".join(packets))
    return started_s


async def ended_s(noop: Process, count: int) -> float:
    """When the no-op subscriber had so many more."""
    if noop.stdin is None or noop.stdout is None:
        raise ChildError("the no-op subscriber has no pipes")
    noop.stdin.write(f"{count}\n".encode())
    async with asyncio.timeout(WITHIN_S):
        return float(await noop.stdout.readline())


async def reply(rig: Rig, port: int, options: Options) -> list[Figure]:
    """From a device's PUBLISH to its signed ack, each device twice a second at its own phase."""
    devices = [Device(one) for one in rig.reporters[:REPLYING]]
    for device in devices:
        await device.open(port)
    rounds = options.times(REPLIES, 2)
    phases = [EVERY_S * number / len(devices) for number in range(len(devices))]
    found = await asyncio.gather(
        *(device.talk(rounds, phase) for device, phase in zip(devices, phases, strict=True))
    )
    for device in devices:
        device.close()
    times_ms = sorted(1000 * second for seconds in found for second in seconds[1:])
    return [
        Figure(
            f"MQTT signed reply p50, {REPLYING} devices",
            statistics.median(times_ms),
            "ms",
            REPLY_BAR_MS,
        ),
        Figure("MQTT signed reply p99", times_ms[int(0.99 * len(times_ms))], "ms"),
    ]


class Ear:
    """Hears acks, and when each came."""

    def __init__(self) -> None:
        self._heard: asyncio.Queue[tuple[float, int]] = asyncio.Queue()

    def hear(self, message: bytes) -> None:
        """Note an ack; whether it is authentic is not what is measured."""
        at_s = time.monotonic()
        start, end = payload_span(message)
        ack = decode_downlink(message[start:end])
        if isinstance(ack, Ack):
            self._heard.put_nowait((at_s, ack.echo_ms))

    async def ack_of(self, now_ms: int) -> float:
        """When the ack of the report that was signed at this uptime came."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                at_s, echo_ms = await self._heard.get()
                if echo_ms == now_ms:
                    return at_s


class Device:
    """One device at the broker, which waits for its ack."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._link: Link | None = None
        self._ear = Ear()

    async def open(self, port: int) -> None:
        """Connect and subscribe."""
        name = self._reporter.device
        hello = [connect(name), subscribe(f"ph1/{name}/dn")]
        self._link = await Link.open(("127.0.0.1", port), hello, self._ear.hear)

    async def talk(self, rounds: int, phase_s: float) -> list[float]:
        """Seconds from report to ack, one after the other."""
        await asyncio.sleep(phase_s)
        seconds = []
        for number in range(rounds):
            topic = f"ph1/{self._reporter.device}/up"
            report = publish(topic, self._reporter.report(), 1 + number)
            started_s = time.monotonic()
            if self._link is not None:
                self._link.write(report)
            seconds.append(await self._ear.ack_of(self._reporter.now_ms) - started_s)
            await asyncio.sleep(EVERY_S)
        return seconds

    def close(self) -> None:
        """Hang up."""
        if self._link is not None:
            self._link.close()
