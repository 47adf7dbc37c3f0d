"""One agent in a storm for hours of its time: what it told, and what the receiver stored."""

import asyncio
import json
import sqlite3
import time
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from phonehome_tools.fleet.children import drained
from phonehome_tools.fleet.home import Home, Link
from phonehome_tools.fleet.interpreter import board_environment, find_interpreter
from tests.fakes.compiled import compile_sources
from tests.storm.proxy import TormentingProxy
from tests.storm.site import HOST, site

MAIN = Path(__file__).parent / "agent_main.py"
# The 208 KB that a Pico W leaves to Python are twice that on 64 bits; .mpy is loaded, as there.
HEAP = "heapsize=416k"
# Deadlines of 10 s and more have half a second of ours at the slow pace: this computer is busy.
SLOW, FAST = 20, 2000
PRODUCT = "washer"


@dataclass(frozen=True)
class Plan:
    """How long and how hard; `leak` bytes are lost on purpose with every report."""

    scheme: str = "http"
    hours: float = 2.0
    seed: int = 1
    samples: int = 432
    leak: int = 0


@dataclass
class Course:
    """What happened: the board's events, what the receiver stored, what the proxy did."""

    plan: Plan
    events: list[dict] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    stored: dict[tuple[str, int, int], tuple[int, str]] = field(default_factory=dict)
    collisions: int = 0
    mischief: Mapping[str, int] = field(default_factory=dict)
    connections: int = 0
    took_s: float = 0.0

    def named(self, name: str) -> list[dict]:
        """The events of a name, in order."""
        return [event for event in self.events if event["event"] == name]


async def torment(plan: Plan, folder: Path, watch: Callable[[dict], None]) -> Course:
    """Run one storm to its end; `watch` hears each event as it comes."""
    course = Course(plan)
    began_at = time.monotonic()
    await asyncio.to_thread(compile_sources, folder / "mpy")
    async with site(folder, plan.scheme) as place:
        proxy = TormentingProxy(place.targets, plan.seed, (SLOW, FAST), place.rotate)
        async with proxy, place.receiver.desk() as desk:
            home = Home(folder / "device")
            await home.register(desk, PRODUCT, "tormented")
            home.write_config(Link(f"{plan.scheme}://{HOST}:{proxy.port}", place.ca), **DEFAULTS)
            settings = write_settings(home, plan)
            await live(course, settings, proxy, watch)
            course.mischief, course.connections = dict(proxy.done), proxy.connections
        course.stored, course.collisions = read_store(place.receiver.folder, home.device)
    course.took_s = time.monotonic() - began_at
    return course


# What a device has that was told nothing; Home would be in a hurry.
DEFAULTS = {"heartbeat_s": 300, "settle_ms": 10000}


def write_settings(home: Home, plan: Plan) -> Path:
    """The board's own file: the agent's settings and those of the storm."""
    settings = json.loads(home.config_file.read_text())
    settings |= {
        "hours": plan.hours,
        "slow": SLOW,
        "fast": FAST,
        "sample_s": max(1, int(plan.hours * 3600 / plan.samples)),
        "seed": plan.seed,
        "leak": plan.leak,
    }
    path = home.path / "storm.json"
    path.write_text(json.dumps(settings))
    return path


async def live(
    course: Course,
    settings: Path,
    proxy: TormentingProxy,
    watch: Callable[[dict], None],
) -> None:
    """Run the board until it ends; the storm is over when it says so."""
    process = await asyncio.create_subprocess_exec(
        find_interpreter(),
        *("-X", HEAP, str(MAIN), str(settings)),
        env=dict(board_environment(settings.parents[1] / "mpy")),
        stdin=PIPE,
        stdout=PIPE,
        stderr=STDOUT,
    )
    try:
        async for line in process.stdout:
            try:
                event = json.loads(line)
            except ValueError:
                course.words.append(line.decode(errors="replace").rstrip())
                continue
            course.events.append(event)
            if event["event"] == "calm":
                proxy.calm()
            watch(event)
    finally:
        if process.returncode is None:
            process.kill()
        await drained(process)


def name_of(raw: bytes) -> str:
    """A record's bytes as agent_main tells them: sha256(raw)[:16]."""
    return sha256(raw).hexdigest()[:32]


def read_store(folder: Path, device: str) -> tuple[dict, int]:
    """{(inc, boot, seq): (type, hash)} of a device, and how many ids collided; read-only."""
    with sqlite3.connect(f"file:{folder / 'receiver.db'}?mode=ro", uri=True) as base:
        rows = base.execute(
            "SELECT inc, boot, seq, rtype, raw FROM record WHERE device = ?", (device,)
        )
        stored = {(inc, boot, seq): (rtype, name_of(raw)) for inc, boot, seq, rtype, raw in rows}
        (collisions,) = base.execute(
            "SELECT count(*) FROM security_event WHERE device = ?", (device,)
        ).fetchone()
    base.close()
    return stored, collisions
