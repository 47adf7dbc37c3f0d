"""One watched fault: its channel, gate, rule and debounce, joined to its state."""

from .debounce import EVENT_FALL_BACK, NONE, Debounce
from .errors import ProductError
from .faults import FaultState
from .rules import KIND_PYTHON, make_rule
from .rules.gate import Gate


class Watch:
    """One fault with what judges it: its channel, gate, rule and debounce."""

    def __init__(self, fault: FaultState, channels) -> None:
        spec = fault.spec
        if spec.kind == KIND_PYTHON and spec.predicate is None:
            raise ProductError(
                "fault %s: a rule of kind python needs a function; give it with rule(%r, function)"
                % (spec.code, spec.code)
            )
        self.fault = fault
        self.channel = None if spec.sensor is None else channels[spec.sensor]
        self.gate = None
        if spec.gates or spec.settle_ms:
            conditions = tuple([(channels[gate[0]], gate[1], gate[2]) for gate in spec.gates])
            self.gate = Gate(conditions, spec.settle_ms)
        self.rule = make_rule(spec, channels)
        self.debounce = Debounce(spec)

    def judge(self, span_ms: int) -> "int | None":
        """Judge the newest sample; return the kind of the transition to report, if any."""
        fault = self.fault
        if self.gate is not None and not self.gate.is_open:
            self._suspend()
            return None
        verdict = self.rule.judge(self.channel, fault.is_confirmed)
        if verdict == NONE:
            return None
        fault.note_test(verdict)
        event = self.debounce.judge(verdict, span_ms, fault.is_confirmed)
        kind = fault.apply(event)
        if kind is not None:
            self._note_evidence()
        return kind

    def clear(self) -> "int | None":
        """Clear the fault by command; return the kind of the transition to report, if any."""
        self.debounce.reset(is_confirmed=False)
        self.rule.reset()
        return self.fault.clear()

    def _suspend(self) -> None:
        """A closed gate: pending falls back, confirmed stays, delays and windows begin anew."""
        self.rule.reset()
        self.debounce.reset(self.fault.is_confirmed)
        self.fault.apply(EVENT_FALL_BACK)

    def _note_evidence(self) -> None:
        fault = self.fault
        fault.value = self.rule.value
        fault.limit = self.rule.limit
        fault.exp = self.rule.exp
        fault.failing_ms = self.debounce.failing_ms
