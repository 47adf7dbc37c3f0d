"""What a report leaves behind and costs the database, and what a silent device costs the broker.

Bytes on the disk with every index, raw message and record included, when the digest is done: half
heartbeats, half faults with a freeze frame, which open tickets.
"""

import sqlite3
from asyncio.subprocess import DEVNULL
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

# psycopg: how large a PostgreSQL is, nobody else can say.
import psycopg

from phonehome_tools.bench.cores import cpu_seconds, resident_kib
from phonehome_tools.bench.digested import settle
from phonehome_tools.bench.figures import Figure
from phonehome_tools.bench.load import connect, post
from phonehome_tools.bench.options import Options
from phonehome_tools.bench.overmqtt import MOSQUITTO, SETTINGS, listening
from phonehome_tools.bench.packets import Link, subscribe
from phonehome_tools.bench.packets import connect as connect_packet
from phonehome_tools.bench.reports import Reporter
from phonehome_tools.bench.rig import address_of, rigged
from phonehome_tools.bench.turns import timed
from phonehome_tools.fleet.children import Children, run_until_done
from phonehome_tools.fleet.postgresql import free_port

REPORTS = 20_000
CONNECTIONS = 64
IDLE = 1000
WITHIN_S = 300.0
SQLITE = "sqlite:///"


def measure(options: Options) -> list[Figure]:
    """A report in the database, and a device at the broker."""
    return run_until_done(measure_storage(options))


async def measure_storage(options: Options) -> list[Figure]:
    """Both, on a receiver and a broker of their own."""
    return [*await measure_reports(options), await measure_idle(options)]


async def measure_reports(options: Options) -> list[Figure]:
    """Bytes and processor time of the database for a report."""
    count = options.times(REPORTS, 1000)
    async with rigged(options) as rig:
        store, address = rig.receiver.store, address_of(rig.receiver.http)
        told = [rig.reporters[n % len(rig.reporters)].report() for n in range(count)]
        streams = [
            iter([post(*address, message) for message in told[n::CONNECTIONS]])
            for n in range(CONNECTIONS)
        ]
        before_bytes, before_s = stored_bytes(store), database_seconds(store)
        load = await connect(*address, streams)
        await timed(load, rig.receiver.pid, WITHIN_S)
        load.close()
        await settle(rig.receiver)
        grown = stored_bytes(store) - before_bytes
        spent_s = database_seconds(store) - before_s
    return [
        Figure("database bytes of a report", grown / count, "bytes"),
        Figure("database CPU of a report", 1e6 * spent_s / count, "us"),
    ]


def stored_bytes(store: str) -> int:
    """The size of a database, its indexes included."""
    if store.startswith(SQLITE):
        with closing(sqlite3.connect(store.removeprefix(SQLITE))) as connection:
            pages: int = connection.execute("PRAGMA page_count").fetchone()[0]
            size: int = connection.execute("PRAGMA page_size").fetchone()[0]
        return pages * size
    with psycopg.connect(store) as connection:
        row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    return int(row[0]) if row else 0


def database_seconds(store: str) -> float:
    """Processor time of the database's processes so far; 0 for SQLite, which has none."""
    if store.startswith(SQLITE):
        return 0.0
    with psycopg.connect(store) as connection:
        own = connection.info.backend_pid
        pids = connection.execute("SELECT pid FROM pg_stat_activity").fetchall()
    return sum(cpu_seconds(pid) for (pid,) in pids if pid != own)


async def measure_idle(options: Options) -> Figure:
    """Memory of Mosquitto for a device that is connected, listens and says nothing."""
    count = options.times(IDLE, 50)
    port = free_port()
    with TemporaryDirectory(prefix="phonehome-bench-") as folder:
        config = Path(folder) / "mosquitto.conf"
        config.write_text(SETTINGS.format(port=port))
        async with Children() as children:
            argv = [MOSQUITTO, "-c", str(config)]
            broker = await children.start(argv, {"PATH": "/usr/bin"}, DEVNULL)
            await listening(port)
            links = await idle_links(port, 10)  # what the first ones load is no cost of a device
            before_kib = resident_kib(broker.pid)
            links += await idle_links(port, count)
            grown_kib = resident_kib(broker.pid) - before_kib
            for link in links:
                link.close()
    return Figure("broker memory of an idle device", 1024 * grown_kib / count, "bytes")


async def idle_links(port: int, count: int) -> list[Link]:
    """Devices that wait for what is said to them."""
    links = []
    for _ in range(count):
        name = Reporter().device
        hello = [connect_packet(name), subscribe(f"ph1/{name}/dn")]
        links.append(await Link.open(("127.0.0.1", port), hello, lambda _message: None))
    return links
