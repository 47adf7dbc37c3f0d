"""The servers of a bench: a fresh receiver and a bare one on one core, the load on the other."""

import asyncio
import os
import statistics
import sys
import tempfile
import time
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from phonehome_tools.bench.cores import on_core, pick_cores
from phonehome_tools.bench.options import Options
from phonehome_tools.bench.reports import Reporter
from phonehome_tools.fleet.children import Children
from phonehome_tools.fleet.errors import ChildError
from phonehome_tools.fleet.interpreter import python_environment
from phonehome_tools.fleet.postgresql import PostgreSQL
from phonehome_tools.fleet.receiver import Receiver

DEVICES = 1000
AT_ONCE = 20  # registrations
SYNCS = 200
PAGE_BYTES = 4096
# The load comes from one address, and a device never reports this often: all limits off the way.
OPEN_GATES = """[intake]
address_per_s = 1000000
address_burst = 1000000
key_per_s = 1000000
key_burst = 1000000
"""


@dataclass
class Rig:
    """What is measured, and what with."""

    folder: Path
    children: Children
    receiver: Receiver
    reporters: list[Reporter]
    server_core: int | None
    load_core: int | None
    sync_s: float

    async def start_script(self, name: str, *words: str) -> tuple[Process, str]:
        """A program of the bench on the server's core, and the first line that it prints.

        It is run as a file: nothing of ours is loaded that would count as its memory.
        """
        argv = [sys.executable, str(Path(__file__).with_name(name)), *words]
        with on_core(self.server_core):
            process = await self.children.start(argv, python_environment(), DEVNULL)
        line = await process.stdout.readline() if process.stdout else b""
        if not line:
            raise ChildError(f"{name} did not start")
        return process, line.decode().strip()


@asynccontextmanager
async def rigged(options: Options, devices: int = DEVICES, broker: str = "") -> AsyncIterator[Rig]:
    """A receiver on a fresh database that knows `devices`; this process is on the load's core."""
    server_core, load_core = pick_cores() or (None, None)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="phonehome-bench-")))
        url = stack.enter_context(PostgreSQL()).url() if options.store == "postgresql" else ""
        async with Children() as children:
            receiver = Receiver(folder / "receiver", children, broker=broker, store=url)
            with on_core(server_core):
                await receiver.start(OPEN_GATES)
            with on_core(load_core):
                reporters = [Reporter() for _ in range(devices)]
                await register(receiver, reporters)
                sync_s = fdatasync_s(folder)
                yield Rig(folder, children, receiver, reporters, server_core, load_core, sync_s)


async def restart(rig: Rig) -> None:
    """End the receiver and start it again, on its core."""
    await rig.receiver.stop()
    with on_core(rig.server_core):
        await rig.receiver.start(OPEN_GATES)


async def register(receiver: Receiver, reporters: list[Reporter]) -> None:
    """Let the receiver know the devices."""
    left = iter(enumerate(reporters))
    async with receiver.desk() as desk:

        async def some() -> None:
            for index, one in left:
                await desk.add_device(one.device, "washer", f"bench-{index}", one.key)

        await asyncio.gather(*(some() for _ in range(AT_ONCE)))


def fdatasync_s(folder: Path) -> float:
    """The usual time of one fdatasync behind one page, on the disk of a folder."""
    path = folder / "synced"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    spent = []
    for turn in range(SYNCS):
        os.pwrite(descriptor, os.urandom(PAGE_BYTES), turn * PAGE_BYTES)
        before_s = time.perf_counter()
        os.fdatasync(descriptor)
        spent.append(time.perf_counter() - before_s)
    os.close(descriptor)
    path.unlink()
    return statistics.median(spent)


def address_of(url: str) -> tuple[str, int]:
    """Host and port."""
    parts = urlsplit(url)
    return parts.hostname or "127.0.0.1", parts.port or 80
