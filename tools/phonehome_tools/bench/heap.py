"""Heap of the agent beyond the bare unix MicroPython: imported, built, and running the washer.

The 64-bit build's objects are twice as large as a board's, so a board needs about half of each
figure. What is loaded is what boards load: the linked .mpy files.
"""

import asyncio
import json
import tempfile
from pathlib import Path

from phonehome_tools.bench.figures import Figure
from phonehome_tools.fleet.board import model_source
from phonehome_tools.fleet.catalog import find_product
from phonehome_tools.fleet.children import Children, run_until_done
from phonehome_tools.fleet.errors import ChildError
from phonehome_tools.fleet.home import Home, Link
from phonehome_tools.fleet.interpreter import (
    BOARD_HEAP,
    board_environment,
    find_interpreter,
    folder_of,
)
from phonehome_tools.fleet.receiver import Receiver
from phonehome_tools.fleet.rooms import compile_rooms

PRODUCT = "washer"
# A leak comes and goes while the machine fills: pending, confirmed, healed, with freeze frames.
FAULT = ("leak", 3000, 7000)
DURATION_MS = 15_000
WITHIN_S = 60.0
GOAL_KB = 80


def measure() -> list[Figure]:
    """What is alive after a collection, over each transport."""
    return run_until_done(measure_heap())


async def measure_heap() -> list[Figure]:
    """Run the probe against a receiver of its own."""
    with tempfile.TemporaryDirectory(prefix="phonehome-bench-") as folder:
        async with Children() as children:
            receiver = Receiver(Path(folder) / "receiver", children)
            await receiver.start()
            compiled = Path(folder) / "mpy"
            compile_rooms(compiled)
            figures = []
            for name, link in (("HTTP", receiver.http), ("MQTT", receiver.mqtt)):
                home = await make_home(receiver, Path(folder) / name, Link(link))
                figures += figures_of(name, await probe(home, children, compiled))
            return figures


async def make_home(receiver: Receiver, folder: Path, link: Link) -> Home:
    """A registered washer."""
    home = Home(folder)
    async with receiver.desk() as desk:
        await home.register(desk, PRODUCT, "heap")
    home.write_config(link, settle_ms=500, heartbeat_s=2)
    home.product_file.write_bytes(find_product(PRODUCT).device_half)
    return home


async def probe(home: Home, children: Children, compiled: Path) -> dict[str, int]:
    """Bytes by name, as the probe prints them."""
    setup = {
        "config": str(home.config_file),
        "product": str(home.product_file),
        "source": model_source(PRODUCT, 1),
        "fault": FAULT,
        "duration_ms": DURATION_MS,
    }
    home.setup_file.write_text(json.dumps(setup))
    script = str(folder_of("phonehome_sim") / "heap_probe.py")
    argv = [find_interpreter(), "-X", f"heapsize={BOARD_HEAP}", script, str(home.setup_file)]
    environment = board_environment(compiled)
    process = await children.start(argv, environment, asyncio.subprocess.STDOUT)
    async with asyncio.timeout(WITHIN_S):
        output, _ = await process.communicate()
    try:
        found = json.loads(output.splitlines()[-1])
    except (ValueError, IndexError):
        raise ChildError(f"the heap probe failed: {output.decode(errors='replace')}") from None
    if found["waiting"]:
        raise ChildError(f"{found['waiting']} records were not acknowledged: nothing to measure")
    return dict(found)


def figures_of(name: str, found: dict[str, int]) -> list[Figure]:
    """The figures of one transport in KB; the running agent is held to the goal."""
    texts = {
        "imported": "heap beyond the bare interpreter, imported",
        "built": "heap beyond the bare interpreter, agent built",
        "running": "heap beyond the bare interpreter, running the washer",
        "largest": f"largest free block of {BOARD_HEAP}, running the washer",
    }
    return [
        Figure(
            f"{text}, {name}",
            round(found[key] / 1024, 1),
            "KB",
            GOAL_KB if key == "running" else None,
        )
        for key, text in texts.items()
    ]
