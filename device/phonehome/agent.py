"""The agent: the one place on the board where everything is joined."""

import asyncio

from phonehome_wire.compat import const
from phonehome_wire.errors import WireError
from phonehome_wire.metrics import Metrics

from .attending import attend
from .core.backoff import Backoff
from .core.clock import Clock
from .core.errors import DeviceError
from .core.logring import Logger, LogRing
from .core.ondemand import forget
from .core.pace import Pace
from .core.reporter import Reporter
from .core.sampler import Sampler
from .core.session import Session
from .core.uptime import Uptime
from .core.waiting import Waiting
from .ports.board import Board
from .ports.files import Folder
from .ports.state import State
from .reaching import Reaching
from .tasks import beating, linking, sampling, sending
from .tasks.supervising import Supervising

# Folded away on a board; a test holds them to the wire's registry and limits.
_COMMAND_REBOOT = const(5)
_KIND_CONFIRMED = const(0)
_KIND_PENDING = const(1)
_METRIC_LOOP_MAX_MS = const(8)

_MAX_ACK_S = const(300)  # the longest that the settings and the receiver may want

_CORE = __name__.rpartition(".")[0] + ".core"


class Agent:
    """Samples a product's sensors, finds its faults, and phones home.

    `product` is a compiled product file (bytes or its path) or a Product; `config` a dict or the
    path of a JSON file, see examples/. A `board`, an `uptime` (an object with `now_ms()`) and a
    `clock` (a core.clock.Clock) can be given; with an uptime of its own nothing is sampled unless
    `step` is called. Where there is no network, `link(on_message)` makes a link of your own.
    `on_event(name, **facts)` hears what happens, as README lists it.
    Raises ConfigError and ProductError, which say what to change.
    """

    tunes_product = True  # a pushed configuration may change sensors and rules
    is_resumed = False  # woken from a sleep that was not the end of the boot

    def __init__(
        self, product, config, board=None, uptime=None, clock=None, on_event=None, link=None
    ) -> None:
        from .assembly import (
            forget_assembly,
            load_config,
            load_identity,
            load_product,
            make_birth,
            make_box,
            restore_pushed,
            settle_pushed,
        )

        self.config = load_config(config)
        self.product, self.board = load_product(product), board or Board()
        self._timer = Uptime(self.board.ticks, self.board.elapsed)
        self.uptime = uptime or self._timer
        self._is_stepped, self._on_event = uptime is not None, on_event
        self._kept_faults, self._reboot_asked, self._next_metric = b"", False, 0
        self._sampler = self._sending = self._trial = None
        self._readers, self._functions, self._replaced = {}, {}, {}
        self.metrics, self._folder = Metrics(), Folder(self.config.data)
        self._ring = LogRing(self.uptime)
        self._log = self.getLogger("agent")
        self._box = make_box(self.board, self._folder, self._ring)
        self._birth = make_birth(self.board, self.product, self.config, self._box)
        birth = None if self.is_resumed else self._birth
        given = (config, self.config, self._folder, birth, self._emit)
        self.config, self._pushed_slots = settle_pushed(*given)
        self._identity = load_identity(self.config, self.board, self._emit)
        state, past_s = State(self._folder, "state"), self._birth.past_s
        self._session = Session(state, self.board.random_bytes, past_s)
        self._clock = clock or Clock(self._session.floor_ms)
        self._join(link)
        restore_pushed(self, self._pushed_slots)
        self._sending = self._make_sending()
        forget_assembly()

    @property
    def is_safe(self) -> bool:
        """True when too many boots died young: the application stays off for a time, see start."""
        return self._birth.is_safe

    @property
    def reset_reason(self) -> tuple:
        """Why this boot started: RESET_* and CERTAINTY_* of the wire, and a name.

        The name is that of the stuck task, of an exception, or of what was commanded; or "".
        """
        birth = self._birth
        return birth.reset_cause, birth.certainty, birth.reset_name

    @property
    def faults(self):
        """The fault table, once the sensors are known: `start` or the first `step`."""
        return self._expect_sampler().faults

    def sensor(self, name: str, reader, scaled: bool = False) -> None:
        """Give a sensor its reader: a function, or a port with `read()`; None is a missing sample.

        With `scaled` it gives steps of the sensor's exponent instead of its unit.
        """
        self.product.channel(name).is_scaled = scaled
        self._readers[name] = reader if callable(reader) else reader.read

    def rule(self, code: str, predicate) -> None:
        """Give the Python rule of a fault its function."""
        self.product.rule(code, predicate)

    def command(self, code: int, function) -> None:
        """Let the receiver call `function(args)` by a command 128..255; raise ConfigError."""
        from .core.commands import register

        register(self._functions, code, function)

    def run(self, coroutine=None) -> None:
        """Run for ever; the developer's own coroutine runs beside the agent's tasks.

        What ends it, other than a mistake in the settings, is kept in the black box, and the board
        starts again; Ctrl-C gets the prompt, and ten minutes in which no watchdog bites.
        """
        try:
            asyncio.run(self._run(coroutine))
        except KeyboardInterrupt:
            self._tasks.serve(is_left=True)
            self._reporter.rest()
            raise
        except DeviceError:
            raise  # for the developer, who is still there
        except Exception as error:  # outermost: the next boot reports it
            self._tasks.die(error)

    async def start(self, coroutine=None) -> None:
        """Start the tasks and come back; `run` for those who have a loop already.

        Where too many boots died young, neither the coroutine nor sampling starts.
        """
        tasks, config = self._tasks, self.config
        if self.is_safe:
            from .core.boots import stand_in

            self._readers = stand_in(self.product)
        self._expect_sampler()
        self.board.set_clock(self._clock.floor_ms)
        self._emit("boot", inc=self._session.inc.hex(), boot=self._session.boot)
        tasks.begin(self._birth, config.watchdog_ms)
        tasks.start(attend(self), "console")
        if config.wifi:
            tasks.sustain("wifi", linking.JOIN_S, linking.join, self._wifi, self._note_link)
        if self._link.acks_later:
            tasks.sustain("listen", linking.LISTEN_S, linking.listen, self._link, self._note_link)
        beat = (config, self._draw, self._beat, self._keep, self._tend)
        tasks.sustain("beat", beating.LATE_S, beating.run, *beat)
        tasks.sustain("send", sending.LATE_S + _MAX_ACK_S, self._sending.run)
        if not self.is_safe and not self._is_stepped:
            tasks.sustain(
                "sample", sampling.LATE_S, sampling.run, self.step, self.uptime, self._note_lag
            )
        if not self.is_safe and coroutine is not None:
            tasks.start(coroutine)
        self._reporter.rest()

    async def stop(self) -> None:
        """End cleanly: the next hello says so. Records that wait stay for the next boot."""
        self._tasks.stop()
        await self._link.close()
        self._reporter.rest()

    def step(self, now_ms: int) -> int:
        """Sample and judge what is due at this uptime; return the uptime of the next step."""
        next_ms: int = self._expect_sampler().step(now_ms)
        self._reporter.rest()
        return next_ms

    def shelve(self, code: str, span_ms: int) -> bool:
        """Tell nothing of a fault for span_ms, also behind a reboot; 0 ends it, see Sampler."""
        is_known: bool = self._expect_sampler().shelve(code, span_ms)
        self._keep_faults()
        return is_known

    def getLogger(self, name: str) -> Logger:  # noqa: N802  # as in `logging`
        """A logger of this name: its newest lines go with a crash, or out when they are asked for.

        At most 10 bytes of the name and 32 of a line are kept.
        """
        return Logger(self._ring, name)

    def stats(self, write=print) -> None:
        """Say how it does, a line at a time: resets, records, and how long the flash will last."""
        from .core.stats import tell

        tell(write, self._session, self.outbox.open(), self._folder, self.uptime.now_ms() // 1000)
        forget(_CORE + ".stats")
        self._reporter.rest()

    def watch(self, name: str, deadline_ms: int):
        """Watch a task of yours: an object whose `feed()` it must call at least that often.

        When it does not, the watchdog resets the board, and the next hello has the name.
        """
        return self._tasks.watch(name, deadline_ms)

    def service(self, minutes: int) -> None:
        """Have no watchdog for 1..240 minutes, behind a reset too: somebody works on the board."""
        self._tasks.serve(minutes)

    def record_crash(self, error: BaseException) -> None:
        """Store an exception, to be sent first; without memory for it, the board starts again."""
        self._tasks.record_crash(error)

    def _join(self, link) -> None:
        """What records go into and come out of: outbox, reporter, tasks, and the link."""
        from .assembly import make_link, make_wifi

        config, identity, session = self.config, self._identity, self._session
        keeping = (session.inc, config.outbox_bytes, self._note_drop)
        self.outbox = Waiting(self._make_segments, *keeping)
        kept = (identity, session, self._clock, self.outbox, self._birth)
        self._reporter = Reporter(*kept, self._measure, self._execute)
        parts = (self._box, self._reporter, session, self.uptime, self.board)
        self._tasks = Supervising(parts, self._emit)
        self._wifi = make_wifi(config)
        network = (self._wifi, self._tasks.bridge)
        talk = (identity.device, self.board, self._make_state, self._hear)
        self._link = make_link(link, config, network, *talk)
        kept = (identity, self._clock, self.board, self._birth, self.uptime, self._emit)
        self._reaching = Reaching(self._link, network, config, *kept)

    async def _run(self, coroutine) -> None:
        await self.start(coroutine)
        await asyncio.Event().wait()  # never set

    def _expect_sampler(self) -> Sampler:
        if self._sampler is None:
            self._make_sampler()
        return self._sampler

    def _make_sampler(self) -> None:
        from .core.faultfile import restore

        self._sampler = Sampler(self.product, self._readers, self._on_transition)
        self._tasks.faults = self._sampler.faults
        restore(self._sampler, self._folder, self._session, self.outbox, self.uptime.now_ms())
        if self._sampler.has_silence:  # a reboot takes from what is left of a shelf
            self._keep_faults()

    def _on_transition(self, state, kind: int, now_ms: int, frame, context=None) -> None:
        """A fault changed: one record into the outbox, and the states to flash behind it."""
        from .core.reporting.records import fault_of

        is_urgent = state.spec.urgent and kind == _KIND_CONFIRMED
        fault = fault_of(state, kind, self.product.channels, frame, context)
        self._reporter.add_fault(fault, now_ms, is_urgent)
        if kind != _KIND_PENDING and context is None:
            self._keep_faults()
        self._emit("transition", code=state.spec.code, kind=kind, uptime_ms=now_ms)
        self._sending.ask(is_urgent)

    def _hear(self, message) -> None:
        """A downlink message came in; what is not the receiver's word is ignored."""
        in_flight = self._reporter.in_flight
        before = len(in_flight.ids)
        try:
            heard = self._reporter.hear(message, self.uptime.now_ms())
        except WireError as error:
            self._emit("refused", reason=error.reason)
            return
        if heard == "ack":
            self._emit("acked", records=before - len(in_flight.ids), depth=self.outbox.depth)
            self._reboot_if_asked()
        self._reporter.rest()
        if self._reporter.has_anything:
            self._sending.ask(is_urgent=True)

    def _execute(self, code: int, args: dict) -> tuple:
        """Carry out a command; (RESULT_*, value or None)."""
        from .core.commands import execute
        from .core.hands import Hands

        status, value = execute(code, args, Hands(self))
        if code == _COMMAND_REBOOT and not status:
            self._reboot_asked = True
        self._emit("command", code=code, status=status)
        return status, value

    def _rotate_key(self, args: dict) -> tuple:
        """Change to the next key (command 6); (RESULT_*, value or None)."""
        from .rekey import execute

        parts = (self.config, self._identity, self._reporter, self.uptime.now_ms())
        return execute(args, *parts, self._emit)

    def _tend(self) -> None:
        """Look after a pushed configuration on trial, each second."""
        if self._trial and self._trial.is_over(self.uptime.now_ms(), self._reporter.acked_ms):
            self._trial = None
            self._reporter.rest()

    def _reboot_if_asked(self) -> None:
        """Reset on command, once the receiver has the result of it."""
        if self._reboot_asked and not self.outbox.has_urgent:
            self._tasks.reboot("")

    def _beat(self) -> None:
        self._reporter.beat()
        self._sending.ask(is_urgent=False)

    def _keep(self) -> None:
        """Save what changes slowly: the floor of the clock, and that faults were tested."""
        self._session.uptime_s = self.uptime.now_ms() // 1000
        self._session.keep_floor(self._clock.floor_ms)
        self._keep_faults()

    def _keep_faults(self) -> None:
        snapshot = self._expect_sampler().snapshot()
        if snapshot == self._kept_faults or self.is_safe:
            return
        from .core.faultfile import save

        try:
            save(self._folder, self._session, snapshot)
            self._kept_faults = snapshot
        except OSError:
            pass  # a full flash: the next boot finds the faults anew

    def _measure(self, now_ms: int) -> Metrics:
        """The metrics of a heartbeat, as they are now."""
        from .core.vitals import choose, note_board, note_life, note_sync, note_work

        metrics, reporter = self.metrics, self._reporter
        note_board(metrics, self.board, self._wifi, self._link.reconnects)
        note_life(metrics, self._session, self._birth.reset_cause, now_ms)
        note_work(metrics, self._expect_sampler(), self.outbox, self._folder)
        note_sync(metrics, reporter.ack_latency_ms, self._session.config_version)
        chosen, self._next_metric = choose(metrics, self._next_metric)
        forget(_CORE + ".vitals")
        return chosen

    def _note_lag(self, lag_ms: int) -> None:
        if lag_ms > self.metrics.get(_METRIC_LOOP_MAX_MS):
            self.metrics.set(_METRIC_LOOP_MAX_MS, lag_ms)

    def _note_drop(self, kind: str, count: int) -> None:
        self._emit("dropped", kind=kind, count=count)

    def _note_link(self, is_up: bool) -> None:
        self._emit("link", is_up=is_up)
        if is_up:
            self._sending.ask(is_urgent=False)
        else:
            self._sending.note_loss()

    def _emit(self, name: str, **facts) -> None:
        from .core.events import note

        note(self, name, facts)
        if self._on_event is not None:
            self._on_event(name, **facts)

    def _draw(self, below: int) -> int:
        """A random integer in 0..below-1."""
        return int.from_bytes(self.board.random_bytes(4), "little") % below

    def _make_sending(self) -> sending.Sending:
        pace = Pace(Backoff(self._draw), self.config.gather_ms)
        clocks = (self.uptime, self._timer)
        parts = (self._link, self._reporter, pace, clocks, self.config.ack_s, self._emit)
        return sending.Sending(*parts, self._reaching.open)

    def _make_segments(self):
        from .ports.segments import Segments

        return Segments(self._folder)

    def _make_state(self, state: int, conn: int) -> bytes:
        word = self._reporter.compose_state(state, conn, self.uptime.now_ms())
        self._reporter.rest()
        return word
