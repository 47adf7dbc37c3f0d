"""Fault states: one table from ok to cleared, the ISO 14229-1 status byte, occurrence, ageing.

    ok -> pending -> confirmed -> healed -> cleared

An operation cycle is a boot. A verdict of a rule is a test; a healed fault whose tests passed in
`ageing_cycles` boots one after the other is cleared by age.
"""

from phonehome_wire.compat import const

from .debounce import EVENT_CONFIRM, EVENT_FAIL, EVENT_FALL_BACK, EVENT_HEAL, FAIL, NOTHING

# Folded away on a board; a test holds them to the wire's registry and limits.
_KIND_CLEARED = const(3)
_KIND_CONFIRMED = const(0)
_KIND_HEALED = const(2)
_KIND_PENDING = const(1)
_STATUS_CONFIRMED = const(8)
_STATUS_FAILED_SINCE_CLEAR = const(32)
_STATUS_FAILED_THIS_CYCLE = const(2)
_STATUS_NOT_COMPLETED_SINCE_CLEAR = const(16)
_STATUS_NOT_COMPLETED_THIS_CYCLE = const(64)
_STATUS_PENDING = const(4)
_STATUS_TEST_FAILED = const(1)
_STATUS_WARNING = const(128)

OK = const(0)
PENDING = const(1)
CONFIRMED = const(2)
HEALED = const(3)
CLEARED = const(4)

EVENT_CLEAR = const(4)  # by command
EVENT_AGE = const(5)  # after enough clean operation cycles

MAX_OCCURRENCE = const(126)  # J1939-73: 127 means not available
AGEING_CYCLES = const(
    40
)  # what vehicles use for emission faults, for want of anything better founded

# state << 3 | event: (next state, what is reported or None). A pair that is not here changes
# nothing. The keys are integers because looking up a pair would make one, on the heap.
TRANSITIONS = {
    OK << 3 | EVENT_FAIL: (PENDING, _KIND_PENDING),
    OK << 3 | EVENT_CONFIRM: (CONFIRMED, _KIND_CONFIRMED),
    PENDING << 3 | EVENT_FALL_BACK: (OK, None),
    PENDING << 3 | EVENT_CONFIRM: (CONFIRMED, _KIND_CONFIRMED),
    CONFIRMED << 3 | EVENT_HEAL: (HEALED, _KIND_HEALED),
    HEALED << 3 | EVENT_CONFIRM: (CONFIRMED, _KIND_CONFIRMED),
    HEALED << 3 | EVENT_AGE: (CLEARED, _KIND_CLEARED),
    PENDING << 3 | EVENT_CLEAR: (CLEARED, _KIND_CLEARED),
    CONFIRMED << 3 | EVENT_CLEAR: (CLEARED, _KIND_CLEARED),
    HEALED << 3 | EVENT_CLEAR: (CLEARED, _KIND_CLEARED),
    CLEARED << 3 | EVENT_FAIL: (PENDING, _KIND_PENDING),
    CLEARED << 3 | EVENT_CONFIRM: (CONFIRMED, _KIND_CONFIRMED),
}

# What a state alone says about the status byte.
_STATUS_OF_STATE = (
    0,
    _STATUS_TEST_FAILED | _STATUS_PENDING,
    _STATUS_TEST_FAILED | _STATUS_PENDING | _STATUS_CONFIRMED,
    _STATUS_CONFIRMED,
    0,
)

# What the tests so far say about it; bits 3..7 beside the state.
_TESTED_THIS_CYCLE = const(0x08)
_FAILED_THIS_CYCLE = const(0x10)
_PENDING_MEMORY = const(0x20)
_TESTED_SINCE_CLEAR = const(0x40)
_FAILED_SINCE_CLEAR = const(0x80)
_TESTED = const(_TESTED_THIS_CYCLE | _TESTED_SINCE_CLEAR)
_FAILED = const(_FAILED_THIS_CYCLE | _PENDING_MEMORY | _FAILED_SINCE_CLEAR)
_THIS_CYCLE = const(_TESTED_THIS_CYCLE | _FAILED_THIS_CYCLE)
_STATE_BITS = const(0x07)

