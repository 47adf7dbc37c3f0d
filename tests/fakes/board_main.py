"""What a test's board runs under MicroPython: main.py SETTINGS.json; prints an event a line.

Beside the agent's own settings: `flow` is a file from which the sensor reads its value,
`chatter_ms` makes the value change by itself, `fail` raises in the developer's coroutine,
`stop_after_ms` ends cleanly.
"""

import asyncio
import json
import sys
import time

import phonehome


def make_reader(settings):
    """The sensor: a file that the test writes, or a square wave."""
    path, chatter_ms = settings.pop("flow", None), settings.pop("chatter_ms", 0)

    def read_file():
        with open(path) as file:
            return float(file.read())

    def chatter():
        return 2.0 if time.ticks_ms() // chatter_ms % 2 else 8.0

    return chatter if chatter_ms else read_file


def tell(name, **facts):
    """Print an event; in one write, so that a killed board leaves whole lines."""
    facts["event"] = name
    sys.stdout.write(json.dumps(facts) + "\n")


async def live(agent, settings):
    """The developer's own coroutine."""
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
    own = {key: settings.pop(key, None) for key in ("fail", "stop_after_ms")}
    reader = make_reader(settings)
    product = phonehome.Product("bench", freeze_period_ms=20, freeze_samples=8)
    product.sensor("flow", "L/min", -1, 20)
    product.fault(
        "E21", 520201, 18, "critical", "range", "flow", low=5, on_delay_ms=40, urgent=True
    )
    agent = phonehome.Agent(product, settings, on_event=tell)
    agent.sensor("flow", reader)
    agent.run(live(agent, own))


main()
