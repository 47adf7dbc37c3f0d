"""Intake: signed reports committed and acknowledged, per request of a bare aiohttp server.

Both servers run on one core and the load on another, in slices that take turns, so that a slow
moment of the machine hits both. The bare server answers the very same POSTs with an aiohttp
Application and nothing else. The receiver has a fresh database and 1,000 devices that never say
the same twice: half heartbeats, half faults with a freeze frame. The digest runs beside intake, as
always; what is left over is digested before the bare server's turn, which it would slow down.
Ratios are medians of the pairs.
"""

import statistics
from collections.abc import Sequence

from phonehome_tools.bench.cores import resident_kib
from phonehome_tools.bench.figures import AT_LEAST, Figure
from phonehome_tools.bench.idle import compare_idle
from phonehome_tools.bench.load import post
from phonehome_tools.bench.options import Options
from phonehome_tools.bench.overmqtt import broker, measure_mqtt
from phonehome_tools.bench.pacing import Pacer
from phonehome_tools.bench.reports import Reporter
from phonehome_tools.bench.rig import Rig, address_of, restart, rigged
from phonehome_tools.bench.turns import (
    FIRST_RATE,
    BareTurn,
    IntakeTurn,
    Say,
    Slice,
    take_turns,
)
from phonehome_tools.bench.unheard import compare_unheard
from phonehome_tools.fleet.children import run_until_done

MANY, FEW = 256, 50  # connections
PAIRS = 7
SLICE_S = 1.2
BATCH = 20  # records in a message of a device that was away
BATCH_RATE = 2000.0
PACED_S = 3.0
IDLE = 1000  # an address may have 1024
RATIO_BARS = {MANY: 0.30, FEW: 0.20}
CPU_BAR, BATCH_BAR, LATENCY_BAR, IDLE_BAR, RSS_BAR = 0.30, 2.0, 8.0, 1.3, 2.2


def measure(options: Options) -> list[Figure]:
    """The table of HTTP, then that of MQTT."""
    return run_until_done(measure_intake(options))


async def measure_intake(options: Options) -> list[Figure]:
    """Both transports on one receiver, which reads from a real broker and is started anew on its
    fresh database: as it runs for months, without what only the first start needs.
    """
    async with broker() as port, rigged(options, broker=f"mqtt://127.0.0.1:{port}") as rig:
        await restart(rig)
        figures = await Bench(rig, options).run()
        return figures + await measure_mqtt(rig, port, options)


class Bench:
    """HTTP on one rig."""

    def __init__(self, rig: Rig, options: Options) -> None:
        self._rig = rig
        self._options = options
        self._receiver = address_of(rig.receiver.http)
        self._bare = ("", 0)
        self._bare_pid = 0

    async def run(self) -> list[Figure]:
        """Everything, memory first: it is measured on processes that are young."""
        process, line = await self._rig.start_script("echo.py")
        self._bare, self._bare_pid = address_of(line.split("http=")[1]), process.pid
        figures = [Figure("fdatasync of a page, p50", 1e6 * self._rig.sync_s, "us")]
        count = self._options.times(IDLE, 100)
        idle = await compare_idle(self._rig, self._bare, self._bare_pid, count)
        figures.append(Figure("memory of an idle connection / bare", idle, "ratio", IDLE_BAR))
        for connections in (FEW, MANY):
            pairs = await self._turns(connections, Reporter.report)
            figures += figures_of(connections, pairs)
        rate = statistics.median(intake.rate for _, intake in pairs)
        figures += self._memory()
        figures += await compare_unheard(self._rig, self._options, MANY)
        figures.append(await self._batches())
        return figures + await self._paced(rate / 2)

    async def _turns(
        self, connections: int, say: Say, first_rate: float = FIRST_RATE
    ) -> list[tuple[Slice, Slice]]:
        receiver, reporters = self._rig.receiver, self._rig.reporters
        bare = BareTurn(self._bare, self._bare_pid, connections)
        intake = IntakeTurn(receiver, self._receiver, reporters, connections, say, first_rate)
        pairs, seconds = self._options.times(PAIRS, 1), self._options.of(SLICE_S, 0.3)
        return await take_turns(bare, intake, pairs, seconds)

    def _memory(self) -> list[Figure]:
        receiver, bare = resident_kib(self._rig.receiver.pid), resident_kib(self._bare_pid)
        return [
            Figure("memory of the receiver under load", receiver / 1024, "MiB"),
            Figure("memory under load / bare", receiver / max(1, bare), "ratio", RSS_BAR),
        ]

    async def _batches(self) -> Figure:
        pairs = await self._turns(MANY, lambda one: one.faults(BATCH), BATCH_RATE)
        ratio = statistics.median(BATCH * intake.rate / bare.rate for bare, intake in pairs)
        what = f"records / bare requests, {BATCH} a message"
        return Figure(what, ratio, "ratio", BATCH_BAR, AT_LEAST)

    async def _paced(self, rate: float) -> list[Figure]:
        """Latency of both servers at half of what the receiver takes, sent at fixed times."""
        count = int(rate * self._options.of(PACED_S, 0.3))
        reporters = self._rig.reporters
        reports = [reporters[n % len(reporters)].report() for n in range(count)]
        found = []
        for address in (self._bare, self._receiver):
            pacer = Pacer()
            await pacer.connect(*address, MANY)
            found.append(await pacer.run([post(*address, report) for report in reports], rate))
            pacer.close()
        (bare50, bare99), (ours50, ours99) = (
            (s[len(s) // 2], s[int(0.99 * len(s))]) for s in found
        )
        over = (ours50 - bare50) / self._rig.sync_s
        return [
            Figure("half load", rate, "1/s"),
            Figure("half load, receiver p50", 1000 * ours50, "ms"),
            Figure("half load, receiver p99", 1000 * ours99, "ms"),
            Figure("half load, bare p50", 1000 * bare50, "ms"),
            Figure("half load, bare p99", 1000 * bare99, "ms"),
            Figure("half load, p50 over bare", over, "fdatasyncs", LATENCY_BAR),
        ]


def figures_of(connections: int, pairs: Sequence[tuple[Slice, Slice]]) -> list[Figure]:
    """What the pairs (bare, intake) of one number of connections come to."""
    at = f"@{connections}"
    ratios = [intake.rate / bare.rate for bare, intake in pairs]
    costs = [bare.cpu_us / intake.cpu_us for bare, intake in pairs if intake.cpu_us]
    middle = statistics.median
    cpu_bar = CPU_BAR if connections == MANY else None
    return [
        Figure(f"{at} reports committed and acked", middle(i.rate for _, i in pairs), "1/s"),
        Figure(f"{at} bare aiohttp POST", middle(b.rate for b, _ in pairs), "1/s"),
        Figure(f"{at} reports / bare", middle(ratios), "ratio", RATIO_BARS[connections], AT_LEAST),
        Figure(f"{at} reports / bare, worst pair", min(ratios), "ratio"),
        Figure(f"{at} server CPU of a report", middle(i.cpu_us for _, i in pairs), "us"),
        Figure(f"{at} server CPU, bare / report", middle(costs), "ratio", cpu_bar, AT_LEAST),
    ]
