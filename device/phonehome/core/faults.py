"""Fault states: one table from ok to cleared, the ISO 14229-1 status byte, occurrence, ageing.

    ok -> pending -> confirmed -> healed -> cleared

An operation cycle is a boot. A verdict of a rule is a test; a healed fault whose tests passed in
`ageing_cycles` boots one after the other is cleared by age.
"""

from phonehome_wire import registry

from .debounce import EVENT_CONFIRM, EVENT_FAIL, EVENT_FALL_BACK, EVENT_HEAL, FAIL

OK = 0
PENDING = 1
CONFIRMED = 2
HEALED = 3
CLEARED = 4

EVENT_CLEAR = 4  # by command
EVENT_AGE = 5  # after enough clean operation cycles

MAX_OCCURRENCE = 126  # J1939-73: 127 means not available
AGEING_CYCLES = 40  # what vehicles use for emission faults, for want of anything better founded

# state << 3 | event: (next state, what is reported or None). A pair that is not here changes
# nothing. The keys are integers because looking up a pair would make one, on the heap.
TRANSITIONS = {
    OK << 3 | EVENT_FAIL: (PENDING, registry.KIND_PENDING),
    OK << 3 | EVENT_CONFIRM: (CONFIRMED, registry.KIND_CONFIRMED),
    PENDING << 3 | EVENT_FALL_BACK: (OK, None),
    PENDING << 3 | EVENT_CONFIRM: (CONFIRMED, registry.KIND_CONFIRMED),
    CONFIRMED << 3 | EVENT_HEAL: (HEALED, registry.KIND_HEALED),
    HEALED << 3 | EVENT_CONFIRM: (CONFIRMED, registry.KIND_CONFIRMED),
    HEALED << 3 | EVENT_AGE: (CLEARED, registry.KIND_CLEARED),
    PENDING << 3 | EVENT_CLEAR: (CLEARED, registry.KIND_CLEARED),
    CONFIRMED << 3 | EVENT_CLEAR: (CLEARED, registry.KIND_CLEARED),
    HEALED << 3 | EVENT_CLEAR: (CLEARED, registry.KIND_CLEARED),
    CLEARED << 3 | EVENT_FAIL: (PENDING, registry.KIND_PENDING),
    CLEARED << 3 | EVENT_CONFIRM: (CONFIRMED, registry.KIND_CONFIRMED),
}

# What a state alone says about the status byte.
_STATUS_OF_STATE = (
    0,
    registry.STATUS_TEST_FAILED | registry.STATUS_PENDING,
    registry.STATUS_TEST_FAILED | registry.STATUS_PENDING | registry.STATUS_CONFIRMED,
    registry.STATUS_CONFIRMED,
    0,
)

# What the tests so far say about it; kept beside the state in bits 3..7 of a snapshot.
_TESTED_THIS_CYCLE = 0x08
_FAILED_THIS_CYCLE = 0x10
_PENDING_MEMORY = 0x20
_TESTED_SINCE_CLEAR = 0x40
_FAILED_SINCE_CLEAR = 0x80
_TESTED = _TESTED_THIS_CYCLE | _TESTED_SINCE_CLEAR
_FAILED = _FAILED_THIS_CYCLE | _PENDING_MEMORY | _FAILED_SINCE_CLEAR
_THIS_CYCLE = _TESTED_THIS_CYCLE | _FAILED_THIS_CYCLE
_STATE_BITS = 0x07

_SNAPSHOT_FORMAT = 1
_ENTRY_BYTES = 6  # id and failure mode in three, state and tests, occurrence, clean cycles


