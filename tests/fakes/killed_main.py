"""What a board runs that is killed again and again: main.py SETTINGS.json LIFE DEATH.

Tells on stdout, an event a line and each line in one write: `storing` before and `stored` after a
record went into the outbox, `dropped` what was given up, and `acked`. LIFE numbers the boots, so
that each has faults and crashes of its own: a fault that was seen before would be silenced as
chatter. DEATH is how it crashes beside being killed: "" not at all, "task" in the developer's
coroutine, "start" where only the black box is left; a "hasty" one deletes before the ack.
"""

import asyncio
import json
import os
import sys
import time

import phonehome
from phonehome.core.recordhead import read_head

CHATTER_MS = 24
FAULTS = 3
SPNS = 1 << 17


def tell(name, **facts):
    """Print an event; in one write, so that a killed board leaves whole lines."""
    facts["event"] = name
    sys.stdout.write(json.dumps(facts) + "\n")


def make_product(life):
    """One sensor that is a square wave, and faults that no other life has."""
    product = phonehome.Product("bench", freeze_period_ms=20, freeze_samples=8)
    product.sensor("flow", "L/min", -1, 4)
    for index in range(FAULTS):
        spn = 200000 + (FAULTS * life + index) % SPNS
        product.fault(f"E{index}", spn, 18, "error", "range", "flow", low=5, on_delay_ms=4 * index)
    return product


def watch_outbox(agent):
    """Tell of each record before and after it is stored."""
    waiting = agent.outbox
    open_outbox = waiting.open

    def spy_open():
        outbox = open_outbox()
        append = type(outbox).append

        def spy(record, is_urgent=False):
            rtype, boot, seq = read_head(record)
            facts = {"inc": outbox.inc.hex(), "boot": boot, "seq": seq, "rtype": rtype}
            tell("storing", **facts)
            is_stored = append(outbox, record, is_urgent)
            if is_stored:
                tell("stored", **facts)
            return is_stored

        outbox.append = spy
        return outbox

    waiting.open = spy_open


def be_hasty(agent):
    """Delete what is sent before anybody has said that it is stored."""
    compose = agent._reporter.compose

    def spy(now_ms):
        report = compose(now_ms)
        in_flight = agent._reporter.in_flight
        if report is not None:
            report = bytes(report)
            agent.outbox.open().remove(in_flight.inc, list(in_flight.ids))
        return report

    agent._reporter.compose = spy


async def live(death, life):
    """The developer's own coroutine."""
    await asyncio.sleep(0.03 if death == "task" else 3600)
    raise type(f"Life{life}", (Exception,), {})("task")


def wreck(life):
    """Fail where nothing of the agent runs yet."""
    raise type(f"Life{life}", (Exception,), {})("start")


def draw_little(size):
    """A random number below 256: a life is shorter than the first back-off."""
    return os.urandom(1) + bytes(size - 1)


def main():
    """Live until killed."""
    with open(sys.argv[1]) as file:
        settings = json.load(file)
    life, death = int(sys.argv[2]), sys.argv[3]
    agent = phonehome.Agent(make_product(life), settings, on_event=tell)
    agent.board.random_bytes = draw_little
    agent.sensor("flow", lambda: 2.0 if time.ticks_ms() // CHATTER_MS % 2 else 8.0)
    watch_outbox(agent)
    if death == "hasty":
        be_hasty(agent)
    if death == "start":
        agent.board.set_clock = lambda _: wreck(life)
    agent.run(live(death, life))


main()
