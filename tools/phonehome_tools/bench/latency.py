"""Latency: from the moment a device confirms a fault to the moment its ticket is in the API.

Real parts all the way: the device code under MicroPython, HTTP over loopback, the commit, the
digest, and a client that asks the desk API again and again.
"""

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from phonehome_tools.bench.figures import Figure
from phonehome_tools.fleet.board import Board, board_setup, model_source
from phonehome_tools.fleet.catalog import find_product
from phonehome_tools.fleet.children import Children, run_until_done
from phonehome_tools.fleet.desk import Desk
from phonehome_tools.fleet.errors import ChildError
from phonehome_tools.fleet.home import Home, Link
from phonehome_tools.fleet.receiver import Receiver

PRODUCT = "washer"
FAULT, CODE = "leak", "E80"
# Each is one device that boots, says hello, breaks and is seen by the desk.
ROUNDS = 7
ROUND_WITHIN_S = 60.0
ASK_EVERY_S = 0.005
GOAL_S = 1.0
SHOW_MS = 1000


def measure() -> list[Figure]:
    """Median and worst of some rounds over each transport."""
    return run_until_done(measure_latency())


async def measure_latency() -> list[Figure]:
    """Start a receiver and let one device after the other break."""
    with tempfile.TemporaryDirectory(prefix="phonehome-bench-") as folder:
        async with Children() as children:
            receiver = Receiver(Path(folder) / "receiver", children)
            await receiver.start()
            figures = []
            for name, link in (("HTTP", receiver.http), ("MQTT", receiver.mqtt)):
                stopwatch = Stopwatch(receiver, Path(folder) / name, Link(link), children)
                figures += await stopwatch.measure(name)
            return figures


class Stopwatch:
    """Measures one transport."""

    def __init__(self, receiver: Receiver, folder: Path, link: Link, children: Children) -> None:
        self._receiver = receiver
        self._folder = folder
        self._link = link
        self._children = children

    async def measure(self, name: str) -> list[Figure]:
        """The figures of several rounds."""
        async with self._receiver.desk() as desk:
            seconds = [await self._round(desk, number) for number in range(ROUNDS)]
        what = f"confirmed to ticket visible, {name}"
        return [
            Figure(what, statistics.median(seconds), "s", GOAL_S),
            Figure(f"{what}, worst", max(seconds), "s"),
        ]

    async def _round(self, desk: Desk, number: int) -> float:
        board = await self._start_board(desk, number)
        try:
            async with asyncio.timeout(ROUND_WITHIN_S):
                return await self._break_and_watch(desk, board)
        except TimeoutError:
            raise ChildError(f"no ticket for {CODE} within {ROUND_WITHIN_S:.0f} s") from None
        finally:
            await board.stop()

    async def _break_and_watch(self, desk: Desk, board: Board) -> float:
        confirmed_at_s = 0.0
        async for event in board.events():
            if event.name == "acked" and not confirmed_at_s:
                await board.say(fault=FAULT, on=True)
            if event.name == "transition" and event.facts.get("kind") == "confirmed":
                confirmed_at_s = event.read_at_s
                break
        while not await desk.tickets(board.home.device):  # noqa: ASYNC110 - it has no events
            await asyncio.sleep(ASK_EVERY_S)
        return time.monotonic() - confirmed_at_s

    async def _start_board(self, desk: Desk, number: int) -> Board:
        entry = find_product(PRODUCT)
        home = Home(self._folder / str(number))
        await home.register(desk, PRODUCT, f"latency-{number}")
        home.write_config(self._link)
        home.product_file.write_bytes(entry.device_half)
        board = Board(f"{PRODUCT}-{number}", home, self._children)
        await board.start(board_setup(home, model_source(PRODUCT, number), SHOW_MS))
        return board
