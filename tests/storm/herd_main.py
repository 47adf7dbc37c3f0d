"""Many agents in one process, under MicroPython: herd_main.py SETTINGS.json.

It prints "ready", and a line for each call that failed.

They get their power together, at the first line on standard input, and lose it at its end. With
`still` all of them draw the same numbers, as if nothing were random.
"""

import asyncio
import json
import sys

import phonehome
from phonehome.core import ondemand
from phonehome.ports.board import Board

# All of them share one interpreter: what one agent drops, the next one needs at once.
ondemand.rest = lambda: None


def draw_the_same(size):
    """What every agent of a still herd draws: the middle."""
    return b"\x80" * size


def tell(event, **facts):
    """Say why a call failed."""
    if event == "backoff":
        print(facts["phase"] + ": " + facts["detail"])


def make_agent(settings, is_still):
    """One agent with one sensor that is always well."""
    product = phonehome.Product("bench", freeze_period_ms=60000, freeze_samples=4)
    product.sensor("flow", "L/min", -1, 60000)
    board = Board()
    if is_still:
        board.random_bytes = draw_the_same
    agent = phonehome.Agent(product, settings, board=board, on_event=tell)
    agent.sensor("flow", lambda: 8.0)
    return agent


async def live(agents):
    """Power on together; live until nobody holds the other end of standard input."""
    console = asyncio.StreamReader(sys.stdin)
    print("ready")
    await console.readline()
    for agent in agents:
        await agent.start()
    await console.readline()


def main():
    """Make the agents that the settings list."""
    with open(sys.argv[1]) as file:
        settings = json.load(file)
    agents = [make_agent(each, settings["still"]) for each in settings["agents"]]
    asyncio.run(live(agents))


main()
