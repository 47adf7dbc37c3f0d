"""The real agent under CPython, a boot at a time; time, sensor, link and power are the test's."""

import asyncio
import random

from phonehome.agent import Agent
from phonehome.core.product import Product
from tests.fakes.board import DEVICE

DATA = "/data"
QUOTA_BYTES = 8192
TOGGLE_S = 70  # slower than chatter


class Reboot(BaseException):
    """The board resets; not an Exception, because nothing may catch it and go on."""


class Cells:
    """Retained memory: of a board that resets it survives, of one that lost power it does not."""

    room = 125

    def __init__(self, data=b"", note=None):
        self._data = data
        self._note = note

    def read(self):
        return self._data

    def write(self, data):
        self._data = bytes(data)
        if self._note:
            self._note(self._data)


class HostBoard:
    """What the agent asks of its hardware."""

    can_reboot = True
    memory = None

    def __init__(self, cells, seed):
        self._cells = cells
        self.random_bytes = random.Random(seed).randbytes

    def ticks(self):
        return 0

    def elapsed(self, later, earlier):
        return later - earlier

    def platform(self):
        return "bench"

    def reset_cause(self):
        return 1  # power-on

    def set_clock(self, unix_ms):
        pass

    def make_retained(self, folder):
        return self._cells

    def make_watchdog(self, timeout_ms):
        return None  # time stands still here

    def make_terminal(self, is_wanted):
        return None

    def heap_free(self):
        return 100_000

    heap_left = heap_largest = heap_free

    def print_exception(self, error, stream=None):
        if stream is not None:
            stream.write(f"{type(error).__name__}: {error}\n")

    def reboot(self):
        raise Reboot


class NoLink:
    """No way out: the story carries the reports itself."""

    acks_later = False
    is_open = False
    reconnects = 0

    async def open(self):
        raise AssertionError("nobody sends")

    async def close(self):
        pass


class Life:
    """One boot of the agent on a mounted file system; `story` is told what it did."""

    def __init__(self, files, key, story, cells=None, seed=1):
        self.files = files
        self.story = story
        self.at_ms = 0
        self.level = 0
        product = Product("tank", freeze_period_ms=1000, freeze_samples=8)
        product.sensor("level", "mm", 0, 1000)
        for index in range(3):
            spn, limit = 520192 + index, 100 + index
            product.fault(f"E{index}", spn, 0, "error", "range", "level", high=limit)
        self.agent = Agent(
            product,
            {
                "device": DEVICE.hex(),
                "server": "http://127.0.0.1:1",
                "insecure": True,
                "key": key,
                "data": DATA,
                "outbox_bytes": QUOTA_BYTES,
            },
            board=HostBoard(cells or Cells(), seed),
            uptime=self,
            link=lambda _hear: NoLink(),
        )
        self.agent.sensor("level", lambda: self.level)
        self.reporter = self.agent._reporter
        self._loop = asyncio.new_event_loop()
        story.watch(self)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def now_ms(self):
        return self.at_ms

    def start(self):
        """Everything up to the first sample."""
        self._loop.run_until_complete(self.agent.start())

    def end(self):
        """Power off."""
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    def stop(self):
        """End cleanly."""
        self._loop.run_until_complete(self.agent.stop())

    def run(self, seconds, level=None):
        """Sample for a while."""
        self.level = self.level if level is None else level
        for _ in range(seconds):
            self.at_ms += 1000
            self.agent.step(self.at_ms)

    def toggle(self, times):
        """All faults come and go."""
        for _ in range(times):
            self.run(TOGGLE_S, 200)
            self.run(TOGGLE_S, 0)

    def report(self, refuse=()):
        """One report to the desk and its ack back; False when there was nothing to say."""
        desk = self.story.desk
        view = self.reporter.compose(self.at_ms)
        if view is None:
            return False
        report = desk.take(bytes(view))
        desk.refuse = {(r.boot, r.seq): 1 for r in report.records[:1]} if refuse else {}
        self.story.acked(self, report)
        self.reporter.hear(desk.ack(report), self.at_ms + 20)
        return True

    def drain(self):
        """Report until nothing is left."""
        for _ in range(200):
            if not self.report():
                return
        raise AssertionError("the queue does not empty")
