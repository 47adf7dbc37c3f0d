"""What a report costs whose device was not heard for a minute: its key is not at hand.

Appliances that report every five minutes are all like that. A receiver that was started anew has
no keys in its memory: each device reports once, and then, with its key at hand, once more. Some
devices go first, for what only the first reports of a process cost.
"""

import statistics
from collections.abc import Sequence

from phonehome_tools.bench.digested import settle
from phonehome_tools.bench.figures import Figure
from phonehome_tools.bench.load import connect, post
from phonehome_tools.bench.options import Options
from phonehome_tools.bench.reports import Reporter
from phonehome_tools.bench.rig import Rig, address_of, restart
from phonehome_tools.bench.turns import Slice, timed

LOTS = 5
FIRST, ROUNDS = 100, 10  # devices that go first, and how often each reports
WITHIN_S = 60.0


async def compare_unheard(rig: Rig, options: Options, connections: int) -> list[Figure]:
    """Reports without and with the key at hand, the mean of some lots."""
    unheard, heard = [], []
    for _ in range(options.times(LOTS, 1)):
        await restart(rig)
        for _ in range(ROUNDS):
            await _report_once(rig, rig.reporters[:FIRST], connections)
        unheard.append(await _report_once(rig, rig.reporters[FIRST:], connections))
        heard.append(await _report_once(rig, rig.reporters[FIRST:], connections))
        await settle(rig.receiver)
    return [
        *_figures(f"@{connections} reports, key not at hand", unheard),
        *_figures(f"@{connections} reports, key at hand", heard),
    ]


def _figures(what: str, lots: Sequence[Slice]) -> list[Figure]:
    return [
        Figure(what, statistics.mean(lot.rate for lot in lots), "1/s"),
        Figure(f"{what}, server CPU", statistics.mean(lot.cpu_us for lot in lots), "us"),
    ]


async def _report_once(rig: Rig, reporters: Sequence[Reporter], connections: int) -> Slice:
    """Each device reports once."""
    address = address_of(rig.receiver.http)
    told = [post(*address, reporter.report()) for reporter in reporters]
    load = await connect(*address, [iter(told[n::connections]) for n in range(connections)])
    try:
        return await timed(load, rig.receiver.pid, WITHIN_S)
    finally:
        load.close()
