"""The tormented board, under MicroPython: agent_main.py SETTINGS.json; prints an event a line.

Beside the agent's own settings: `hours` of its time to live, `slow` and `fast` paces, `sample_s`
between two looks at the heap, `seed` of its faults, `leak` bytes that each report loses.
"""

import asyncio
import gc
import hashlib
import json
import os
import sys

sys.path.append(__file__.rsplit("/", 3)[0])

import phonehome
from phonehome.core.recordhead import read_head
from phonehome.ports import stream
from phonehome.ports.board import Board
from phonehome_sim.noise import Noise
from tests.storm.warp import Warp, watched

OWN = ("hours", "slow", "fast", "sample_s", "seed", "leak")
# A link that waits longer than this for input expects nothing: deadlines are shorter.
LISTENING_S = 20
WELL, BROKEN = 8.0, 2.0
# A state of the appliance lasts so long: two changes of a fault in 20 minutes, far from chatter.
LEAST_S, SPREAD_S = 300, 600
CRASH_EVERY_S = 10800
DELIVERED_WITHIN_S = 7200
LOOK_S = 5


class Appliance:
    """One flow that breaks and mends by a seed; `calm` mends it for good."""

    def __init__(self, seed, uptime_ms):
        self._noise = Noise(seed)
        self._uptime_ms = uptime_ms
        self._changes_at_ms = 0
        self._flow = BROKEN
        self.is_calm = False

    def read(self):
        """Litres a minute."""
        if self.is_calm:
            return WELL
        if self._uptime_ms() >= self._changes_at_ms:
            span_s = LEAST_S + self._noise.draw() % SPREAD_S
            self._changes_at_ms = self._uptime_ms() + span_s * 1000
            self._flow = WELL if self._flow == BROKEN else BROKEN
        return self._flow


class TormentedBoard:
    """One agent with its appliance, in warped time; it tells every record that it creates."""

    def __init__(self, settings, own):
        self._own = own
        self._leaked = []
        self._in_flight = False
        self.warp = Warp(own["slow"], own["fast"])
        self.warp.install()
        stream.Stream = watched(stream.Stream, self.warp, LISTENING_S)
        board = Board()
        board.ticks = self.warp.ticks_ms
        self.agent = phonehome.Agent(make_product(), settings, board=board, on_event=self.tell)
        self.appliance = Appliance(own["seed"], self.agent.uptime.now_ms)
        self.agent.sensor("flow", self.appliance.read)
        self._open = self.agent.outbox.open
        self.agent.outbox.open = self.open_outbox

    def tell(self, event, **facts):
        """Write one event, in one piece; note whether a report is under way."""
        if event == "sent":
            self._mark(True)
            if self._own["leak"]:
                self._leaked.append(bytearray(self._own["leak"]))
        elif event in ("acked", "backoff"):
            self._mark(False)
        facts["event"] = event
        facts["at_ms"] = self.agent.uptime.now_ms()
        sys.stdout.write(json.dumps(facts) + "\n")

    def open_outbox(self):
        """The outbox, with ears on what goes into it."""
        outbox = self._open()
        if not hasattr(outbox, "storm_append"):
            outbox.storm_append = outbox.append
            outbox.append = lambda *what: self._append(outbox, *what)
        return outbox

    def _append(self, outbox, record, *is_urgent):
        """Tell a record by its name and its hash, then store it."""
        rtype, boot, seq = read_head(record)
        digest = hashlib.sha256(record).digest()[:16].hex()
        self.tell("record", rtype=rtype, boot=boot, seq=seq, hash=digest)
        return outbox.storm_append(record, *is_urgent)

    async def live(self):
        """Break and mend for so many hours, then calm down and wait until all is delivered."""
        agent, hours = self.agent, self._own["hours"]
        await agent.start()
        watching = asyncio.create_task(self._watch())
        for span_s in spans(int(hours * 3600), CRASH_EVERY_S):
            await asyncio.sleep(span_s)
            agent.record_crash(RuntimeError("storm"))
        self.appliance.is_calm = True
        self.tell("calm", depth=agent.outbox.depth)
        calm_at_ms = agent.uptime.now_ms()
        for _ in range(DELIVERED_WITHIN_S // LOOK_S):
            await asyncio.sleep(LOOK_S)
            if not agent.outbox.depth:
                break
        watching.cancel()
        self.tell("delivered", depth=agent.outbox.depth, ms=agent.uptime.now_ms() - calm_at_ms)
        await agent.stop()
        self.tell("end")

    async def _watch(self):
        """Tell the heap, and how many files and sockets are open."""
        while True:
            gc.collect()
            gc.collect()
            held = gc.mem_alloc()
            open_files = sum(1 for _ in os.ilistdir("/proc/self/fd"))
            self.tell("heap", held=held, files=open_files, depth=self.agent.outbox.depth)
            await asyncio.sleep(self._own["sample_s"])

    def _mark(self, is_in_flight):
        """Slow down while an ack is awaited."""
        if is_in_flight != self._in_flight:
            self._in_flight = is_in_flight
            (self.warp.begin if is_in_flight else self.warp.end)()


def spans(total_s, part_s):
    """The parts of a time, the last one may be shorter."""
    while total_s > 0:
        yield min(total_s, part_s)
        total_s -= part_s


def make_product():
    """One sensor, one urgent fault."""
    product = phonehome.Product("bench", freeze_period_ms=1000, freeze_samples=8)
    product.sensor("flow", "L/min", -1, 1000)
    product.fault(
        "E21", 520201, 18, "critical", "range", "flow", low=5, on_delay_ms=2000, urgent=True
    )
    return product


def main():
    """Live by the settings."""
    with open(sys.argv[1]) as file:
        settings = json.load(file)
    own = {key: settings.pop(key, None) for key in OWN}
    asyncio.run(TormentedBoard(settings, own).live())


main()
