"""Intake: single signed reports over HTTP, committed and acknowledged, beside a bare echo.

Both servers run on one core and the load on another, in slices that take turns, so that a slow
moment of the machine hits both. The echo answers the very same POSTs with aiohttp and nothing
else: the ratio says what signature, decoding, commit and signed answer cost. Half of the reports
are heartbeats, half are faults with a freeze frame. The digest runs beside intake, as always; what
is left over is digested before the echo's turn, which it would slow down.
"""

import itertools
import statistics
import sys
import tempfile
from asyncio.subprocess import DEVNULL, Process
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from phonehome_tools.bench.cores import cpu_seconds, on_core, pick_cores
from phonehome_tools.bench.digested import read_digested, wait_settled
from phonehome_tools.bench.figures import AT_LEAST, Figure
from phonehome_tools.bench.load import Load, connect, post
from phonehome_tools.bench.reports import Reporter
from phonehome_tools.fleet.children import Children, run_until_done
from phonehome_tools.fleet.errors import ChildError
from phonehome_tools.fleet.interpreter import python_environment
from phonehome_tools.fleet.receiver import Receiver

CONNECTIONS = (50, 256)
DEVICES = 512
PAIRS = 5
SLICE_S = 1.5
WARM_UP_S = 1.0
FIRST_RATE = 3000.0
ECHOED = 100  # different requests of one connection of the echo, again and again
GOAL_RATIO = 0.25
# The load comes from one address, and a device never reports this often: both limits off the way.
OPEN_GATES = """[intake]
address_per_s = 1000000
address_burst = 1000000
key_per_s = 1000000
key_burst = 1000000
"""


@dataclass
class Slice:
    """One server in one slice of time; `digested` are records per answer."""

    rate: float
    cpu_us: float
    digested: float = 0.0


def measure() -> list[Figure]:
    """Reports and echoes per second, and the median of the ratios of their pairs."""
    return run_until_done(measure_intake())


async def measure_intake() -> list[Figure]:
    """Start both servers, load them in turn, and end them."""
    with tempfile.TemporaryDirectory(prefix="phonehome-bench-") as folder:
        async with Children() as children:
            return await compare(Path(folder), children)


async def compare(folder: Path, children: Children) -> list[Figure]:
    """Alternate slices of echo and intake, with few connections and with many."""
    server_core, load_core = pick_cores() or (None, None)
    receiver = Receiver(folder, children)
    with on_core(server_core):
        await receiver.start(OPEN_GATES)
        echo = await start_echo(children)
        echo_url = await read_address(echo)
    reporters = await register(receiver)
    figures = []
    with on_core(load_core):
        for connections in CONNECTIONS:
            intake = IntakeTurn(receiver, reporters, connections)
            pairs = await take_turns(EchoTurn(echo_url, echo.pid, connections), intake)
            figures += figures_of(connections, pairs)
    return figures


def figures_of(connections: int, pairs: Sequence[tuple[Slice, Slice]]) -> list[Figure]:
    """What the pairs (echo, intake) of one number of connections come to."""
    at = f"@{connections}"
    ratios = [intake.rate / echo.rate for echo, intake in pairs]
    costs = [echo.cpu_us / intake.cpu_us for echo, intake in pairs if intake.cpu_us]
    middle = statistics.median
    return [
        Figure(f"{at} reports committed and acked", middle(i.rate for _, i in pairs), "1/s"),
        Figure(f"{at} bare aiohttp POST echo", middle(e.rate for e, _ in pairs), "1/s"),
        Figure(f"{at} intake to echo", middle(ratios), "ratio", GOAL_RATIO, AT_LEAST),
        Figure(f"{at} intake to echo, worst pair", min(ratios), "ratio"),
        Figure(f"{at} server CPU, echo to intake", middle(costs) if costs else 0.0, "ratio"),
        Figure(f"{at} digested meanwhile", middle(i.digested for _, i in pairs), "records/report"),
    ]


