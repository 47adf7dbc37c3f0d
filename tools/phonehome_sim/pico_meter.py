"""What `bench pico` runs on the emulated board: the agent with plain readers, and its cost.

Prints lines `NAME VALUE` (bytes and microseconds) between the firmware's own pictures of the heap.
"""

import asyncio
import gc
import sys
import time

import micropython

_LOOK_MS = 250
_CALM = 20
_HOT = 90
_STEPS = 48
_PERIOD_MS = 250


def tell(name, value):
    """One figure."""
    print(name, value)


def alive():
    """Bytes in use once the garbage is gone."""
    gc.collect()
    gc.collect()
    return gc.mem_alloc()


class Dial:
    """What every sensor reads."""

    def __init__(self):
        self.number = _CALM
        self._is_odd = False

    def read(self):
        """The number, with enough noise not to be stuck."""
        self._is_odd = not self._is_odd
        return self.number + self._is_odd


class StoppedClock:
    """An uptime that stands until it is set."""

    def __init__(self):
        self.at_ms = 0

    def now_ms(self):
        """What was set."""
        return self.at_ms


class NoLink:
    """Nobody is at the other end."""

    acks_later = False
    is_open = False
    reconnects = -1

    def __init__(self, _on_message):
        pass

    async def open(self):
        """Fail as a link does."""
        from phonehome.core.errors import LinkError

        raise LinkError("connect", "nobody is there")

    async def close(self):
        """Nothing to close."""


def load():
    """Import the agent and tell what that costs."""
    tell("free_bare", gc.mem_free())
    bare = alive()
    start = time.ticks_us()
    import phonehome

    agent_class = phonehome.Agent
    spent = time.ticks_diff(time.ticks_us(), start)
    tell("import_us", spent)
    tell("imported", alive() - bare)
    tell("bare", bare)
    return agent_class


def make(agent_class, **parts):
    """An agent with every sensor on one dial."""
    dial = Dial()
    agent = agent_class("/product.ph", "/phonehome.json", **parts)
    for channel in agent.product.channels:
        agent.sensor(channel.name, dial.read)
    return agent, dial


def measure_running(duration_ms, is_connected):
    """Heap while the agent runs by itself, a fault comes and goes, and reports leave or wait."""
    agent_class = load()
    before = alive()
    parts = {} if is_connected else {"link": NoLink}
    agent, dial = make(agent_class, on_event=look_while_speaking, **parts)
    tell("built", alive() - before)
    asyncio.run(watch(agent, dial, duration_ms))
    tell("waiting", agent.outbox.depth)
    for name in sorted(sys.modules):
        print("module", name)


def look_while_speaking(name, **_facts):
    """Tell the heap while the agent has something loaded to say or to hear with."""
    if name in ("transition", "sent", "acked"):
        tell("speaking", alive())


async def watch(agent, dial, duration_ms):
    """Run and look at the heap four times a second."""
    await agent.start()
    now_ms = 0
    while now_ms < duration_ms:
        now_ms = agent.uptime.now_ms()
        dial.number = _HOT if duration_ms < 3 * now_ms < 2 * duration_ms else _CALM
        tell("running", alive())
        micropython.mem_info()
        await asyncio.sleep_ms(_LOOK_MS)
    await agent.stop()


def measure_steps():
    """Time of a step in which every sensor is sampled and every rule judged."""
    import phonehome

    clock = StoppedClock()
    agent, _ = make(phonehome.Agent, uptime=clock, link=NoLink)
    for step in range(_STEPS):
        clock.at_ms += _PERIOD_MS
        start = time.ticks_us()
        agent.step(clock.at_ms)
        spent = time.ticks_diff(time.ticks_us(), start)
        if step >= _STEPS // 2:
            tell("step_us", spent)