_SNAPSHOT_FORMAT = const(1)
_HEAD_BYTES = const(1)  # of the table: the format
_ENTRY_BYTES = const(6)  # of a fault in the table: id and failure mode in three, then
_STATE = const(3)  # state and tests,
_OCCURRENCE = const(4)
_CLEAN = const(5)  # and the clean operation cycles in a row


class FaultState:
    """A look at one fault of the table, and what is known about its last transition.

    `value` and `limit` are steps of 10**exp (None where a rule has none), `failing_ms` is the time
    from the first to the newest failing test; they are set for whoever hears of the transition.
    """

    def __init__(self, table: "FaultTable", index: int) -> None:
        self.index = index
        self.value: int | None = None
        self.limit: int | None = None
        self.exp = 0
        self.failing_ms = 0
        self._table = table

    @property
    def spec(self):
        """The fault as the product declares it."""
        return self._table.specs[self.index]

    @property
    def state(self) -> int:
        """OK, PENDING, CONFIRMED, HEALED or CLEARED."""
        return self._table.state(self.index)

    @property
    def is_confirmed(self) -> bool:
        """True while the fault is there; a pending one may be there, a healed one was."""
        return self.state == CONFIRMED

    @property
    def status(self) -> int:
        """The status byte of ISO 14229-1, derived from the state and the tests so far."""
        return self._table.status(self.index)

    @property
    def occurrence(self) -> int:
        """How often the fault was confirmed since it was last cleared by command, up to 126."""
        return self._table.occurrence(self.index)


