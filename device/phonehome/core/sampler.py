"""The sampler: reads what is due, keeps the freeze ring, judges the rules, tells transitions."""

from phonehome_wire.registry import KIND_CLEARED, KIND_CONFIRMED

from .errors import ProductError
from .faults import FaultTable
from .freeze import FreezeRing
from .watch import Watch

_MAX_STEP_MS = 2**29  # 6.2 days: a longer pause is judged as one of this length


class Sampler:
    """Steps through time in memory that does not grow; `step` is to be called when it says.

    `readers` maps the name of every sensor to a function that returns a number in the sensor's
    unit, or None. `on_transition(fault, kind, now_ms, frame)` hears of every transition once;
    `frame` is the freeze frame of a confirmed one, valid during the call, else None. Rules of a
    sensor are judged when it was sampled, Python rules without one at every row of the freeze
    ring. Raise ProductError when a sensor has no reader or a Python rule no function.
    """

    def __init__(self, product, readers, on_transition) -> None:
        self.channels = product.channels
        self._readers = [_reader_of(channel, readers) for channel in product.channels]
        self._on_transition = on_transition
        self.faults = FaultTable(product.faults)
        self._watches = [Watch(fault, product.channels) for fault in self.faults]
        self.ring = FreezeRing(product.channels, product.freeze_period_ms, product.freeze_samples)
        self.samples = 0
        self._last_ms: int | None = None
        self._row_ms = 0

    @property
    def errors(self) -> int:
        """How many samples were missing since the start."""
        return sum([channel.errors for channel in self.channels])

    def step(self, now_ms: int) -> int:
        """Do what is due at this uptime; return the uptime of the next step."""
        span_ms = self._span_to(now_ms)
        self._row_ms += span_ms
        is_new_row = self.ring.advance(span_ms)
        wait_ms = self._sample(span_ms, now_ms)
        self._judge(span_ms, is_new_row, now_ms)
        if is_new_row:
            self._row_ms = 0
        return now_ms + min(wait_ms, self.ring.wait_ms)

    def restore(self, snapshot: bytes, now_ms: int) -> None:
        """Take the fault states of the boot before and tell what age has cleared.

        Call it once, before the first step. Raise ValueError when the bytes are no snapshot.
        """
        for fault in self.faults.restore(snapshot):
            self._on_transition(fault, KIND_CLEARED, now_ms, None)

    def clear(self, now_ms: int, code: "str | None" = None) -> int:
        """Clear one fault, or all, by command; return how many there were to tell of."""
        cleared = 0
        for watch in self._watches:
            if code is None or watch.fault.spec.code == code:
                kind = watch.clear()
                if kind is not None:
                    cleared += 1
                    self._on_transition(watch.fault, kind, now_ms, None)
        return cleared

    def _span_to(self, now_ms: int) -> int:
        last_ms = now_ms if self._last_ms is None else self._last_ms
        self._last_ms = now_ms
        return min(max(now_ms - last_ms, 0), _MAX_STEP_MS)

    def _sample(self, span_ms: int, now_ms: int) -> int:
        """Read the channels that are due; return the time until the next one is."""
        wait_ms = _MAX_STEP_MS
        for index in range(len(self.channels)):
            channel = self.channels[index]
            if channel.tick(span_ms):
                channel.read(self._readers[index], now_ms)
                self.ring.put(index)
                self.samples += 1
            wait_ms = min(wait_ms, channel.wait_ms)
        return wait_ms

    def _judge(self, span_ms: int, is_new_row: bool, now_ms: int) -> None:
        for watch in self._watches:
            channel = watch.channel
            if watch.gate is not None:
                watch.gate.watch(span_ms)
            if is_new_row if channel is None else channel.is_fresh:
                kind = watch.judge(self._row_ms if channel is None else channel.interval_ms)
                if kind is not None:
                    frame = self.ring.capture() if kind == KIND_CONFIRMED else None
                    self._on_transition(watch.fault, kind, now_ms, frame)


def _reader_of(channel, readers):
    reader = readers.get(channel.name)
    if not callable(reader):
        raise ProductError(
            "sensor %r: reader = %r; give a function that returns a number or None"
            % (channel.name, reader)
        )
    return reader
