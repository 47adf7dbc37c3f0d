"""A simulated sensor or fault: for a time the agent sees what is not there, and says so.

Every transition of a fault that the stimulus can reach carries METRIC_TEST in its context. At the
end the states are those of before, the simulated samples are gone from the freeze ring, and rules
begin anew: what is really wrong is then told as ever.
"""

import asyncio

from phonehome_wire.compat import const
from phonehome_wire.metrics import Metrics

from .answer import WordError
from .faulting import expect_fault, seconds_of

# Folded away on a board; tests hold them to the wire's registry and to core.faults.
_EVENT_CONFIRM = const(1)
_KIND_CLEARED = const(3)
_KIND_CONFIRMED = const(0)
_METRIC_TEST = const(60)
_CONFIRMED = const(2)
_ENTRY_BYTES = const(6)
_HEAD_BYTES = const(1)
_KIND_DISAGREE = const(7)
_KIND_PYTHON = const(5)
_OTHER = const(3)  # the second sensor among the params of disagree
_STATE = const(3)
_STATE_BITS = const(0x07)

_SPAN_S = const(60)
_MOST_S = const(3600)
_TASK = "test"


def begin_fault(hands, words: list, write) -> None:
    """Confirm a fault that is not there: `CODE [TIME]`."""
    fault = expect_fault(hands, "test fault", words[0] if words else "")
    span_s = _span_of("test fault", words[1:])
    state = hands.sampler.faults.state(fault.index)
    if state not in (0, 4):
        raise WordError(
            "test fault %r: it is not ok as it is; see 'faults', or clear it" % fault.spec.code
        )
    stimulus = Stimulus(hands, [fault.index])
    stimulus.begin(span_s)
    stimulus.confirm(fault.index)
    write("test", "fault " + fault.spec.code)
    write("for_s", span_s)


def begin_sensor(hands, words: list, write) -> None:
    """Have a sensor read what it does not: `NAME VALUE [TIME]`."""
    channels = hands.product.channels
    names = [channel.name for channel in channels]
    name = words[0] if words else ""
    if name not in names:
        names = ", ".join(names)
        raise WordError("test sensor %r: no such sensor; want one of %s" % (name, names))
    index = names.index(name)
    try:
        value = float(words[1])
        channels[index].scale(value)
    except (IndexError, TypeError, ValueError):
        wrong = " ".join(words[1:2])
        unit = channels[index].unit
        raise WordError("test sensor %s %r: want a number in %s" % (name, wrong, unit))
    span_s = _span_of("test sensor", words[2:])
    stimulus = Stimulus(hands, _reached(hands.sampler.faults.specs, index))
    stimulus.pretend(index, value)
    stimulus.begin(span_s)
    write("test", "sensor " + name)
    write("value", words[1])
    write("for_s", span_s)


def _span_of(command: str, words: list) -> int:
    span_s = seconds_of(command, words[0]) if words else _SPAN_S
    if len(words) > 1 or not 1 <= span_s <= _MOST_S:
        raise WordError("%s: want at most one time in 1s..1h, not %r" % (command, " ".join(words)))
    return span_s


def _reached(specs, sensor: int) -> list:
    """The faults whose verdict can depend on a sensor: its own, gated ones, and Python rules."""
    return [
        index
        for index, spec in enumerate(specs)
        if spec.sensor in (sensor, None)
        or spec.kind == _KIND_PYTHON
        or (spec.kind == _KIND_DISAGREE and spec.params[_OTHER] == sensor)
        or sensor in [gate[0] for gate in spec.gates]
    ]


class Stimulus:
    """One test of the faults at `indices`; WordError while another one goes on."""

    def __init__(self, hands, indices: list) -> None:
        if hands.has_task(_TASK):
            raise WordError("test: another one goes on; it ends by itself")
        self._agent = hands.agent
        self._sampler = sampler = hands.sampler
        self._hands = hands
        self._indices = indices
        self._kept = bytes(sampler.faults.entries)
        self._sensor = -1
        self._reader = None
        self._context = Metrics(1)
        self._context.set(_METRIC_TEST, 1)

    def pretend(self, sensor: int, value: float) -> None:
        """A sensor reads this, in its unit."""
        channel = self._sampler.channels[sensor]
        reading = channel.scale(value) if channel.is_scaled else value
        self._sensor, self._reader = sensor, self._hands.read_from(sensor, lambda: reading)

    def begin(self, span_s: int) -> None:
        """Go on for so long, then end by itself."""
        self._hands.hear_transitions(self.tell)
        self._hands.start(self._run(span_s), _TASK)

    def confirm(self, index: int) -> None:
        """Confirm a fault; its rule may heal it before the end."""
        faults = self._sampler.faults
        faults.apply(index, _EVENT_CONFIRM)
        self.tell(faults[index], _KIND_CONFIRMED, self._agent.uptime.now_ms(), None)

    def tell(self, state, kind: int, now_ms: int, frame) -> None:
        """A transition: of a fault that the test reaches it is one of the test."""
        context = self._context if state.index in self._indices else None
        self._hands.tell_transition(state, kind, now_ms, frame, context)

    async def _run(self, span_s: int) -> None:
        try:
            await asyncio.sleep(span_s)
        finally:
            self._end()

    def _end(self) -> None:
        """Everything is as before, on flash too."""
        faults, sampler = self._sampler.faults, self._sampler
        self._hands.hear_transitions(None)
        if self._reader is not None:
            self._hands.read_from(self._sensor, self._reader)
            self._hands.forget_samples(self._sensor)
        for index in self._indices:
            at = _HEAD_BYTES + _ENTRY_BYTES * index
            if faults.entries[at : at + _ENTRY_BYTES] == self._kept[at : at + _ENTRY_BYTES]:
                continue
            kept = self._kept[at + _STATE] & _STATE_BITS
            if faults.state(index) == _CONFIRMED != kept:
                now_ms = self._agent.uptime.now_ms()
                self.tell(faults[index], _KIND_CLEARED, now_ms, None)
            faults.entries[at : at + _ENTRY_BYTES] = self._kept[at : at + _ENTRY_BYTES]
            sampler.begin_anew(index)
        self._hands.keep_faults()
        self._hands.reporter.rest()
