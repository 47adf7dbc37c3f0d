"""What a test's board runs under MicroPython: main.py SETTINGS.json; prints an event a line.

Beside the agent's own settings: `flow` is a file from which the sensor reads its value,
`chatter_ms` makes the value change by itself, `fail` raises in the developer's coroutine,
`hoard` takes all memory there is and keeps ("kept") or loses ("lost") it, `task` raises in a task
that nobody awaits, `wreck` raises in the agent's start, `stop_after_ms` ends cleanly. With `dog`
it is a board: it resets, and the test is its watchdog; `stick` then is a task that checks in twice
and hangs, `quit` ends the program without a word, `dislikes` does so under this `gather_ms`,
`reset` is what the firmware says of the start.
"""

import asyncio
import json
import os
import sys
import time

import phonehome
from tests.fakes.dog import DogBoard, tell

OWN = (
    "fail",
    "hoard",
    "hoard_after_s",
    "task",
    "wreck",
    "stop_after_ms",
    "stick",
    "quit",
    "dislikes",
)


def wreck():
    """Fail where nothing of the agent runs yet."""
    raise RuntimeError("wrecked")


def make_reader(settings):
    """The sensor: a file that the test writes, or a square wave."""
    path, chatter_ms = settings.pop("flow", None), settings.pop("chatter_ms", 0)

    def read_file():
        with open(path) as file:
            return float(file.read())

    def chatter():
        return 2.0 if time.ticks_ms() // chatter_ms % 2 else 8.0

    return chatter if chatter_ms else read_file


def draw_little(size):
    """A random number below 2048: a test shall not wait for a long back-off."""
    low, high = os.urandom(2)
    return bytes([low, high & 7]) + bytes(size - 2)


hoarded = [None]
LEFT_BYTES = 4096


def hoard(is_kept):
    """Fill the heap but for what a computer needs to end a program and write a file, and fail.

    A chain, because a list would want to grow in one piece.
    """
    left, chain = bytearray(LEFT_BYTES), None
    size = 65536
    while True:
        try:
            chain = (bytearray(size), chain)
            if is_kept:
                hoarded[0] = chain
        except MemoryError:
            if size <= 32:
                left = None  # noqa: F841
                raise
            size //= 2


async def fail_later(message):
    """A task of the developer's that ends badly."""
    await asyncio.sleep(0)
    raise ValueError(message)


async def stick(check):
    """A task of the developer's that hangs."""
    for _ in range(2):
        check.feed()
        await asyncio.sleep(0.2)
    await asyncio.Event().wait()  # never set


async def live(agent, settings):
    """The developer's own coroutine."""
    log = agent.getLogger("live")
    log.info("alive %s", "and well")
    if settings["hoard"]:
        await asyncio.sleep(settings["hoard_after_s"] or 0)
        hoard(settings["hoard"] == "kept")
    if settings["task"]:
        hoarded.append(asyncio.create_task(fail_later(settings["task"])))
    if settings["dislikes"] == agent.config.gather_ms:
        settings["quit"] = 50
    if settings["quit"]:
        await asyncio.sleep(settings["quit"] / 1000)
        sys.exit(1)
    if settings["stick"]:
        await stick(agent.watch(settings["stick"], 300))
    if settings["fail"]:
        raise RuntimeError(settings["fail"])
    if settings["stop_after_ms"]:
        await asyncio.sleep(settings["stop_after_ms"] / 1000)
        await agent.stop()
        sys.exit(0)


def main():
    """Ten lines of a developer, and what a test needs."""
    with open(sys.argv[1]) as file:
        settings = json.load(file)
    own = {key: settings.pop(key, None) for key in OWN}
    board = DogBoard(settings.pop("reset", 0)) if settings.pop("dog", False) else None
    reader = make_reader(settings)
    product = phonehome.Product("bench", freeze_period_ms=20, freeze_samples=8)
    product.sensor("flow", "L/min", -1, 20)
    product.fault(
        "E21", 520201, 18, "critical", "range", "flow", low=5, on_delay_ms=40, urgent=True
    )
    agent = phonehome.Agent(product, settings, board=board, on_event=tell)
    agent.board.random_bytes = draw_little
    agent.sensor("flow", reader)
    agent.command(128, lambda args: args[0] * 2)
    agent.command(130, lambda args: agent.service(args[0]))
    if own["wreck"]:
        agent.board.set_clock = lambda _: wreck()
    agent.run(live(agent, own))


main()
