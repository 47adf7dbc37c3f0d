"""The loop that sends: wait for a report to be due, open, send, await the ack; or back off."""

import asyncio

from phonehome.core.errors import LinkError
from phonehome_wire.compat import const

LATE_S = const(120)  # of one step of an exchange, beside the wait for an ack
_SLICE_MS = const(60000)  # of a wait, so that the watchdog hears of it
_OFFLINE_MS = const(10000)  # to look again; the Wi-Fi says so when it is back

_LOOKS_PER_S = const(20)  # for an ack

_LINK_STANDS = ("refused", "ack")  # phases in which the other end spoke: no need to reconnect
_PATIENCE = const(3)  # so many in a row, and somebody else may answer a new connection


class Sending:
    """Carries reports from the reporter over the link at the pace; `emit(event, **facts)` tells.

    `clocks` are the uptime that reports are stamped with and the one that pauses are measured
    with, which differ only when recorded data is replayed; `ack_s` is how long to wait for an ack
    that does not come with the answer; `open_link()` opens the link when it may be closed.
    """

    def __init__(self, link, reporter, pace, clocks, ack_s, emit, open_link) -> None:
        clock, timer = clocks
        self._ack_s = ack_s
        self._link = link
        self._reporter = reporter
        self._pace = pace
        self._clock = clock
        self._timer = timer
        self._emit = emit
        self._open_link = open_link
        self._woken = asyncio.Event()
        self._alive = _say_nothing
        self._failed = ""  # the phase, since the last success

    def ask(self, is_urgent: bool) -> None:
        """There is something to send."""
        self._pace.ask(self._timer.now_ms(), is_urgent)
        self._woken.set()

    def follow(self, config) -> None:
        """Some of the settings may have changed."""
        self._ack_s = config.ack_s
        self._pace.gather_ms = config.gather_ms

    def note_loss(self) -> None:
        """The link went down: no ack will come, and the next link has to wait its turn."""
        if not self._reporter.in_flight.is_open:  # a report under way fails, and backs off
            self._pace.lose(self._timer.now_ms())
            self._woken.set()

    async def run(self, alive) -> None:
        """Send whatever becomes due, for ever."""
        self._alive = alive
        while True:
            alive()
            wait_ms = self._pace.wait_ms(self._timer.now_ms())
            if wait_ms == 0:
                await self.send_one()
            else:
                await self._sleep(wait_ms)

    async def send_one(self) -> None:
        """Send one report and see it acknowledged, or back off."""
        try:
            has_sent = await self._exchange()
        except LinkError as error:
            await self._back_off(error)
            return
        self._failed = ""
        self._note_success(has_sent)
        if self._link.acks_later and not self._link.is_open:  # it went down behind the ack
            self._pace.lose(self._timer.now_ms())

    def _note_success(self, has_sent: bool) -> None:
        reporter = self._reporter
        if not has_sent:
            self._pace.rest()
            return
        self._pace.succeed(self._timer.now_ms(), reporter.has_anything, reporter.pause_s)
        reporter.pause_s = None

    async def _exchange(self) -> bool:
        link, reporter = self._link, self._reporter
        was_open = link.is_open
        reporter.rest()
        await self._open_link()
        if not was_open and link.is_open:
            self._emit("link", is_up=True)
        self._alive()
        report = reporter.compose(self._clock.now_ms())
        if report is None:
            return False
        in_flight = reporter.in_flight
        count = len(in_flight.ids)
        self._emit("sent", records=count, bytes=len(report))
        reporter.rest()
        await link.send(report)
        self._alive()
        await self._expect_ack(count)
        return True

    async def _expect_ack(self, count: int) -> None:
        """The ack of the report in flight; with HTTP it has been heard before."""
        link, in_flight = self._link, self._reporter.in_flight
        looks = self._ack_s * _LOOKS_PER_S
        while in_flight.is_open and link.acks_later and looks and link.is_open:
            looks -= 1
            await asyncio.sleep_ms(1000 // _LOOKS_PER_S)
        self._judge_ack(count, looks)

    def _judge_ack(self, count: int, looks: int) -> None:
        """LinkError unless the report, of so many records, was acknowledged with looks left."""
        in_flight, acks_later = self._reporter.in_flight, self._link.acks_later
        if in_flight.is_open and not looks:
            raise LinkError("ack", "none within %d s" % self._ack_s, 0, True)
        if in_flight.is_open and acks_later:
            raise LinkError("ack", "closed before the ack")
        if in_flight.is_open:
            raise LinkError("ack", "the answer holds no valid ack")
        if count and len(in_flight.ids) == count:
            raise LinkError("ack", "the ack names none of the records")

    async def _back_off(self, error: LinkError) -> None:
        self._reporter.fail(error.is_malformed)
        self._reporter.note_failure(error)
        was, self._failed = self._failed, error.phase
        if error.phase == "offline":  # nobody refused: no reason to come back later and later
            self._pace.hold(self._timer.now_ms(), _OFFLINE_MS)
            if was != error.phase:
                self._emit("backoff", phase=error.phase, detail=error.detail, wait_ms=_OFFLINE_MS)
            return
        if not self._keeps_link(error.phase):
            await self._link.close()
        wait_ms = self._pace.fail(self._timer.now_ms(), error.retry_after_s)
        self._emit("backoff", phase=error.phase, detail=str(error.detail), wait_ms=wait_ms)

    def _keeps_link(self, phase: str) -> bool:
        """Whether the other end spoke in turn, and has not been refusing for too long."""
        if phase not in _LINK_STANDS or (self._pace.failures + 1) % _PATIENCE == 0:
            return False
        return phase == "refused" or bool(self._link.acks_later)  # an HTTP answer out of turn

    async def _sleep(self, wait_ms) -> None:
        """Sleep until woken, at most this long and never longer than a slice."""
        self._reporter.rest()
        if wait_ms is None or wait_ms > _SLICE_MS:
            wait_ms = _SLICE_MS
        try:
            await asyncio.wait_for(self._woken.wait(), wait_ms / 1000)
        except asyncio.TimeoutError:
            pass
        self._woken.clear()


def _say_nothing() -> None:
    pass
