"""Intake: single signed reports over HTTP, committed and acknowledged, beside a bare echo.

Both servers run on one core and the load on another, in slices that take turns, so that a slow
moment of the machine hits both. The echo answers the very same POSTs with aiohttp and nothing
else: the ratio says what signature, decoding, commit and signed answer cost.
"""

import itertools
import statistics
import sys
import tempfile
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from phonehome_tools.bench.cores import on_core, pick_cores
from phonehome_tools.bench.figures import AT_LEAST, Figure
from phonehome_tools.bench.load import Load, connect, post
from phonehome_tools.bench.reports import Reporter
from phonehome_tools.fleet.children import Children, run_until_done
from phonehome_tools.fleet.errors import ChildError
from phonehome_tools.fleet.interpreter import python_environment
from phonehome_tools.fleet.receiver import Receiver

CONNECTIONS = 50
PAIRS = 7
SLICE_S = 1.5
WARM_UP_S = 1.0
# Enough for the fastest receiver that one core can be; a stream that runs dry ends its slice.
REPORTS = 2000
GOAL_RATIO = 0.25
# The load comes from one address, and a device never reports this often: both limits off the way.
OPEN_GATES = """[intake]
address_per_s = 1000000
address_burst = 1000000
key_per_s = 1000000
key_burst = 1000000
"""


def measure() -> list[Figure]:
    """Reports and echoes per second, and the median of the ratios of their pairs."""
    return run_until_done(measure_intake())


async def measure_intake() -> list[Figure]:
    """Start both servers, load them in turn, and end them."""
    with tempfile.TemporaryDirectory(prefix="phonehome-bench-") as folder:
        async with Children() as children:
            return await compare(Path(folder), children)


async def compare(folder: Path, children: Children) -> list[Figure]:
    """Alternate slices of echo and intake."""
    server_core, load_core = pick_cores() or (None, None)
    receiver = Receiver(folder, children)
    with on_core(server_core):
        await receiver.start(OPEN_GATES)
        echo_url = await start_echo(children)
    messages = await signed_messages(receiver)
    with on_core(load_core):
        echo = await connect_to(echo_url, messages, repeat=True)
        intake = await connect_to(receiver.http, messages, repeat=False)
        pairs = await take_turns(echo, intake)
        echo.close()
        intake.close()
    ratios = [reports / echoes for echoes, reports in pairs]
    return [
        Figure("reports committed and acked", statistics.median(r for _, r in pairs), "1/s"),
        Figure("bare aiohttp POST echo", statistics.median(e for e, _ in pairs), "1/s"),
        Figure("intake to echo", statistics.median(ratios), "ratio", GOAL_RATIO, AT_LEAST),
        Figure("intake to echo, worst pair", min(ratios), "ratio"),
    ]


async def take_turns(echo: Load, intake: Load) -> list[tuple[float, float]]:
    """(echoes, reports) per second of each pair, after a warm-up."""
    await echo.measure(WARM_UP_S)
    await intake.measure(WARM_UP_S)
    return [(await echo.measure(SLICE_S), await intake.measure(SLICE_S)) for _ in range(PAIRS)]


async def signed_messages(receiver: Receiver) -> list[list[bytes]]:
    """Register one device a connection and sign its reports beforehand."""
    reporters = [Reporter() for _ in range(CONNECTIONS)]
    async with receiver.desk() as desk:
        for index, reporter in enumerate(reporters):
            await desk.add_device(reporter.device, "washer", f"bench-{index}", reporter.key)
    return [[reporter.heartbeat() for _ in range(REPORTS)] for reporter in reporters]


async def connect_to(url: str, messages: Sequence[Sequence[bytes]], repeat: bool) -> Load:
    """One connection for each device's reports; the echo may see them again and again."""
    host, port = urlsplit(url).hostname or "127.0.0.1", urlsplit(url).port or 80
    streams: list[Iterator[bytes]] = []
    for device_messages in messages:
        requests = [post(host, port, message) for message in device_messages]
        streams.append(itertools.cycle(requests) if repeat else iter(requests))
    return await connect(host, port, streams)


async def start_echo(children: Children) -> str:
    """The address of a running echo."""
    argv = [sys.executable, "-m", "phonehome_tools.bench.echo"]
    process = await children.start(argv, python_environment(), DEVNULL)
    return await read_address(process)


async def read_address(process: Process) -> str:
    """The address that the echo prints."""
    line = await process.stdout.readline() if process.stdout else b""
    if b"http=" not in line:
        raise ChildError("the echo did not start")
    return line.decode().split("http=")[1].strip()
