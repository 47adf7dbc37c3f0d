"""Digest: how fast committed records become fault history and tickets.

Full reports of fault transitions are posted at once, far faster than they can be digested; what is
measured is the time until the receiver's own counter says that all of them are. Every record is a
real transition: it opens, repeats, recovers or reopens a ticket.
"""

import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

from phonehome_tools.bench.cores import on_core, pick_cores
from phonehome_tools.bench.digested import WITHIN_S, wait_digested
from phonehome_tools.bench.figures import Figure
from phonehome_tools.bench.intake import OPEN_GATES
from phonehome_tools.bench.load import connect, post
from phonehome_tools.bench.reports import Reporter
from phonehome_tools.fleet.children import Children, run_until_done
from phonehome_tools.fleet.receiver import Receiver

DEVICES = 20
REPORTS = 5
RECORDS = 30


def measure() -> list[Figure]:
    """Digested records per second."""
    return run_until_done(measure_digest())


async def measure_digest() -> list[Figure]:
    """Fill a receiver and watch it digest."""
    with tempfile.TemporaryDirectory(prefix="phonehome-bench-") as folder:
        async with Children() as children:
            receiver = Receiver(Path(folder), children)
            server_core, load_core = pick_cores() or (None, None)
            with on_core(server_core):
                await receiver.start(OPEN_GATES)
            with on_core(load_core):
                return await watch(receiver)


async def watch(receiver: Receiver) -> list[Figure]:
    """Post everything, then wait for the counter."""
    messages = await signed_messages(receiver)
    address = urlsplit(receiver.http)
    host, port = address.hostname or "127.0.0.1", address.port or 80
    streams = [iter([post(host, port, message) for message in of]) for of in messages]
    load = await connect(host, port, streams)
    start_s = time.monotonic()
    await load.measure(WITHIN_S)
    posted_s = time.monotonic() - start_s
    load.close()
    await wait_digested(receiver, DEVICES * REPORTS * RECORDS)
    spent_s = time.monotonic() - start_s
    records = DEVICES * REPORTS * RECORDS
    return [
        Figure("fault records digested", records / spent_s, "1/s"),
        Figure(f"all {records} records committed after", posted_s, "s"),
        Figure(f"all {records} records digested after", spent_s, "s"),
    ]


async def signed_messages(receiver: Receiver) -> list[list[bytes]]:
    """Register the devices and sign what they say."""
    reporters = [Reporter() for _ in range(DEVICES)]
    async with receiver.desk() as desk:
        for index, reporter in enumerate(reporters):
            await desk.add_device(reporter.device, "washer", f"bench-{index}", reporter.key)
    return [[reporter.faults(RECORDS) for _ in range(REPORTS)] for reporter in reporters]
