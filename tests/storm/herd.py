"""Many agents that get their power in one instant, and lose their receiver in one instant."""

import asyncio
import bisect
import json
import math
import secrets
import sqlite3
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from phonehome.core.backoff import FIRST_MS
from phonehome_tools.fleet.children import drained
from phonehome_tools.fleet.home import draw_device
from phonehome_tools.fleet.interpreter import board_environment, find_interpreter
from tests.fakes.compiled import compile_sources
from tests.storm.gate import Gate
from tests.storm.site import HOST, site

MAIN = Path(__file__).parent / "herd_main.py"
PER_PROCESS = 125
HEAP = "heapsize=32m"
PRODUCT = "washer"
RETURN_WITHIN_S = 1800  # two of the longest back-offs
LOOK_S = 0.5
SURE = 5  # standard deviations above the mean: once in three million seconds


@dataclass(frozen=True)
class HerdPlan:
    """How many, and the spans that matter; `still` takes all randomness away."""

    agents: int = 1000
    settle_s: int = 10
    heartbeat_s: int = 60
    outage_s: float = 60
    still: bool = False


@dataclass
class Stampede:
    """Instants in seconds after the cause, and how many a second the law of the waits allows."""

    name: str
    at_s: list[float]
    limit: float
    marks: dict[str, float] = field(default_factory=dict)

    @property
    def peak(self) -> int:
        """The most within any one second."""
        at_s = sorted(self.at_s)
        return max((bisect.bisect_left(at_s, t + 1) - i for i, t in enumerate(at_s)), default=0)

    @property
    def is_bounded(self) -> bool:
        """No second had more than the law allows."""
        return 0 < self.peak <= self.limit


def limit_of(mean: float) -> float:
    """What a second with this mean may have by chance."""
    return mean + SURE * math.sqrt(mean)


