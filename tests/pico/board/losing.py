"""What runs on the emulated Pico whose power goes: the agent on flash that stops at a change.

Prints one JSON object a line: what waits at the start, every record that was stored or deleted.
"""

import asyncio
import json
import os
import time

import machine
import rp2
import vfs

from phonehome import Agent, Product
from phonehome.core.recordhead import read_head

_ERASE = 6  # the block protocol's
_FLUSH_MS = 100


class LosingFlash:
    """The board's flash before change number `at`; of a torn one the first half is made."""

    def __init__(self, at, is_torn):
        self._flash = rp2.Flash()
        self._left = at
        self._is_torn = is_torn

    def readblocks(self, block, buf, off=0):
        """As the flash does."""
        return self._flash.readblocks(block, buf, off)

    def writeblocks(self, block, buf, off=0):
        """Program, or lose power."""
        if self._is_last():
            if self._is_torn:
                torn = bytearray(buf)
                for i in range(len(torn) // 2, len(torn)):
                    torn[i] = 0xFF  # as an erased byte is
                self._flash.writeblocks(block, torn, off)
            lose_power()
        return self._flash.writeblocks(block, buf, off)

    def ioctl(self, request, argument):
        """Erase, or lose power; the rest as the flash does."""
        if request == _ERASE and self._is_last():
            lose_power()
        return self._flash.ioctl(request, argument)

    def _is_last(self):
        self._left -= 1
        return self._left < 0


def lose_power():
    """End here: nothing after this reaches the flash."""
    print("reset")
    time.sleep_ms(_FLUSH_MS)  # the line is still on its way
    machine.reset()


class NoLink:
    """No way out."""

    acks_later = False
    is_open = False
    reconnects = 0

    def __init__(self, hear):
        pass


class Clock:
    """The uptime that the test drives."""

    at_ms = 0

    def now_ms(self):
        """Milliseconds since the boot."""
        return self.at_ms


def tell(name, **facts):
    """Print an event."""
    facts["event"] = name
    print(json.dumps(facts))


def tell_waiting(outbox):
    """Tell what waits: [incarnation, boot, seq] of each."""
    inc, records = outbox.batch(200, 100_000)
    heads = [read_head(record) for record in records]
    tell("waiting", ids=[[inc.hex(), boot, seq] for _, boot, seq in heads], drops=outbox.drops)


def watch(waiting):
    """Tell of each record when it is stored."""
    open_outbox = waiting.open

    def spy_open():
        outbox = open_outbox()
        append = type(outbox).append

        def spy(record, is_urgent=False):
            is_stored = append(outbox, record, is_urgent)
            _, boot, seq = read_head(record)
            if is_stored:
                tell("stored", id=[outbox.inc.hex(), boot, seq])
            return is_stored

        outbox.append = spy
        return outbox

    waiting.open = spy_open


def delete(outbox):
    """Delete the oldest two, as an ack does."""
    inc, records = outbox.batch(2, 2000)
    ids = [read_head(record)[1:] for record in records]
    tell("deleting", ids=[[inc.hex(), boot, seq] for boot, seq in ids])
    outbox.remove(inc, ids)


def live(at, is_torn):
    """Boot, tell what waits, and have faults come and go until the power does."""
    os.umount("/")
    vfs.mount(vfs.VfsLfs2(LosingFlash(at, is_torn), progsize=256), "/")
    product, clock, level = Product("tank"), Clock(), [0]
    product.sensor("level", "mm", 0, 1000)
    product.fault("E1", 520192, 0, "error", "range", "level", high=90)
    agent = Agent(product, "/phonehome.json", uptime=clock, link=NoLink)
    agent.sensor("level", lambda: level[0])
    tell_waiting(agent.outbox.open())
    watch(agent.outbox)
    asyncio.run(agent.start())
    tell("begun", boot=agent._session.boot)
    while True:
        level[0] = 100 - level[0]
        for _ in range(70):  # slower than chatter
            clock.at_ms += 1000
            agent.step(clock.at_ms)
        agent._keep()
        if agent.outbox.depth > 6:
            delete(agent.outbox.open())


def look():
    """What is left, with no more power cuts."""
    agent = Agent(Product("tank"), "/phonehome.json", uptime=Clock(), link=NoLink)
    tell_waiting(agent.outbox.open())
