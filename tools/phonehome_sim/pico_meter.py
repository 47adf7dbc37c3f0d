"""What `bench pico` runs on the emulated board: the agent with plain readers, and its heap.

Prints lines `NAME VALUE` (bytes and microseconds) between the firmware's own pictures of the heap.
A name stays on the heap for good and would count as the agent's, so there are few here that the
agent or the firmware has not, and figures have more than the ten letters that make a text a name.
"""

import asyncio
import gc
import sys
import time

import micropython
from micropython import const
from unlinked import tell

_LOOK_MS = const(250)
_CALM = const(20)
_HOT = const(90)
_DEEP = "len(str([0, (0, 0), {0: 0}]))"


def alive():
    """Bytes in use once the garbage is gone.

    The collector takes any word on the stack for a reference. What earlier calls left there, where
    nobody reads it any more, would keep whole modules that were dropped: the compiler, which goes
    deep, writes over it.
    """
    eval(_DEEP)  # noqa: S307  # a constant
    gc.collect()
    gc.collect()
    return gc.mem_alloc()


class Dial:
    """What every sensor reads."""

    def __init__(self):
        self.value = _CALM
        self.step = False

    def read(self):
        """The value, with enough noise not to be stuck."""
        self.step = not self.step
        return self.value + self.step


def load():
    """Import the agent and tell what that costs."""
    tell("heap_free_bare", gc.mem_free())
    bare = alive()
    start = time.ticks_us()
    import phonehome

    agent_class = phonehome.Agent
    spent = time.ticks_diff(time.ticks_us(), start)
    tell("import_took_us", spent)
    tell("heap_imported", alive() - bare)
    tell("heap_of_the_bare", bare)
    return agent_class


def build(agent, dial, **parts):
    """An agent of this class with every sensor on one dial."""
    agent = agent("/product.ph", "/phonehome.json", **parts)
    for channel in agent.product.channels:
        agent.sensor(channel.name, dial.read)
    return agent


def measure(span_ms, **parts):
    """Heap while the agent runs by itself, a fault comes and goes, and reports leave or wait."""
    agent_class = load()
    before = alive()
    dial = Dial()
    agent = build(agent_class, dial, on_event=hear, **parts)
    tell("heap_once_built", alive() - before)
    asyncio.run(watch(agent, dial, span_ms))
    tell("records_waiting", agent.outbox.depth)
    for name in sorted(sys.modules):
        print("module_loaded", name)


def hear(name, **_facts):
    """Tell the heap while the agent has something loaded to say or to hear with."""
    if name in ("transition", "sent", "acked"):
        tell("heap_speaking", alive())


async def watch(agent, dial, span_ms):
    """Run and look at the heap four times a second."""
    await agent.start()
    now_ms = 0
    while now_ms < span_ms:
        now_ms = agent.uptime.now_ms()
        dial.value = _HOT if span_ms < 3 * now_ms < 2 * span_ms else _CALM
        tell("heap_running", alive())
        micropython.mem_info()
        await asyncio.sleep_ms(_LOOK_MS)
    await agent.stop()
