"""The sampler: reads what is due, keeps the freeze ring, judges the rules, tells transitions."""

from phonehome_wire.compat import const

from .channel import MISSING
from .debounce import EVENT_FALL_BACK, NONE, Debounce
from .faults import CONFIRMED, FaultTable
from .freeze import FreezeRing
from .gates import Gates
from .ondemand import forget
from .rules import make_rules

# Folded away on a board; a test holds them to the wire's registry and limits.
_KIND_CLEARED = const(3)
_KIND_CONFIRMED = const(0)

_SILENCE = __name__.rpartition(".")[0] + ".silence"
_ROW = const(16)  # the bit of a new row, above those of the most channels that a frame holds
_WITH_SILENCES = b"\x02"  # a snapshot begins with its format: these before the fault states
_MAX_STEP_MS = const(2**29)  # 6.2 days: a longer pause is judged as one of this length

TYPE_CHECKING = const(0)
if TYPE_CHECKING:
    from .product import Product
    from .silence import Silence


# What runs for every sample keeps to eleven words of locals and stack (a test counts them): beyond
# that the interpreter takes its frame from the heap, and the search costs a Pico 0.35 ms a call.


class Sampler:
    """Steps through time in memory that does not grow; `step` is to be called when it says.

    `readers` maps the name of every sensor to a function that returns a number in the sensor's
    unit, or None. `on_transition(fault, kind, now_ms, frame)` hears of every transition once,
    unless the fault is shelved or chatters; `frame` is the freeze frame of a confirmed one, valid
    during the call, else None. Rules of a sensor are judged when it was sampled, Python rules
    without one at every row of the freeze ring. Raise ProductError when a sensor has no reader or
    a Python rule no function.
    """

    def __init__(self, product: "Product", readers, on_transition) -> None:
        from .building import find_readers

        specs = product.faults
        self.channels = product.channels
        self.readers = find_readers(product, readers)
        self._on_transition = on_transition
        self.faults = FaultTable(specs)
        self.rules = make_rules(specs, product.channels, product.predicates)
        self._gates = Gates(specs, product.channels)
        self._debounce = Debounce(specs)
        self.ring = FreezeRing(product.channels, product.freeze_period_ms, product.freeze_samples)
        self.samples = 0
        self._silence: Silence | None = None  # while there is a fault to be silent about
        self._last_ms: int | None = None
        self._row_ms = 0
        self._interval_ms = 0
        self._fresh = 0  # in this step: a bit for each channel that was read, one for a new row

    @property
    def errors(self) -> int:
        """How many samples were missing since the start."""
        return sum([channel.errors for channel in self.channels])

    def step(self, now_ms: int) -> int:
        """Do what is due at this uptime; return the uptime of the next step."""
        span_ms = self._span_to(now_ms)
        self._row_ms += span_ms
        self._fresh = 1 << _ROW if self.ring.advance(span_ms) else 0
        if self._silence is not None:
            self._pass_silence(span_ms)
        wait_ms = self._sample(span_ms)
        self._judge_all(span_ms)
        if self._fresh >> _ROW:
            self._row_ms = 0
        return now_ms + min(wait_ms, self.ring.wait_ms)

    def restore(self, snapshot: bytes, now_ms: int) -> None:
        """Take the fault states of the boot before and tell what age has cleared.

        Call it once, before the first step. Raise ValueError when the bytes are no snapshot.
        """
        if snapshot[:1] == _WITH_SILENCES:
            from .shelving import unwrap

            snapshot = unwrap(self.silence, snapshot, self.faults.snapshot())
        for fault in self.faults.restore(snapshot):
            if self._silence is None or self._silence.lets_pass(fault.index, _KIND_CLEARED):
                self._on_transition(fault, _KIND_CLEARED, now_ms, None)

    def snapshot(self) -> bytes:
        """Return what survives a reboot: the fault states, and which of them are shelved."""
        snapshot = self.faults.snapshot()
        if self._silence is None:
            return snapshot
        from .shelving import wrap

        return wrap(self._silence, snapshot)

    @property
    def silence(self) -> "Silence":
        """Who is shelved or chatters: it knows the faults by their place in the product."""
        if self._silence is None:
            from .silence import Silence

            self._silence = Silence(len(self.rules))
        return self._silence

    @property
    def has_silence(self) -> bool:
        """True while a fault is shelved, chatters, or had a transition within a minute."""
        return self._silence is not None

    def shelve(self, code: str, span_ms: int) -> bool:
        """Tell no transition of a fault for span_ms, at most a week; 0 ends it at the next step.

        The fault goes on, counts and survives; at the end its state is told, if it changed. False
        when no fault has the code; raise ValueError for another span.
        """
        fault = self.faults.maybe_find(code)
        if fault is not None:
            self.silence.shelve(fault.index, span_ms)
        return fault is not None

    def begin_anew(self, index: int) -> "int | None":
        """Pending falls back, confirmed stays, delays and windows begin anew."""
        self.rules[index].reset()
        self._debounce.reset(index, self.faults.state(index) == CONFIRMED)
        return self.faults.apply(index, EVENT_FALL_BACK)

    def clear(self, now_ms: int, code: "str | None" = None) -> int:
        """Clear one fault, or all, by command; return how many there were to tell of."""
        cleared = 0
        for index, spec in enumerate(self.faults.specs):
            if code is None or spec.code == code:
                self.rules[index].reset()
                self._debounce.reset(index, is_confirmed=False)
                kind = self.faults.clear(index)
                if self._silence is not None:
                    self._silence.forget(index)
                if kind is not None:
                    cleared += 1
                    self._on_transition(self.faults[index], kind, now_ms, None)
        return cleared

    def _span_to(self, now_ms: int) -> int:
        last_ms = now_ms if self._last_ms is None else self._last_ms
        self._last_ms = now_ms
        return min(max(now_ms - last_ms, 0), _MAX_STEP_MS)

    def _sample(self, span_ms: int) -> int:
        """Read the channels that are due; return the time until the next one is."""
        wait_ms = _MAX_STEP_MS
        for index in range(len(self.channels)):
            channel = self.channels[index]
            if channel.tick(span_ms):
                channel.read(self.readers[index])
                self.ring.put(index)
                self.samples += 1
                self._fresh |= 1 << index
            if channel.wait_ms < wait_ms:  # noqa: PLR1730 (a call more is a word too many)
                wait_ms = channel.wait_ms
        return wait_ms

    def _judge_all(self, span_ms: int) -> None:
        for index in range(len(self.rules)):
            kind = self._judge(index, span_ms)
            if kind is not None and self._lets_pass(index, kind):
                self.tell(index, kind)

    def _judge(self, index: int, span_ms: int) -> "int | None":
        """Watch the gate of a fault and judge what is new; return the transition to report."""
        spec = self.faults.specs[index]
        is_open = self._gates.watch(index, span_ms) if spec.gates or spec.settle_ms else True
        if not self._fresh >> (_ROW if spec.sensor is None else spec.sensor) & 1:
            return None
        is_confirmed = self.faults.state(index) == CONFIRMED
        if is_open:
            return self._test(index, is_confirmed)
        return self.begin_anew(index)

    def _test(self, index: int, is_confirmed: bool) -> "int | None":
        verdict = self._ask(index, is_confirmed)
        if verdict == NONE:
            return None
        self.faults.note_test(index, verdict)
        event = self._debounce.judge(index, verdict, self._interval_ms, is_confirmed)
        return self.faults.apply(index, event)

    def _ask(self, index: int, is_confirmed: bool) -> int:
        """Return the verdict of a rule, and note the time since the one before."""
        spec = self.faults.specs[index]
        channel = None if spec.sensor is None else self.channels[spec.sensor]
        self._interval_ms = self._row_ms if channel is None else channel.interval_ms
        verdict: int = self.rules[index].judge(spec, channel, is_confirmed)
        return verdict

    def _lets_pass(self, index: int, kind: int) -> bool:
        try:
            return self.silence.lets_pass(index, kind)
        except MemoryError:  # the report matters more than that it is the third
            return True

    def _pass_silence(self, span_ms: int) -> None:
        silence = self._silence
        if silence is not None and silence.advance(span_ms, self.faults, self):
            self._silence = None
            forget(_SILENCE)

    def tell(self, index: int, kind: int) -> None:
        """Tell of a fault as it is now."""
        fault = self.faults[index]
        channel = None if fault.spec.sensor is None else self.channels[fault.spec.sensor]
        fault.value, fault.limit, fault.exp = self.rules[index].evidence(fault.spec, channel)
        if channel is not None and channel.value == MISSING:
            fault.value = fault.limit = None
        fault.failing_ms = self._debounce.failing_ms(index)
        frame = self.ring.capture() if kind == _KIND_CONFIRMED else None
        self._on_transition(fault, kind, self._last_ms, frame)
