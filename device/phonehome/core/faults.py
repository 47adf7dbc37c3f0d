"""Fault states: one table from ok to cleared, the ISO 14229-1 status byte, occurrence, ageing.

    ok -> pending -> confirmed -> healed -> cleared

An operation cycle is a boot. A verdict of a rule is a test; a healed fault whose tests passed in
`ageing_cycles` boots one after the other is cleared by age. What is needed only at a transition
or at the start is in `faultlife`.
"""

from phonehome_wire.compat import const

from .debounce import EVENT_CONFIRM, EVENT_FAIL, EVENT_FALL_BACK, EVENT_HEAL, FAIL, NOTHING

# Folded away on a board; a test holds them to the wire's registry and limits.
_KIND_CLEARED = const(3)
_KIND_CONFIRMED = const(0)
_KIND_HEALED = const(2)
_KIND_PENDING = const(1)

OK = const(0)
PENDING = const(1)
CONFIRMED = const(2)
HEALED = const(3)
CLEARED = const(4)

EVENT_CLEAR = const(4)  # by command
EVENT_AGE = const(5)  # after enough clean operation cycles

MAX_OCCURRENCE = const(126)  # J1939-73: 127 means not available
# What vehicles use for emission faults, for want of anything better founded.
AGEING_CYCLES = const(40)

_UNTOLD = const(7)

# state << 3 | event: next state << 3 | what is reported. A pair that is not here changes nothing.
# Integers, because looking up a pair would make one, on the heap.
TRANSITIONS = {
    OK << 3 | EVENT_FAIL: PENDING << 3 | _KIND_PENDING,
    OK << 3 | EVENT_CONFIRM: CONFIRMED << 3 | _KIND_CONFIRMED,
    PENDING << 3 | EVENT_FALL_BACK: OK << 3 | _UNTOLD,
    PENDING << 3 | EVENT_CONFIRM: CONFIRMED << 3 | _KIND_CONFIRMED,
    CONFIRMED << 3 | EVENT_HEAL: HEALED << 3 | _KIND_HEALED,
    HEALED << 3 | EVENT_CONFIRM: CONFIRMED << 3 | _KIND_CONFIRMED,
    HEALED << 3 | EVENT_AGE: CLEARED << 3 | _KIND_CLEARED,
    PENDING << 3 | EVENT_CLEAR: CLEARED << 3 | _KIND_CLEARED,
    CONFIRMED << 3 | EVENT_CLEAR: CLEARED << 3 | _KIND_CLEARED,
    HEALED << 3 | EVENT_CLEAR: CLEARED << 3 | _KIND_CLEARED,
    CLEARED << 3 | EVENT_FAIL: PENDING << 3 | _KIND_PENDING,
    CLEARED << 3 | EVENT_CONFIRM: CONFIRMED << 3 | _KIND_CONFIRMED,
}

# What the tests so far say about the status byte; bits 3..7 beside the state.
_TESTED = const(0x08 | 0x40)  # this cycle, since clear
_FAILED = const(0x10 | 0x20 | 0x80)  # this cycle, pending memory, since clear
_STATE_BITS = const(0x07)

_HEAD_BYTES = const(1)  # of the table: the format
_ENTRY_BYTES = const(6)  # of a fault in the table: id and failure mode in three, then
_STATE = const(3)  # state and tests,
_OCCURRENCE = const(4)
_CLEAN = const(5)  # and the clean operation cycles in a row

TYPE_CHECKING = const(0)
if TYPE_CHECKING:
    from .faultlife import FaultState


class FaultTable:
    """The states of all faults of a product; `entries` are the bytes that survive a reboot."""

    def __init__(self, specs, ageing_cycles: int = AGEING_CYCLES) -> None:
        from .faultlife import new_entries

        self.specs = specs
        self.ageing_cycles = ageing_cycles
        self.entries = new_entries(specs)

    def __len__(self) -> int:
        """How many faults the product has."""
        return len(self.specs)

    def __getitem__(self, index: int) -> "FaultState":
        """Return a look at the fault at a place of the product; IndexError beyond the last."""
        if not 0 <= index < len(self.specs):
            raise IndexError("fault %d of %d" % (index, len(self.specs)))
        from .faultlife import FaultState

        return FaultState(self, index)

    def maybe_find(self, code: str) -> "FaultState | None":
        """Return a look at the fault with this code for people, or None."""
        for index, spec in enumerate(self.specs):
            if spec.code == code:
                return self[index]
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
        return self.entries[_ENTRY_BYTES * index + _HEAD_BYTES + _STATE] & _STATE_BITS

    def occurrence(self, index: int) -> int:
        """Return how often the fault was confirmed since it was cleared by command, up to 126."""
        return self.entries[_ENTRY_BYTES * index + _HEAD_BYTES + _OCCURRENCE]

    def status(self, index: int) -> int:
        """Return the status byte of ISO 14229-1."""
        from .faultlife import status_of

        return status_of(self, index)

    def note_test(self, index: int, verdict: int) -> None:
        """Note that the rule passed or failed; the state follows by `apply`."""
        at = _ENTRY_BYTES * index + _HEAD_BYTES
        if verdict == FAIL:
            self.entries[at + _STATE] |= _TESTED | _FAILED
            self.entries[at + _CLEAN] = 0
        else:
            self.entries[at + _STATE] |= _TESTED

    def apply(self, index: int, event: int) -> "int | None":
        """Make the transition of an event; return its kind when it is one to report."""
        if event == NOTHING:
            return None
        at = _ENTRY_BYTES * index + _HEAD_BYTES
        step = TRANSITIONS.get((self.entries[at + _STATE] & _STATE_BITS) << 3 | event)
        if step is None:
            return None
        self.entries[at + _STATE] = self.entries[at + _STATE] & ~_STATE_BITS | step >> 3
        if event == EVENT_CONFIRM and self.entries[at + _OCCURRENCE] < MAX_OCCURRENCE:
            self.entries[at + _OCCURRENCE] += 1
        kind = step & _UNTOLD
        return None if kind == _UNTOLD else kind

    def clear(self, index: int) -> "int | None":
        """Clear by command: history and tests too; return the kind to report, None when ok."""
        from .faultlife import clear

        return clear(self, index)

    def snapshot(self) -> bytes:
        """Return what survives a reboot: a format byte, then six bytes a fault.

        A pending fault is kept as ok, with its tests: its verdicts do not survive.
        """
        from .faultlife import snapshot

        return snapshot(self)

    def restore(self, data: bytes) -> list:
        """Take the states of the boot before and begin a new operation cycle.

        Return looks at the faults that are cleared by age, for whoever reports them. Faults that
        the product has no more are dropped, new ones stay as they are. Raise ValueError when the
        bytes are no snapshot.
        """
        from .faultlife import restore

        return restore(self, data)