async def run_herd(plan: HerdPlan, folder: Path, note: Callable[[str], None]) -> list[Stampede]:
    """Power on, one heartbeat period, an outage, the return: one Stampede for each."""
    async with AsyncExitStack() as stack:
        place = await stack.enter_async_context(site(folder, "mqtt"))
        gate = await stack.enter_async_context(Gate(place.targets["right"]))
        async with place.receiver.desk() as desk:
            keys = {}
            for _ in range(plan.agents):
                device = draw_device()
                keys[device] = await desk.add_device(device, PRODUCT, "", secrets.token_bytes(32))
        note(f"{plan.agents} devices registered")
        herd = await stack.enter_async_context(Herd(plan, folder, gate.port, keys))
        note(f"{len(herd.processes)} processes ready")
        began_at = await herd.power_on()
        await until_heard(place.receiver.folder, plan.agents, since_ms=0)
        power_on = [t - began_at for t in gate.knocks]
        note("all connected; two heartbeat periods")
        await asyncio.sleep(2 * plan.heartbeat_s + plan.settle_s)
        note_failures(note, herd)
        beats = read_beats(place.receiver.folder, plan)
        gate.knocks.clear()
        shut_at = gate.shut()
        note(f"everybody thrown out; {plan.outage_s} s of outage")
        await asyncio.sleep(plan.outage_s)
        note_failures(note, herd)
        open_at = gate.open() - shut_at
        await until_heard(place.receiver.folder, plan.agents, since_ms=time.time_ns() // 1_000_000)
        loss = [t - shut_at for t in gate.knocks]
        note_failures(note, herd)
    back_s = max(loss)
    first_s = FIRST_MS / 1000
    return [
        Stampede("power on", power_on, limit_of(plan.agents / plan.settle_s)),
        Stampede("heartbeats", beats, limit_of(plan.agents / plan.heartbeat_s)),
        Stampede(
            "receiver lost",
            loss,
            # The try number k has a density of at most agents / (first * 2**k): in sum twice.
            limit_of(2 * plan.agents / first_s),
            {"receiver is back": open_at, "all are back": back_s},
        ),
    ]


def note_failures(note: Callable[[str], None], herd: "Herd") -> None:
    """Say why calls failed since the last time."""
    note(
        "failed: " + (", ".join(f"{n} {why}" for why, n in herd.failures.most_common()) or "none")
    )
    herd.failures.clear()


async def until_heard(folder: Path, count: int, since_ms: int) -> None:
    """Return when the receiver has stored something of so many devices since then."""
    query = "SELECT count(DISTINCT device) FROM message WHERE received_at > ?"
    async with asyncio.timeout(RETURN_WITHIN_S):
        while read_store(folder, query, since_ms)[0][0] < count:  # noqa: ASYNC110  # a file
            await asyncio.sleep(LOOK_S)


def read_store(folder: Path, query: str, *values: object) -> list[tuple]:
    """The rows that the receiver's database answers; read-only."""
    base = sqlite3.connect(f"file:{folder / 'receiver.db'}?mode=ro", uri=True)
    with base:
        rows = base.execute(query, values).fetchall()
    base.close()
    return rows


def read_beats(folder: Path, plan: HerdPlan) -> list[float]:
    """When the reports of the last heartbeat period arrived, in seconds from its start."""
    times = [at for (at,) in read_store(folder, "SELECT received_at FROM message")]
    start = max(times) - plan.heartbeat_s * 1000
    return [(at - start) / 1000 for at in times if at >= start]


class Herd:
    """The processes of a herd; an async context manager."""

    def __init__(self, plan: HerdPlan, folder: Path, port: int, keys: dict[str, bytes]) -> None:
        self._plan = plan
        self._folder = folder
        self._port = port
        self._keys = keys
        self._hearing: list[asyncio.Task[None]] = []
        self.processes: list[Process] = []
        self.failures: Counter[str] = Counter()

    async def __aenter__(self) -> Self:
        """Make all agents, none of which has power yet."""
        compiled = self._folder / "mpy"
        await asyncio.to_thread(compile_sources, compiled)
        environment = dict(board_environment(compiled))
        devices = list(self._keys)
        for start in range(0, len(devices), PER_PROCESS):
            settings = self._write(devices[start : start + PER_PROCESS], start)
            process = await asyncio.create_subprocess_exec(
                find_interpreter(),
                *("-X", HEAP, str(MAIN), str(settings)),
                env=environment,
                stdin=PIPE,
                stdout=PIPE,
                stderr=DEVNULL,
            )
            self.processes.append(process)
        for process in self.processes:
            line = await process.stdout.readline()
            if line.strip() != b"ready":
                raise RuntimeError(f"a herd is not ready: {line!r}")
            self._hearing.append(asyncio.create_task(self._hear(process)))
        return self

    async def __aexit__(self, *_: object) -> None:
        """End all processes."""
        for process in self.processes:
            if process.returncode is None:
                process.kill()
            await drained(process)
        await asyncio.gather(*self._hearing)

    async def power_on(self) -> float:
        """Give power to all in one instant; return the time."""
        for process in self.processes:
            process.stdin.write(b"on\n")
        return asyncio.get_running_loop().time()

    async def _hear(self, process: Process) -> None:
        async for line in process.stdout:
            self.failures[line.decode().strip()] += 1

    def _write(self, devices: Sequence[str], number: int) -> Path:
        agents = [self._settings(device) for device in devices]
        path = self._folder / f"herd{number}.json"
        path.write_text(json.dumps({"still": self._plan.still, "agents": agents}))
        return path

    def _settings(self, device: str) -> dict:
        home = self._folder / device
        (home / "flash").mkdir(parents=True)
        (home / "key").write_bytes(b"\x01" + self._keys[device])
        return {
            "device": device,
            "server": f"mqtt://{HOST}:{self._port}",
            "insecure": True,
            "key": str(home / "key"),
            "data": str(home / "flash"),
            "settle_ms": self._plan.settle_s * 1000,
            "heartbeat_s": self._plan.heartbeat_s,
        }