class FaultTable:
    """The states of all faults of a product, kept as the bytes that survive a reboot."""

    def __init__(self, specs, ageing_cycles: int = AGEING_CYCLES) -> None:
        self.specs = specs
        self._ageing_cycles = ageing_cycles
        self._bytes = bytearray(_HEAD_BYTES + _ENTRY_BYTES * len(specs))
        self._bytes[0] = _SNAPSHOT_FORMAT
        for index in range(len(specs)):
            self._put_key(index)

    def __len__(self) -> int:
        """How many faults the product has."""
        return len(self.specs)

    def __getitem__(self, index: int) -> FaultState:
        """Return a look at the fault at a place of the product; IndexError beyond the last."""
        if not 0 <= index < len(self.specs):
            raise IndexError("fault %d of %d" % (index, len(self.specs)))
        return FaultState(self, index)

    def maybe_find(self, code: str) -> "FaultState | None":
        """Return a look at the fault with this code for people, or None."""
        for index, spec in enumerate(self.specs):
            if spec.code == code:
                return FaultState(self, index)
        return None

    @property
    def active_count(self) -> int:
        """How many faults are confirmed and not healed."""
        count = 0
        for index in range(len(self.specs)):
            count += self.state(index) == CONFIRMED
        return count

    def state(self, index: int) -> int:
        """Return OK, PENDING, CONFIRMED, HEALED or CLEARED."""
        return self._bytes[_ENTRY_BYTES * index + _HEAD_BYTES + _STATE] & _STATE_BITS

    def occurrence(self, index: int) -> int:
        """Return how often the fault was confirmed since it was cleared by command, up to 126."""
        return self._bytes[_ENTRY_BYTES * index + _HEAD_BYTES + _OCCURRENCE]

    def status(self, index: int) -> int:
        """Return the status byte of ISO 14229-1."""
        tests = self._bytes[_ENTRY_BYTES * index + _HEAD_BYTES + _STATE]
        state = tests & _STATE_BITS
        status = _STATUS_OF_STATE[state]
        if state == CONFIRMED and self.specs[index].urgent:
            status |= _STATUS_WARNING
        if tests & _FAILED_THIS_CYCLE:
            status |= _STATUS_FAILED_THIS_CYCLE
        if tests & _PENDING_MEMORY:
            status |= _STATUS_PENDING
        if tests & _FAILED_SINCE_CLEAR:
            status |= _STATUS_FAILED_SINCE_CLEAR
        if not tests & _TESTED_SINCE_CLEAR:
            status |= _STATUS_NOT_COMPLETED_SINCE_CLEAR
        if not tests & _TESTED_THIS_CYCLE:
            status |= _STATUS_NOT_COMPLETED_THIS_CYCLE
        return status

    def note_test(self, index: int, verdict: int) -> None:
        """Note that the rule passed or failed; the state follows by `apply`."""
        at = _ENTRY_BYTES * index + _HEAD_BYTES
        if verdict == FAIL:
            self._bytes[at + _STATE] |= _TESTED | _FAILED
            self._bytes[at + _CLEAN] = 0
        else:
            self._bytes[at + _STATE] |= _TESTED

    def apply(self, index: int, event: int) -> "int | None":
        """Make the transition of an event; return its kind when it is one to report."""
        if event == NOTHING:
            return None
        at = _ENTRY_BYTES * index + _HEAD_BYTES
        step = TRANSITIONS.get((self._bytes[at + _STATE] & _STATE_BITS) << 3 | event)
        if step is None:
            return None
        self._bytes[at + _STATE] = self._bytes[at + _STATE] & ~_STATE_BITS | step[0]
        if event == EVENT_CONFIRM:
            self._bytes[at + _OCCURRENCE] = min(self._bytes[at + _OCCURRENCE] + 1, MAX_OCCURRENCE)
        return step[1]

    def clear(self, index: int) -> "int | None":
        """Clear by command: history and tests too; return the kind to report, None when ok."""
        kind = self.apply(index, EVENT_CLEAR)
        at = _ENTRY_BYTES * index + _HEAD_BYTES
        self._bytes[at + _STATE] &= _STATE_BITS
        self._bytes[at + _OCCURRENCE] = 0
        self._bytes[at + _CLEAN] = 0
        return kind

    def snapshot(self) -> bytes:
        """Return what survives a reboot: a format byte, then six bytes a fault.

        A pending fault is kept as ok, with its tests: its verdicts do not survive.
        """
        data = bytearray(self._bytes)
        for at in range(_HEAD_BYTES, len(data), _ENTRY_BYTES):
            if data[at + _STATE] & _STATE_BITS == PENDING:
                data[at + _STATE] &= ~_STATE_BITS & 0xFF
        return bytes(data)

    def restore(self, data: bytes) -> list:
        """Take the states of the boot before and begin a new operation cycle.

        Return looks at the faults that are cleared by age, for whoever reports them. Faults that
        the product has no more are dropped, new ones stay as they are. Raise ValueError when the
        bytes are no snapshot.
        """
        if not data or data[0] != _SNAPSHOT_FORMAT or (len(data) - _HEAD_BYTES) % _ENTRY_BYTES:
            raise ValueError("not a snapshot of fault states: %d bytes" % len(data))
        for at in range(_HEAD_BYTES, len(data), _ENTRY_BYTES):
            if (
                data[at + _STATE] & _STATE_BITS > CLEARED
                or data[at + _OCCURRENCE] > MAX_OCCURRENCE
            ):
                raise ValueError("not a snapshot of fault states: wrong at byte %d" % at)
        for at in range(_HEAD_BYTES, len(data), _ENTRY_BYTES):
            self._load(data[at : at + _ENTRY_BYTES])
        indices = range(len(self.specs))
        return [FaultState(self, index) for index in indices if self._begin_cycle(index)]

    def _load(self, entry: bytes) -> None:
        for index in range(len(self.specs)):
            at = _ENTRY_BYTES * index + _HEAD_BYTES
            if self._bytes[at : at + _STATE] == entry[:_STATE]:
                self._bytes[at : at + _ENTRY_BYTES] = entry

    def _begin_cycle(self, index: int) -> bool:
        """Begin an operation cycle; True when age has cleared the fault."""
        at = _ENTRY_BYTES * index + _HEAD_BYTES
        tests = self._bytes[at + _STATE]
        if tests & _THIS_CYCLE == _TESTED_THIS_CYCLE:
            tests &= ~_PENDING_MEMORY
            self._bytes[at + _CLEAN] = min(self._bytes[at + _CLEAN] + 1, 255)
        self._bytes[at + _STATE] = tests & ~_THIS_CYCLE
        is_aged = self._bytes[at + _CLEAN] >= self._ageing_cycles
        return is_aged and self.apply(index, EVENT_AGE) is not None

    def _put_key(self, index: int) -> None:
        spec = self.specs[index]
        key = spec.spn << 5 | spec.fmi
        at = _ENTRY_BYTES * index + _HEAD_BYTES
        self._bytes[at] = key >> 16
        self._bytes[at + 1] = key >> 8 & 0xFF
        self._bytes[at + 2] = key & 0xFF
