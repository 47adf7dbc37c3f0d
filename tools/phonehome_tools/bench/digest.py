"""Digest: how fast committed records become fault history and tickets.

Its pace is told per report that intake accepts: behind each slice of the load of `bench intake`,
one record a report, half heartbeats and half faults with a freeze frame, what is left over is
digested with nobody in the way. A record counts when all that follows from it is committed, its
decoding included; the care of tickets, which has a tenth of the time meanwhile, slows the pace,
too. There are two ratios. One is of all records of that load, in the seconds that the digest needs
for them: no ticket follows from a heartbeat, so intake finishes those itself, and they take none.
The bar is on this one; at 1 the digest is busy with a load as long as intake is. The other is of
the faults alone.

Then the faults among a few open tickets and among very many: records of random devices,
transitions of open tickets each.
"""

import asyncio
import statistics
from collections.abc import Sequence
from contextlib import AsyncExitStack

from phonehome_tools.bench.crowd import add_crowd
from phonehome_tools.bench.digested import WITHIN_S, read_digested, settle
from phonehome_tools.bench.figures import AT_LEAST, Figure
from phonehome_tools.bench.load import connect, post
from phonehome_tools.bench.options import Options
from phonehome_tools.bench.reports import Reporter
from phonehome_tools.bench.rig import Rig, address_of, rigged
from phonehome_tools.bench.turns import IntakeTurn, timed
from phonehome_tools.fleet.children import run_until_done

CONNECTIONS = 256
LOTS = 5
SLICE_S = 3.0  # a backlog of many batches: its first one is not in the pace
FEW, MANY = 10_000, 1_000_000  # open tickets
DEVICES_OF_A_LOT = 1000
PACE_BAR = 1.5
FLAT_BARS = {"sqlite": 0.30, "postgresql": 0.60}


def measure(options: Options) -> list[Figure]:
    """Pace, then how much of it is left among many open tickets."""
    return run_until_done(measure_digest(options))


async def measure_digest(options: Options) -> list[Figure]:
    """Both, on receivers of their own."""
    async with rigged(options) as rig:
        figures = await measure_pace(rig, options)
    return figures + await measure_flatness(options)


async def measure_pace(rig: Rig, options: Options) -> list[Figure]:
    """Records digested per second, all and faults alone, beside the reports that were accepted
    per second.
    """
    address = address_of(rig.receiver.http)
    turn = IntakeTurn(rig.receiver, address, rig.reporters, CONNECTIONS, Reporter.report)
    await turn.open()
    await turn.measure(SLICE_S / 2)
    lots = []
    for _ in range(options.times(LOTS, 1)):
        before = await read_digested(rig.receiver)
        accepted = await turn.measure(options.of(SLICE_S, 0.3))
        faults = await read_digested(rig.receiver) - before
        pace = turn.settled_rate
        lots.append((pace, pace * accepted.answers / faults, accepted.rate))
    turn.close()
    of_faults, of_all, accepted_rates = zip(*lots, strict=True)
    return [
        Figure("fault records digested", statistics.median(of_faults), "1/s"),
        Figure("all records of that load digested", statistics.median(of_all), "1/s"),
        Figure("reports accepted before", statistics.median(accepted_rates), "1/s"),
        Figure("fault records / reports", _ratio(of_faults, accepted_rates), "ratio"),
        Figure(
            "all records / reports", _ratio(of_all, accepted_rates), "ratio", PACE_BAR, AT_LEAST
        ),
    ]


def _ratio(paces: Sequence[float], rates: Sequence[float]) -> float:
    return statistics.median(pace / rate for pace, rate in zip(paces, rates, strict=True))


async def measure_flatness(options: Options) -> list[Figure]:
    """The pace among many open tickets per that among few, lots in turn."""
    lots = options.times(LOTS, 1) + 1  # the first is a warm-up
    tickets = FEW, options.times(MANY, 5 * FEW)
    per_lot = options.times(DEVICES_OF_A_LOT, 100)
    async with AsyncExitStack() as stack:
        rigs = []
        for count in tickets:
            rig = await stack.enter_async_context(rigged(options, lots * per_lot))
            known = [reporter.device for reporter in rig.reporters]
            await asyncio.to_thread(add_crowd, rig.receiver.store, known, count)
            rigs.append(rig)
        paces = []
        for number in range(lots):
            turn = slice(number * per_lot, (number + 1) * per_lot)
            paces.append([await digest_lot(rig, rig.reporters[turn]) for rig in rigs])
    few, many = (statistics.median(pace) for pace in zip(*paces[1:], strict=True))
    ratio = statistics.median(of_many / of_few for of_few, of_many in paces[1:])
    return [
        Figure(f"digested among {tickets[0]} open tickets", few, "1/s"),
        Figure(f"digested among {tickets[1]} open tickets", many, "1/s"),
        Figure("among many / among few", ratio, "ratio", FLAT_BARS[options.store], AT_LEAST),
    ]


async def digest_lot(rig: Rig, reporters: Sequence[Reporter]) -> float:
    """Records per second of one report of each of these devices, once all are accepted."""
    address = address_of(rig.receiver.http)
    streams = [
        iter([post(*address, one.repeats()) for one in reporters[number::CONNECTIONS]])
        for number in range(CONNECTIONS)
    ]
    load = await connect(*address, streams)
    await timed(load, rig.receiver.pid, WITHIN_S)
    load.close()
    return await settle(rig.receiver)
