"""What a board runs that is killed again and again: main.py SETTINGS.json LIFE DEATH.

Tells on stdout, an event a line and each line in one write: `storing` before and `stored` after a
record went into the outbox, `dropped` what was given up, and `acked`. LIFE numbers the boots, so
that each has faults and crashes of its own: a fault that was seen before would be silenced as
chatter. DEATH is how it crashes beside being killed: "" not at all, "task" in the developer's
coroutine, "start" where only the black box is left; a "hasty" one deletes before the ack. A
"steady" one has a sensor that fails for four lives and is well for four, and the same faults in
those eight; "between" is as steady and ends itself behind the record of each transition.
"""

import asyncio
import json
import os
import sys
import time

import phonehome
from phonehome.core.recordhead import read_head

RTYPE_FAULT = 3
CHATTER_MS = 24
FAULTS = 3
SPNS = 1 << 17
STEADY = ("steady", "between")
LIVES = 8  # in which a steady board has the same faults


def tell(name, **facts):
    """Print an event; in one write, so that a killed board leaves whole lines."""
    facts["event"] = name
    sys.stdout.write(json.dumps(facts) + "\n")


def make_product(number, delay_ms):
    """One sensor, and the faults of this number, each with this delay more than the one before."""
    product = phonehome.Product("bench", freeze_period_ms=20, freeze_samples=8)
    product.sensor("flow", "L/min", -1, 4)
    for index in range(FAULTS):
        spn = 200000 + (FAULTS * number + index) % SPNS
        delays = {"on_delay_ms": delay_ms * index}
        product.fault(f"E{index}", spn, 18, "error", "range", "flow", low=5, **delays)
    return product


def watch_outbox(agent, ends):
    """Tell of each record before and after it is stored; `ends`: end there when it is a fault."""
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
            if is_stored and ends and rtype == RTYPE_FAULT:
                sys.exit(1)
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
    number = life // LIVES if death in STEADY else life
    product = make_product(number, 0 if death == "between" else 4)
    agent = phonehome.Agent(product, settings, on_event=tell)
    agent.board.random_bytes = draw_little
    fails = life % LIVES < LIVES // 2
    if death in STEADY:
        agent.sensor("flow", lambda: 2.0 if fails else 8.0)
    else:
        agent.sensor("flow", lambda: 2.0 if time.ticks_ms() // CHATTER_MS % 2 else 8.0)
    watch_outbox(agent, ends=death == "between")
    if death == "hasty":
        be_hasty(agent)
    if death == "start":
        agent.board.set_clock = lambda _: wreck(life)
    agent.run(live(death, life))


main()