class FaultState:
    """The state of one fault and what is known about its last transition.

    `value` and `limit` are steps of 10**exp (None where a rule has none), `failing_ms` is the time
    from the first to the newest failing test.
    """

    def __init__(self, spec) -> None:
        self.spec = spec
        self.state = OK
        self.occurrence = 0
        self.clean_cycles = 0
        self.value: int | None = None
        self.limit: int | None = None
        self.exp = 0
        self.failing_ms = 0
        self._tests = 0

    @property
    def is_confirmed(self) -> bool:
        """True while the fault is there; a pending one may be there, a healed one was."""
        return self.state == CONFIRMED

    @property
    def status(self) -> int:
        """The status byte of ISO 14229-1, derived from the state and the tests so far."""
        tests = self._tests
        status = _STATUS_OF_STATE[self.state]
        if self.state == CONFIRMED and self.spec.urgent:
            status |= registry.STATUS_WARNING
        if tests & _FAILED_THIS_CYCLE:
            status |= registry.STATUS_FAILED_THIS_CYCLE
        if tests & _PENDING_MEMORY:
            status |= registry.STATUS_PENDING
        if tests & _FAILED_SINCE_CLEAR:
            status |= registry.STATUS_FAILED_SINCE_CLEAR
        if not tests & _TESTED_SINCE_CLEAR:
            status |= registry.STATUS_NOT_COMPLETED_SINCE_CLEAR
        if not tests & _TESTED_THIS_CYCLE:
            status |= registry.STATUS_NOT_COMPLETED_THIS_CYCLE
        return status

    def note_test(self, verdict: int) -> None:
        """Note that the rule passed or failed; the state follows by `apply`."""
        self._tests |= _TESTED
        if verdict == FAIL:
            self._tests |= _FAILED
            self.clean_cycles = 0

    def apply(self, event: int) -> "int | None":
        """Make the transition of an event; return its kind when it is one to report."""
        step = TRANSITIONS.get(self.state << 3 | event)
        if step is None:
            return None
        self.state = step[0]
        if event == EVENT_CONFIRM:
            self.occurrence = min(self.occurrence + 1, MAX_OCCURRENCE)
        return step[1]

    def clear(self) -> "int | None":
        """Clear by command: history and tests too; return the kind to report, None when ok."""
        kind = self.apply(EVENT_CLEAR)
        self._tests = 0
        self.occurrence = 0
        self.clean_cycles = 0
        return kind

    def begin_cycle(self, ageing_cycles: int) -> "int | None":
        """Begin an operation cycle; return the kind to report when the fault is cleared by age."""
        if self._tests & _THIS_CYCLE == _TESTED_THIS_CYCLE:
            self._tests &= ~_PENDING_MEMORY
            self.clean_cycles = min(self.clean_cycles + 1, 255)
        self._tests &= ~_THIS_CYCLE
        if self.clean_cycles >= ageing_cycles:
            return self.apply(EVENT_AGE)
        return None

    def save_into(self, entry: bytearray, at: int) -> None:
        """Write the six bytes of this fault; a pending fault is kept as ok, with its tests."""
        key = self.spec.spn << 5 | self.spec.fmi
        entry[at] = key >> 16
        entry[at + 1] = key >> 8 & 0xFF
        entry[at + 2] = key & 0xFF
        entry[at + 3] = self._tests | (OK if self.state == PENDING else self.state)
        entry[at + 4] = self.occurrence
        entry[at + 5] = self.clean_cycles

    def load_from(self, entry: bytes, at: int) -> None:
        """Take state, tests and counts from the six bytes of a snapshot."""
        state = entry[at + 3] & _STATE_BITS
        self.state = OK if state > CLEARED else state
        self._tests = entry[at + 3] & ~_STATE_BITS
        self.occurrence = min(entry[at + 4], MAX_OCCURRENCE)
        self.clean_cycles = entry[at + 5]


class FaultTable:
    """The faults of a product in its order; what survives a reboot is in `snapshot`."""

    def __init__(self, specs, ageing_cycles: int = AGEING_CYCLES) -> None:
        self._faults = [FaultState(spec) for spec in specs]
        self._ageing_cycles = ageing_cycles

    def __len__(self) -> int:
        """How many faults the product has."""
        return len(self._faults)

    def __getitem__(self, index: int) -> FaultState:
        """Return the fault at a place of the product."""
        return self._faults[index]

    def __iter__(self):
        """Iterate over the faults in the order of the product."""
        return iter(self._faults)

    def maybe_find(self, code: str) -> "FaultState | None":
        """Return the fault with this code for people, or None."""
        for fault in self._faults:
            if fault.spec.code == code:
                return fault
        return None

    @property
    def active_count(self) -> int:
        """How many faults are confirmed and not healed."""
        count = 0
        for fault in self._faults:
            count += fault.is_confirmed
        return count

    def snapshot(self) -> bytes:
        """Return the states as bytes: a format byte, then six bytes a fault."""
        data = bytearray(1 + _ENTRY_BYTES * len(self._faults))
        data[0] = _SNAPSHOT_FORMAT
        at = 1
        for fault in self._faults:
            fault.save_into(data, at)
            at += _ENTRY_BYTES
        return bytes(data)

    def restore(self, data: bytes) -> list:
        """Take the states of the boot before and begin a new operation cycle.

        Return the faults that are cleared by age, for whoever reports them. Faults that the
        product has no more are dropped, new ones stay as they are. Raise ValueError when the bytes
        are no snapshot.
        """
        if not data or data[0] != _SNAPSHOT_FORMAT or (len(data) - 1) % _ENTRY_BYTES:
            raise ValueError("not a snapshot of fault states: %d bytes" % len(data))
        for at in range(1, len(data), _ENTRY_BYTES):
            fault = self._maybe_find_key(data[at] << 16 | data[at + 1] << 8 | data[at + 2])
            if fault is not None:
                fault.load_from(data, at)
        return [f for f in self._faults if f.begin_cycle(self._ageing_cycles) is not None]

    def _maybe_find_key(self, key: int) -> "FaultState | None":
        for fault in self._faults:
            if fault.spec.spn << 5 | fault.spec.fmi == key:
                return fault
        return None
