"""Any order of faults, visits, uploads, acks, resets, wipes and tampering: each record once.

The device's own code on this interpreter, the receiver's intake with its database; the wire and
the line between them are real, what happens when is hypothesis's.
"""

import asyncio
import tempfile
from contextlib import suppress
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phonehome.core.recordhead import read_head
from phonehome.core.reporting.carried import begin_tour, compose_next, hear_carried
from phonehome_cloud.store import schema
from phonehome_tools.courier.capture import Capture
from phonehome_wire.errors import WireError
from phonehome_wire.serial import MARK, closing_line, done_line, line_count, numbered_line
from tests.device.test_reporter import DEVICE, KEY, Pair, fault
from tests.fakes.store import StoreReceiver

STEPS = (
    "fault",
    "fault",
    "visit",
    "visit",
    "upload",
    "upload",
    "ack",
    "ack",
    "network",
    "lost",
    "reset",
    "wipe",
    "tamper report",
    "tamper ack",
)
TOURS = st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 2**20)), max_size=40)


class Who:
    """The device as the receiver registers it."""

    device, dev, key, epoch = DEVICE.hex(), DEVICE, KEY, 1


class World:
    """A device, a laptop and a receiver; every record that was ever made is remembered."""

    def __init__(self, receiver) -> None:
        self.receiver = receiver
        self.pair = Pair()
        self.now_ms = 1000
        self.carried: list[bytes] = []  # reports on the laptop
        self.acks: list[bytes] = []
        self.made = set()
        self.stored = set()

    async def take(self, step: str, draw: int) -> None:
        """One step; whatever it was, no record has vanished."""
        self.now_ms += 100
        await getattr(self, "_" + step.replace(" ", "_"))(draw)
        await self.check()

    async def check(self) -> None:
        """Each record is on the device, or committed, and committed only once."""
        here = self._waiting()
        self.made |= here
        rows = await self.receiver.rows(schema.record)
        self.stored = {(bytes.fromhex(row.inc), row.boot, row.seq) for row in rows}
        assert len(rows) == len(self.stored)
        assert self.made - here <= self.stored

    def _waiting(self) -> set:
        """(incarnation, boot, seq) of what waits on the device."""
        outbox = self.pair.outbox
        return {
            (run.inc, *read_head(record)[1:])
            for run in outbox._runs
            for record in outbox._records(run)
        }

    async def _fault(self, draw: int) -> None:
        self.pair.reporter.add_fault(fault(520192 + draw % 50), self.now_ms, draw % 2 == 0)

    async def _visit(self, draw: int) -> None:
        """An export, over lines that are spoiled now and then."""
        tour, capture, lines = begin_tour(self.pair.reporter, self.now_ms), Capture(), []
        while (view := compose_next(self.pair.reporter, tour, self.now_ms)) is not None:
            report = bytes(view)
            lines += [numbered_line(report, i + 1) for i in range(line_count(report))]
            lines.append(closing_line(report, is_signed=True))
        lines.append(done_line(tour.reports, tour.records))
        if draw % 3 == 0:
            del lines[draw % len(lines) :: 2 + draw % 5]
        elif draw % 3 == 1:
            lines.insert(draw % len(lines), lines[draw * 7 % len(lines)])
        for line in lines:
            capture.feed(MARK + line)
        self.carried += [report.message for report in capture.reports]

    async def _upload(self, draw: int) -> None:
        """Any report, also one that was uploaded before."""
        if self.carried:
            reply = await self.receiver.accept(self.carried[draw % len(self.carried)])
            if reply.status == 200:
                self.acks.append(reply.body)

    async def _ack(self, draw: int) -> None:
        """Any ack, also an old one."""
        if self.acks:
            self._type(self.acks[draw % len(self.acks)])

    async def _network(self, _draw: int) -> None:
        """A report over the network, and its ack."""
        view = self.pair.reporter.compose(self.now_ms)
        if view is not None:
            reply = await self.receiver.accept(bytes(view))
            assert reply.status == 200
            self.pair.reporter.hear(reply.body, self.now_ms + 20)

    async def _lost(self, _draw: int) -> None:
        """One whose ack never comes."""
        view = self.pair.reporter.compose(self.now_ms)
        if view is not None:
            await self.receiver.accept(bytes(view))
            self.pair.reporter.fail(is_malformed=False)

    async def _reset(self, _draw: int) -> None:
        self.pair.boot()

    async def _wipe(self, draw: int) -> None:
        """The state is lost, the records are not."""
        files = self.pair.flash.files
        self.pair.flash.files = {n: d for n, d in files.items() if not n.startswith("state")}
        self.pair.boot(draw.to_bytes(3, "big") + bytes([len(self.made) % 256]))

    async def _tamper_report(self, draw: int) -> None:
        """A bit of a report flipped on the laptop: never taken."""
        if self.carried:
            spoiled = bytearray(self.carried[draw % len(self.carried)])
            spoiled[draw % len(spoiled)] ^= 1 << draw % 8
            assert (await self.receiver.accept(bytes(spoiled))).status == 401

    async def _tamper_ack(self, draw: int) -> None:
        """A bit of an ack flipped: nothing is deleted."""
        if self.acks:
            spoiled = bytearray(self.acks[draw % len(self.acks)])
            spoiled[draw % len(spoiled)] ^= 1 << draw % 8
            before = self._waiting()
            self._type(bytes(spoiled))
            assert self._waiting() == before

    def _type(self, ack: bytes) -> None:
        clock, in_flight = self.pair.clock, self.pair.reporter.in_flight
        before = (clock.floor_ms, clock.is_anchored, list(in_flight.ids), in_flight.is_open)
        with suppress(WireError):
            hear_carried(self.pair.reporter, ack)
        after = (clock.floor_ms, clock.is_anchored, list(in_flight.ids), in_flight.is_open)
        assert before == after


async def live(steps, make_receiver) -> None:
    """Take all the steps, then one clean visit: nothing waits any more, all is committed."""
    with tempfile.TemporaryDirectory() as folder:
        receiver = make_receiver(Path(folder))
        try:
            await receiver.register(Who)
            world = World(receiver)
            for step, draw in steps:
                await world.take(step, draw)
            world.carried, world.acks = [], []
            await world.take("visit", 2)
            for i in range(len(world.carried)):
                await world.take("upload", i)
            for i in range(len(world.acks)):
                await world.take("ack", i)
            assert world._waiting() == set()
            assert world.made <= world.stored
        finally:
            receiver.close()


@given(TOURS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_order_of_things_loses_or_doubles_a_record(steps):
    """At every moment a record is on the device or committed, in the end all are committed."""
    asyncio.run(live(steps, StoreReceiver))


def test_a_device_that_deletes_too_much_is_found_out(monkeypatch):
    """The control: an ack that also deletes the record behind its range is noticed."""
    from phonehome.core.reporting import carried

    def is_named(key, ranges):
        return any(key[0] == boot and low <= key[1] <= high + 1 for boot, low, high in ranges)

    monkeypatch.setattr(carried, "_is_named", is_named)
    steps = [("fault", 0), ("visit", 2), ("fault", 1), ("upload", 0), ("ack", 0)]
    try:
        asyncio.run(live(steps, StoreReceiver))
    except AssertionError:
        return
    raise AssertionError("a record was deleted that nobody has, and nobody noticed")
