"""Turns of closed-loop load: the bare server and the receiver, a slice of time each."""

import itertools
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from phonehome_tools.bench.cores import cpu_seconds
from phonehome_tools.bench.digested import settle
from phonehome_tools.bench.load import Load, connect, post
from phonehome_tools.bench.reports import Reporter
from phonehome_tools.fleet.receiver import Receiver

FIRST_RATE = 6000.0
ECHOED = 100  # different requests of one connection of the bare server, again and again
MORE_THAN_LAST = 1.6  # signed beforehand: what the last slice took, and so much more

Say = Callable[[Reporter], bytes]


@dataclass
class Slice:
    """One server in one slice of time."""

    rate: float
    cpu_us: float
    answers: int


class BareTurn:
    """The load of the bare server: the same requests, again and again."""

    def __init__(self, address: tuple[str, int], pid: int, connections: int) -> None:
        self._address = address
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
        return await timed(self._load, self._pid, seconds)

    def close(self) -> None:
        """Hang up."""
        self._load.close()


class IntakeTurn:
    """The load of the receiver: each connection sends the reports of its own devices in order,
    never the same one twice. What the digest has left over is digested behind the slice, at
    `settled_rate` records a second.
    """

    def __init__(
        self,
        receiver: Receiver,
        address: tuple[str, int],
        reporters: Sequence[Reporter],
        connections: int,
        say: Say,
        first_rate: float = FIRST_RATE,
    ) -> None:
        self._receiver = receiver
        self._address = address
        self._devices = [
            itertools.cycle(reporters[number::connections]) for number in range(connections)
        ]
        self._say = say
        self._stocks = [Stock() for _ in range(connections)]
        self._load = Load([])
        self._rate = first_rate
        self.settled_rate = 0.0

    async def open(self) -> None:
        """Connect."""
        self._load = await connect(*self._address, self._stocks)

    async def measure(self, seconds: float) -> Slice:
        """One slice; its messages are signed beforehand."""
        self._sign(int(MORE_THAN_LAST * seconds * self._rate / len(self._stocks)) + 20)
        measured = await timed(self._load, self._receiver.pid, seconds)
        self._rate = measured.rate
        self.settled_rate = await settle(self._receiver)
        return measured

    def close(self) -> None:
        """Hang up."""
        self._load.close()

    def _sign(self, wanted: int) -> None:
        for devices, stock in zip(self._devices, self._stocks, strict=True):
            while len(stock.waiting) < wanted:
                stock.waiting.append(post(*self._address, self._say(next(devices))))


class Stock(Iterator[bytes]):
    """Requests in order, to be filled up between slices."""

    def __init__(self) -> None:
        self.waiting: deque[bytes] = deque()

    def __next__(self) -> bytes:
        """The oldest request; StopIteration while there is none."""
        if not self.waiting:
            raise StopIteration
        return self.waiting.popleft()


async def timed(load: Load, pid: int, seconds: float) -> Slice:
    """Answers per second, and what one costs the server's processor."""
    before_s = cpu_seconds(pid)
    answers, rate = await load.measure(seconds)
    return Slice(rate, 1e6 * (cpu_seconds(pid) - before_s) / max(1, answers), answers)


async def take_turns(
    bare: BareTurn, intake: IntakeTurn, pairs: int, seconds: float
) -> list[tuple[Slice, Slice]]:
    """Slices in turn, so that a slow moment of the machine hits both; a warm-up before."""
    try:
        await bare.open()
        await intake.open()
        await bare.measure(seconds / 2)
        await intake.measure(seconds / 2)
        return [(await bare.measure(seconds), await intake.measure(seconds)) for _ in range(pairs)]
    finally:
        bare.close()
        intake.close()
