"""What runs on the emulated Pico: the agent with a washer whose physics runs beside it.

Prints one JSON object a line for each event of the agent, as the simulator does.
"""

import asyncio
import gc
import json
import sys
from binascii import a2b_base64, b2a_base64

from phonehome import Agent
from phonehome.core.errors import LinkError
from phonehome_sim.models.washer import Washer

_STEP_S = 0.1
_FLUSH_MS = 100


class SerialLink:
    """Reports as lines `PH:base64` on the console, answers as lines of base64."""

    acks_later = False
    is_open = False
    reconnects = -1

    def __init__(self, on_message, is_plugged):
        self._on_message = on_message
        self._is_plugged = is_plugged

    async def open(self):
        """Fails while nobody listens at the other end."""
        if not self._is_plugged:
            raise LinkError("connect", "nobody listens on the serial line")
        self.is_open = True

    async def send(self, view):
        """Hand a report over and hear the answer."""
        print("PH:" + b2a_base64(view).decode().strip())
        self._on_message(a2b_base64(sys.stdin.readline()))

    async def close(self):
        """Nothing to close."""
        self.is_open = False


class Washing:
    """A washer with one fault, and the agent that watches it."""

    def __init__(self, fault, link=None):
        self._heard = []
        self._reads = 0
        self.agent = Agent("/product.ph", "/phonehome.json", on_event=self.tell, link=link)
        if link:  # reads a line: a loop that waits for a host, whose time is not the board's
            self.agent.config.watchdog_ms = 0
        self._model = Washer(1)
        if fault:
            self._model.inject(fault)
        for channel in self.agent.product.channels:
            self.agent.sensor(channel.name, self._reader(channel.name))

    async def until(self, name, **facts):
        """Wash until the agent tells of this event."""
        wanted = (name, facts)
        while not any(self._fits(event, wanted) for event in self._heard):
            self._model.step(self.agent.uptime.now_ms())
            await asyncio.sleep(_STEP_S)

    async def until_empty(self):
        """Wash until everything is acknowledged."""
        while self.agent.outbox.depth:
            self._model.step(self.agent.uptime.now_ms())
            await asyncio.sleep(_STEP_S)

    def tell_state(self):
        """The counts that a host checks."""
        gc.collect()
        self.tell(
            "state",
            boot=next(facts["boot"] for name, facts in self._heard if name == "boot"),
            depth=self.agent.outbox.depth,
            dropped=self.agent.outbox.dropped,
            heap_free=gc.mem_free(),
            reads=self._reads,
        )

    def _reader(self, name):
        def read():
            self._reads += 1
            return self._model.read(name)

        return read

    def _fits(self, event, wanted):
        name, facts = wanted
        return event[0] == name and all(event[1].get(key) == facts[key] for key in facts)

    def tell(self, name, **facts):
        """Remember an event and print it."""
        self._heard.append((name, facts))
        print(json.dumps(dict(facts, event=name)))


def wash_unplugged(fault, code):
    """Run with no way out until the fault is confirmed, then lose power in mid-life."""

    async def live():
        washing = Washing(fault, lambda hear: SerialLink(hear, is_plugged=False))
        await washing.agent.start()
        await washing.until("transition", code=code, kind=0)
        washing.tell_state()

    asyncio.run(live())
    reset()


def wash_offline(fault):
    """Run with no way out, for ever; whoever is on the cable can ask the console."""

    async def live():
        washing = Washing(fault, lambda hear: SerialLink(hear, is_plugged=False))
        await washing.agent.start()
        await washing.until("never")

    asyncio.run(live())


def hand_over():
    """Boot with somebody on the line and hand over what waits; then end cleanly."""

    async def live():
        washing = Washing(None, lambda hear: SerialLink(hear, is_plugged=True))
        waiting = washing.agent.outbox.depth
        await washing.agent.start()
        await washing.until("acked")
        await washing.until_empty()
        washing.tell_state()
        await washing.agent.stop()
        washing.tell("end", waited=waiting)

    asyncio.run(live())


def wash_connected(fault, code):
    """Run with the network of phonehome.json until the fault is confirmed and acknowledged."""

    async def live():
        washing = Washing(fault)
        await washing.agent.start()
        await washing.until("transition", code=code, kind=0)
        await washing.until_empty()
        washing.tell_state()
        await washing.agent.stop()

    asyncio.run(live())


def be_refused():
    """Run until talking to the receiver has failed once."""

    async def live():
        washing = Washing(None)
        await washing.agent.start()
        await washing.until("backoff")

    asyncio.run(live())


def reset():
    """What a commanded or crashed board does."""
    import time

    import machine

    print("reset")
    time.sleep_ms(_FLUSH_MS)  # the line is still on its way
    machine.reset()