async def take_turns(echo: "EchoTurn", intake: "IntakeTurn") -> list[tuple[Slice, Slice]]:
    """The slices of each pair, after a warm-up."""
    try:
        await echo.open()
        await intake.open()
        await echo.measure(WARM_UP_S)
        await intake.measure(WARM_UP_S)
        return [(await echo.measure(SLICE_S), await intake.measure(SLICE_S)) for _ in range(PAIRS)]
    finally:
        echo.close()
        intake.close()


class EchoTurn:
    """The load of the echo: the same requests, again and again."""

    def __init__(self, url: str, pid: int, connections: int) -> None:
        self._address = address_of(url)
        self._pid = pid
        self._connections = connections
        self._load = Load([])

    async def open(self) -> None:
        """Connect."""
        reporter = Reporter()
        requests = [post(*self._address, reporter.report()) for _ in range(ECHOED)]
        streams = [itertools.cycle(requests) for _ in range(self._connections)]
        self._load = await connect(*self._address, streams)

    async def measure(self, seconds: float) -> Slice:
        """One slice."""
        before_s = cpu_seconds(self._pid)
        answers, rate = await self._load.measure(seconds)
        return Slice(rate, 1e6 * (cpu_seconds(self._pid) - before_s) / max(1, answers))

    def close(self) -> None:
        """Hang up."""
        self._load.close()


class IntakeTurn:
    """The load of intake: each connection sends the reports of its own devices in order."""

    def __init__(
        self, receiver: Receiver, reporters: Sequence[Reporter], connections: int
    ) -> None:
        self._receiver = receiver
        self._address = address_of(receiver.http)
        self._devices = [
            itertools.cycle(reporters[number::connections]) for number in range(connections)
        ]
        self._stocks = [Stock() for _ in range(connections)]
        self._load = Load([])
        self._rate = FIRST_RATE

    async def open(self) -> None:
        """Connect."""
        self._load = await connect(*self._address, self._stocks)

    async def measure(self, seconds: float) -> Slice:
        """Sign beforehand what can be sent in one slice, send it, and let the digest end."""
        self._sign(int(2 * seconds * self._rate / len(self._stocks)) + 20)
        digested, before_s = await read_digested(self._receiver), cpu_seconds(self._receiver.pid)
        answers, self._rate = await self._load.measure(seconds)
        spent_s = cpu_seconds(self._receiver.pid) - before_s
        meanwhile = await read_digested(self._receiver) - digested
        await wait_settled(self._receiver)
        answers = max(1, answers)
        return Slice(self._rate, 1e6 * spent_s / answers, meanwhile / answers)

    def close(self) -> None:
        """Hang up."""
        self._load.close()

    def _sign(self, wanted: int) -> None:
        for devices, stock in zip(self._devices, self._stocks, strict=True):
            while len(stock.waiting) < wanted:
                stock.waiting.append(post(*self._address, next(devices).report()))


class Stock(Iterator[bytes]):
    """Requests in order, to be filled up between slices."""

    def __init__(self) -> None:
        self.waiting: deque[bytes] = deque()

    def __next__(self) -> bytes:
        """The oldest request; StopIteration while there is none."""
        if not self.waiting:
            raise StopIteration
        return self.waiting.popleft()


async def register(receiver: Receiver) -> list[Reporter]:
    """The devices of the load, known to the receiver."""
    reporters = [Reporter() for _ in range(DEVICES)]
    async with receiver.desk() as desk:
        for index, reporter in enumerate(reporters):
            await desk.add_device(reporter.device, "washer", f"bench-{index}", reporter.key)
    return reporters


def address_of(url: str) -> tuple[str, int]:
    """Host and port."""
    parts = urlsplit(url)
    return parts.hostname or "127.0.0.1", parts.port or 80


async def start_echo(children: Children) -> Process:
    """The process of an echo that is starting."""
    argv = [sys.executable, "-m", "phonehome_tools.bench.echo"]
    return await children.start(argv, python_environment(), DEVNULL)


async def read_address(process: Process) -> str:
    """The address that the echo prints."""
    line = await process.stdout.readline() if process.stdout else b""
    if b"http=" not in line:
        raise ChildError("the echo did not start")
    return line.decode().split("http=")[1].strip()
