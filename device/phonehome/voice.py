"""The agent of a sleeping board: no loops of its own, one bounded conversation when it is asked.

Everything that it must remember over a sleep it hands to the sleeper as bytes, and takes back.
"""

import asyncio

from phonehome_wire.compat import const

from .agent import Agent
from .core.backoff import CEILING_MS, Backoff
from .core.keepsake import Reader, Writer
from .core.pace import Pace
from .tasks import linking
from .tasks.sending import Sending

# Folded away on a board; a test holds them to the wire's registry and limits.
_KIND_PENDING = const(1)
_METRIC_AWAKE_MS = const(50)
_METRIC_BYTES_DOWN = const(53)
_METRIC_BYTES_UP = const(52)
_METRIC_FAILED_ACK = const(32)
_METRIC_RADIO_MS = const(51)
_METRIC_SYNCS = const(24)
_METRIC_WAKES = const(54)
_RESET_WATCHDOG = const(3)

_FIRST_TRY_MS = const(60000)  # a battery does not try every two seconds
_GUARD_MS = const(30000)  # beyond the conversation's own deadline

# As in core.keepsake, for what only a wake with something to say has.
REMEMBERED = {
    "Session": (
        "inc",
        "boot",
        "next_seq",
        "has_begun",
        "is_volatile",
        "is_lost",
        "clean_boot",
        "config_version",
        "floor_ms",
        "unexpected_resets",
        "_operated_s",
        "_crashed_at_s",
    ),
    "Clock": ("floor_ms", "server_ms", "server_at_ms", "_anchor_ms"),
    "Pace": ("_due_ms", "_paused_until_ms", "_backoff"),
    "Backoff": ("failures",),
    "Reporter": (
        "is_beat_due",
        "last_cseq",
        "heartbeat",
        "heartbeat_key",
        "wants_poll",
        "acked_ms",
    ),
    "Outbox": ("dropped", "drops"),
    "Folder": ("commits",),
    "KeyChange": ("_refusals",),
    "Trial": ("_began_ms", "_healthy_ms", "_until_ms", "_crashes", "_awaits_start"),
}


