"""Kill -9 of the unix agent at random moments, and the books about it.

Every record that the agent said it had stored is at the receiver exactly once, or among those that
it counts as dropped by name.

    python -m tests.device.killing --runs 10000 --workers 2
"""

import argparse
import asyncio
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from aiohttp import web
from rich.progress import Progress

from phonehome_tools.fleet.interpreter import UPYLIB, find_interpreter
from phonehome_wire import registry
from tests.fakes.board import DEVICE, HEAP, KEY
from tests.fakes.compiled import compile_sources
from tests.fakes.receiver import FakeReceiver, make_app

MAIN = Path(__file__).parents[1] / "fakes" / "killed_main.py"
# Two segments: an outage of a dozen lives overflows them, and records are dropped.
OUTBOX_BYTES = 8192
ROOMY_BYTES = 1 << 20
STEADY_OF = 4  # a board with faults that last for several lives, for so many of the others
OUTAGE_OF, OUTAGE_FROM = 64, 48  # of so many lives the last ones find the receiver busy
# In times that it takes from the start of the process to the first sample, as measured on the way:
# while it starts, in its busiest moment, in its routine.
MOMENTS = ((0.0, 1.5), (0.8, 4.0), (2.0, 10.0))
WEIGHTS = (4, 5, 1)
DEATHS = ("", "", "", "task", "start")
LAST = {"hasty": "hasty", "steady": "steady", "between": "steady"}  # how the last life is
PATIENCE_S = 60
TURNS = 6  # heartbeats until each metric had its turn
TRANSITION = (registry.FAULT_SPN, registry.FAULT_KIND, registry.FAULT_OCCURRENCE)
COUNTED = {
    registry.RTYPE_FAULT: ("fault", registry.METRIC_DROPPED_FAULTS),
    registry.RTYPE_CRASH: ("crash", registry.METRIC_DROPPED_CRASHES),
}


class Forgetful(FakeReceiver):
    """Acks before it stores, and loses some of it: what the books must find."""

    def take(self, message):
        known = set(self.stored)
        report = super().take(message)
        if len(self.reports) % 8 == 0:
            for key in set(self.stored) - known:
                del self.stored[key]
        return report


class Books:
    """What a board said on stdout, over all its lives."""

    def __init__(self) -> None:
        self.announced = set()
        self.stored = {}  # (inc, boot, seq): record type
        self.told = Counter()
        self.refused = Counter()  # by kind: never stored, as there was no room
        self.depth = None

    def note(self, event: dict) -> None:
        """Enter one line."""
        name = event["event"]
        self.told[name] += 1
        if name in ("storing", "stored"):
            key = (bytes.fromhex(event["inc"]), event["boot"], event["seq"])
            if name == "storing":
                self.announced.add(key)
            else:
                self.stored[key] = event["rtype"]
        elif name == "acked":
            self.depth = event["depth"]


class Killed:
    """One board with its folder and its receiver, killed again and again.

    `death` replaces the random ways to crash, `receiver` the honest one: for controls and steady
    boards, which have an outbox that nothing need be dropped from.
    """

    def __init__(self, folder: Path, compiled: Path, seed: int, death=None, receiver=None) -> None:
        is_control = bool(death or receiver)
        self._outbox_bytes = ROOMY_BYTES if is_control else OUTBOX_BYTES
        self.books = Books()
        self.receiver = receiver or FakeReceiver(DEVICE, KEY)
        self.kills = 0
        self._start_s = 0.08  # a first guess
        self._news = asyncio.Event()
        self._draw = random.Random(seed)
        self._folder = folder
        self._death = death
        self._life = seed * 100_000
        path = ":".join([".frozen", str(compiled), str(UPYLIB)])
        self._environment = {**os.environ, "MICROPYPATH": path}
        self._runner = web.AppRunner(make_app(self.receiver), shutdown_timeout=0.1)

    async def __aenter__(self):
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        settings = {
            "device": DEVICE.hex(),
            "server": f"http://127.0.0.1:{self._runner.addresses[0][1]}",
            "insecure": True,
            "key": str(self._folder / "key"),
            "data": str(self._folder / "flash"),
            "settle_ms": 0,
            "gather_ms": 5,
            "heartbeat_s": 1,
            "outbox_bytes": self._outbox_bytes,
        }
        (self._folder / "key").write_bytes(b"\x01" + KEY)
        (self._folder / "settings.json").write_text(json.dumps(settings))
        return self

    async def __aexit__(self, *_):
        await self._runner.cleanup()

    async def live(self) -> bool:
        """One life; True when kill -9 ended it, False when the board had crashed before."""
        is_outage = self._life % OUTAGE_OF >= OUTAGE_FROM
        moods = ["busy"] if is_outage else ["", "", "", "lose", "busy"]
        self.receiver.script = self._draw.choices(moods, k=200)
        death = self._draw.choice(DEATHS) if self._death is None else self._death
        process = await self._start(death)
        reading = asyncio.create_task(self._read(process))
        low, high = self._draw.choices(MOMENTS, WEIGHTS)[0]
        await asyncio.wait([reading], timeout=self._start_s * self._draw.uniform(low, high))
        await self._end(process, reading)
        was_killed = process.returncode == -signal.SIGKILL
        self.kills += was_killed
        return was_killed

    async def settle(self) -> None:
        """One last life with a receiver that behaves, until everything was said and counted."""
        self.receiver.script = []
        self.books.depth = None
        process = await self._start(LAST.get(self._death, ""))
        reading = asyncio.create_task(self._read(process))
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._until(lambda: self.books.depth == 0)
                beats = self._count_beats()
                await self._until(lambda: self._count_beats() >= beats + TURNS)
        finally:
            await self._end(process, reading)

    async def _until(self, is_so) -> None:
        while not is_so():
            self._news.clear()
            await self._news.wait()

    def _count_beats(self) -> int:
        return len(self.receiver.records(registry.RTYPE_HEARTBEAT))

    async def _start(self, death: str):
        self._life += 1
        return await asyncio.create_subprocess_exec(
            find_interpreter(),
            *("-X", HEAP, MAIN, self._folder / "settings.json", str(self._life), death),
            env=self._environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )

    async def _end(self, process, reading) -> None:
        if process.returncode is None:
            with suppress(ProcessLookupError):  # it was faster
                os.kill(process.pid, signal.SIGKILL)
        await process.wait()
        await reading

    async def _read(self, process) -> None:
        begun = time.monotonic()
        async for line in process.stdout:
            if line.startswith(b"{") and line.endswith(b"}\n"):
                event = json.loads(line)
                self.books.note(event)
                self._news.set()
                if event["event"] == "boot":
                    self._start_s += (time.monotonic() - begun - self._start_s) / 16


