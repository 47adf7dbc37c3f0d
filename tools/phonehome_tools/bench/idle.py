"""What a connection costs the server's memory while its device has nothing to say."""

import itertools
from collections.abc import Iterable

from phonehome_tools.bench.cores import resident_kib
from phonehome_tools.bench.load import connect, post
from phonehome_tools.bench.reports import Reporter
from phonehome_tools.bench.rig import Rig, address_of
from phonehome_tools.bench.turns import Stock

WITHIN_S = 60.0


async def idle_bytes(address: tuple[str, int], pid: int, requests: Iterable[bytes]) -> float:
    """Resident bytes of each of some connections that have had one answer and now wait."""
    before_kib = resident_kib(pid)
    stocks = []
    for request in requests:
        stocks.append(Stock())
        stocks[-1].waiting.append(request)
    load = await connect(*address, stocks)
    answers, _ = await load.measure(WITHIN_S)
    grown_kib = resident_kib(pid) - before_kib
    load.close()
    return 1024 * grown_kib / max(1, answers)


async def compare_idle(rig: Rig, bare: tuple[str, int], bare_pid: int, count: int) -> float:
    """Memory of an idle connection of the receiver, per that of the bare server.

    Both have answered as many requests over one connection before: what is counted is what the
    connections keep, not what the first requests load.
    """
    receiver = address_of(rig.receiver.http)
    some = list(itertools.islice(itertools.cycle(rig.reporters), count))
    for address in (receiver, bare):
        stock = Stock()
        stock.waiting += [post(*address, one.heartbeat()) for one in some]
        load = await connect(*address, [stock])
        await load.measure(WITHIN_S)
        load.close()
    of_receiver = await idle_bytes(
        receiver, rig.receiver.pid, [post(*receiver, one.heartbeat()) for one in some]
    )
    same = Reporter().heartbeat()
    of_bare = await idle_bytes(bare, bare_pid, [post(*bare, same)] * count)
    return of_receiver / max(1.0, of_bare)