class Voice(Agent):
    """Speaks for a sleeper, whose `uptime` goes on over sleeps; `sleep` is its way to sleep.

    With `is_resumed` the boot goes on after a sleep, and `resume` follows.
    """

    tunes_product = False  # silent wakes judge without the agent, and would not know of it

    def __init__(self, product, config, board, uptime, on_event, link, sleep, is_resumed) -> None:
        self.is_resumed = is_resumed
        self._pace: Pace | None = None
        self._sleep = sleep
        self._costs = None
        self._has_word = False
        super().__init__(product, config, board=board, uptime=uptime, on_event=on_event, link=link)

    @property
    def has_news(self) -> bool:
        """True when something is worth a conversation of its own and no pause stands before it.

        A pending fault is not: it travels with what comes next.
        """
        return self._has_word and self._may_send

    def begin(self, readers, schedule):
        """Begin a boot and return its sampler; the hello waits until the boot has settled."""
        self._readers = readers
        sampler = self._expect_sampler()
        self.board.set_clock(self._clock.floor_ms)
        schedule.beat_ms = self.config.settle_ms
        self._emit("boot", inc=self._session.inc.hex(), boot=self._session.boot)
        if self._birth.has_past:
            self._has_word = True
            self._tasks.tell_past(self._birth)
        return sampler

    def tell(self, fault, kind: int, now_ms: int, frame) -> None:
        """Record a transition that a silent wake has found."""
        self._on_transition(fault, kind, now_ms, frame)

    def speak(self, schedule, awake_s: int) -> None:
        """Say what there is to say, in at most awake_s, and note what it cost and what is next."""
        begun_ms = self.uptime.now_ms()
        self._costs = schedule
        self._has_word = True
        self._tend()
        if schedule.is_beat_due(begun_ms):
            self._reporter.beat()
        self._sending.ask(is_urgent=True)
        if self._may_send:
            self._converse(awake_s, begun_ms)
        self._has_word = self._reporter.has_anything
        now_ms = self.uptime.now_ms()
        schedule.radio_ms += now_ms - begun_ms
        schedule.note_spoken(now_ms, self.config.heartbeat_s * 1000)
        schedule.learn(self._clock.server_ms, self._clock.server_at_ms)
        if schedule.keeps_slowly(now_ms):
            self._keep()

    def next_try_ms(self, now_ms: int) -> "int | None":
        """The uptime of the next try of what still waits, or when a trial is to be judged.

        None when there is neither.
        """
        due = []
        if self._has_word:
            due.append(now_ms + (self._pace.wait_ms(now_ms) or 0))
        if self._trial is not None:
            due.append(max(self._trial.due_ms(self._reporter.acked_ms), now_ms))
        return min(due) if due else None

    def keep(self) -> bytes:
        """What the next wake must know to go on as the same boot."""
        out = Writer(REMEMBERED)
        for thing in self._kept_things():
            out.keep(thing)
        out.put(self._has_word)
        out.put(self._next_metric)
        for metric in range(_METRIC_SYNCS, _METRIC_FAILED_ACK + 1):
            out.put(self.metrics.get(metric))
        for thing in (self._trial, self._identity.change):
            out.put(thing is not None)
            out.keep(thing)
        return bytes(out.data)

    def resume(self, kept: bytes, sampler) -> None:
        """Go on as the boot that kept this; as a new one when flash tells of another since."""
        from .core.faultfile import FILE, snapshot_in

        self._sampler = sampler
        self._tasks.faults = sampler.faults
        session = self._session
        found = (session.inc, session.boot - 1, session.is_lost)
        reader = Reader(kept, REMEMBERED)
        for thing in self._kept_things():
            reader.restore(thing)
        self._has_word = bool(reader.take())
        self._next_metric = reader.take()
        for metric in range(_METRIC_SYNCS, _METRIC_FAILED_ACK + 1):
            count = reader.take()
            if count:
                self.metrics.set(metric, count)
        for thing in (self._trial, self._identity.change):
            if reader.take() and thing is not None:
                reader.restore(thing)
        self._kept_faults = snapshot_in(self._folder.read(FILE))
        self.board.set_clock(self._clock.floor_ms)
        is_same = (session.inc, session.boot) == found[:2] and not found[2]
        if not session.is_volatile and not (session.has_begun and is_same):
            session.inc, session.boot, session.is_lost = found[0], found[1] + 1, found[2]
            session.has_begun = False
            session.next_seq = 0
        self.outbox.inc = session.inc

    def give_up(self, error: BaseException, wait_ms: int) -> None:
        """Keep an exception in the black box, sleep, and start again as a new boot.

        The sleep comes first because a board that fails at each start would empty its battery.
        """
        self.board.print_exception(error)
        self._box.capture(error, self.uptime, self.board, self._tasks.faults)
        self._reporter.release()
        try:
            self._box.save()
        except (MemoryError, OSError):
            pass  # the retained memory has the head of it
        self._sleep.sleep(wait_ms, b"")
        self.board.reboot()

    def _converse(self, awake_s: int, now_ms: int) -> None:
        """Talk to the receiver, under the guard of the board where it has one."""
        is_guarded = self._sleep.guard(awake_s * 1000 + _GUARD_MS)
        if is_guarded:
            self._box.mean(_RESET_WATCHDOG, "speak", now_ms // 1000)
        asyncio.run(self._talk(awake_s))
        if is_guarded:
            self._sleep.let_go()
            self._box.clear()

    async def _talk(self, awake_s: int) -> None:
        try:
            await asyncio.wait_for(self._exchange(), awake_s)
        except asyncio.TimeoutError:
            self._fail("ack", "not done within %d s" % awake_s)
        await self._link.close()
        if self._wifi is not None:
            from .ports.sleep import radio_off

            radio_off()

    async def _exchange(self) -> None:
        """Join, and send until nothing waits or the other end asks for a pause."""
        if self._wifi is not None and not await self._wifi.join():
            self._fail("connect", "no Wi-Fi")
            return
        listening = None
        if self._link.acks_later:
            listening = asyncio.create_task(
                linking.listen(_say_nothing, self._link, self._note_link)
            )
        try:
            while self._may_send:
                await self._sending.send_one()
        finally:
            if listening is not None:
                listening.cancel()

    def _fail(self, phase: str, detail: str) -> None:
        self._reporter.fail(is_malformed=False)
        wait_ms = self._pace.fail(self.uptime.now_ms(), 0)
        self._emit("backoff", phase=phase, detail=detail, wait_ms=wait_ms)

    @property
    def _may_send(self) -> bool:
        return self._pace.wait_ms(self.uptime.now_ms()) == 0

    def _on_transition(self, state, kind: int, now_ms: int, frame) -> None:
        self._has_word = self._has_word or kind != _KIND_PENDING
        super()._on_transition(state, kind, now_ms, frame)

    def _kept_things(self) -> list:
        """Whose memory survives, in the order of `keep`."""
        things = [self._session, self._clock, self._pace, self._reporter]
        return things + [self.outbox.open(), self._folder]

    def _hear(self, message) -> None:
        if self._costs is not None:
            self._costs.bytes_down += len(message)
        super()._hear(message)

    def _emit(self, name: str, **facts) -> None:
        if name == "sent" and self._costs is not None:
            self._costs.bytes_up += facts["bytes"]
        super()._emit(name, **facts)

    def _measure(self, now_ms: int):
        costs, metrics = self._costs, self.metrics
        if costs is not None:
            metrics.set(_METRIC_WAKES, costs.wakes)
            metrics.set(_METRIC_AWAKE_MS, costs.awake_ms)
            metrics.set(_METRIC_RADIO_MS, costs.radio_ms)
            metrics.set(_METRIC_BYTES_UP, costs.bytes_up)
            metrics.set(_METRIC_BYTES_DOWN, costs.bytes_down)
        return super()._measure(now_ms)

    def _make_sending(self) -> Sending:
        """Pauses are measured in the uptime that survives a sleep, and grow to a heartbeat."""
        ceiling_ms = max(CEILING_MS, self.config.heartbeat_s * 1000)
        self._pace = Pace(Backoff(self._draw, _FIRST_TRY_MS, ceiling_ms), 0)
        clocks = (self.uptime, self.uptime)
        parts = (self._link, self._reporter, self._pace, clocks, self.config.ack_s, self._emit)
        return Sending(*parts, self._reaching.open)


def _say_nothing() -> None:
    """What checks in here is the guard of the whole conversation."""