def find_gone(killed: Killed, rtype: int) -> list[tuple]:
    """Ids of a type that the board said it had stored and that the receiver does not hold."""
    stored = killed.books.stored
    return sorted(k for k in stored if stored[k] == rtype and k not in killed.receiver.stored)


def find_faults(killed: Killed) -> list[str]:
    """What is wrong between the books of a board and its receiver; [] when all is well."""
    books, receiver = killed.books, killed.receiver
    wrong = [f"two meanings of {key}" for key in receiver.collisions]
    heard = {key for key, record in receiver.stored.items() if record.rtype in COUNTED}
    wrong += [f"never made: {key}" for key in heard - books.announced]
    for rtype, (kind, metric) in COUNTED.items():
        gone, counted = find_gone(killed, rtype), newest_metric(receiver, metric)
        if len(gone) > counted:
            wrong.append(f"{len(gone)} {kind}s are gone and {counted} counted: {gone[:4]}")
    return wrong + find_doubles(receiver)


def find_doubles(receiver: FakeReceiver) -> list[str]:
    """Events that came as two records: each life has faults and an exception of its own."""
    crashes = Counter(
        record.body.get(registry.CRASH_EXCEPTION)
        for record in receiver.records(registry.RTYPE_CRASH)
        if record.body.get(registry.CRASH_EXCEPTION)
    )
    doubles = [f"crash {name} came {count} times" for name, count in crashes.items() if count > 1]
    return doubles + find_twice_told(receiver)


def find_twice_told(receiver: FakeReceiver) -> list[str]:
    """Occurrences of a fault that came as two records, under two ids."""
    told = Counter(
        tuple(record.body.get(key) for key in TRANSITION)
        for record in receiver.records(registry.RTYPE_FAULT)
        if record.body[registry.FAULT_KIND] != registry.KIND_PENDING
    )
    return [f"transition {which} came {count} times" for which, count in told.items() if count > 1]


def newest_metric(receiver: FakeReceiver, metric: int) -> int:
    """The newest value of a metric that a heartbeat told, 0 when none did."""
    told = [
        record.body[metric]
        for record in receiver.records(registry.RTYPE_HEARTBEAT)
        if metric in record.body
    ]
    return told[-1] if told else 0


async def torture(folder: Path, runs: int, seed: int, advance=None, **control) -> Killed:
    """Kill a board `runs` times and let it settle; `advance()` hears of each, True is enough."""
    compiled = folder / "compiled"
    if not compiled.exists():
        await asyncio.to_thread(compile_sources, compiled)
    home = folder / f"board{seed}"
    home.mkdir()
    async with Killed(home, compiled, seed, **control) as killed:
        while killed.kills < runs:
            if await killed.live() and advance and advance():
                break
        await killed.settle()
    return killed


def summary(killed: list[Killed]) -> str:
    """The counts of some boards, a line each."""
    lines = []
    for one in killed:
        books, receiver = one.books, one.receiver
        line = f"{one.kills} kills, {len(books.announced - set(books.stored))} while storing"
        for rtype, (kind, metric) in COUNTED.items():
            stored = sum(held == rtype for held in books.stored.values())
            line += f"; {kind}s: {stored} stored, {len(receiver.records(rtype))} arrived, "
            line += f"{len(find_gone(one, rtype))} gone, {newest_metric(receiver, metric)} counted"
        lines.append(line)
    return "\n".join(lines)


async def main() -> int:
    """Kill as often as asked for, some boards beside each other; 1 when a record is lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=600)
    options = parser.parse_args()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, Progress() as progress:
        compile_sources(Path(folder) / "compiled")
        share = -(-options.runs // options.workers)
        steady = share // STEADY_OF
        bar = progress.add_task("kill -9", total=share * options.workers + steady)
        seeds = range(options.seed, options.seed + options.workers)

        def advance() -> bool:
            progress.advance(bar)
            return time.monotonic() - begun > 60 * options.minutes

        boards = [torture(Path(folder), share, seed, advance) for seed in seeds]
        last = options.seed + options.workers
        boards.append(torture(Path(folder), steady, last, advance, death="steady"))
        killed = await asyncio.gather(*boards)
    wrong = [line for one in killed for line in find_faults(one)]
    print(summary(killed), f"in {time.monotonic() - begun:.0f} s", *wrong, sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
