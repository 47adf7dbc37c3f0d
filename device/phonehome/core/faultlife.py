"""Fault states at their transitions and between boots; loaded for one, dropped before a wait.

Works on a FaultTable, whose `entries` are the bytes that survive a reboot.
"""

from phonehome_wire.compat import const

from .faults import CLEARED, CONFIRMED, EVENT_AGE, EVENT_CLEAR, MAX_OCCURRENCE, PENDING

# Folded away on a board; a test holds them to the wire's registry and limits.
_STATUS_CONFIRMED = const(8)
_STATUS_FAILED_SINCE_CLEAR = const(32)
_STATUS_FAILED_THIS_CYCLE = const(2)
_STATUS_NOT_COMPLETED_SINCE_CLEAR = const(16)
_STATUS_NOT_COMPLETED_THIS_CYCLE = const(64)
_STATUS_PENDING = const(4)
_STATUS_TEST_FAILED = const(1)
_STATUS_WARNING = const(128)

# What a state alone says about the status byte.
_STATUS_OF_STATE = (
    0,
    _STATUS_TEST_FAILED | _STATUS_PENDING,
    _STATUS_TEST_FAILED | _STATUS_PENDING | _STATUS_CONFIRMED,
    _STATUS_CONFIRMED,
    0,
)

# As in faults.
_TESTED_THIS_CYCLE = const(0x08)
_FAILED_THIS_CYCLE = const(0x10)
_PENDING_MEMORY = const(0x20)
_TESTED_SINCE_CLEAR = const(0x40)
_FAILED_SINCE_CLEAR = const(0x80)
_THIS_CYCLE = const(_TESTED_THIS_CYCLE | _FAILED_THIS_CYCLE)
_STATE_BITS = const(0x07)
_SNAPSHOT_FORMAT = const(1)
_HEAD_BYTES = const(1)
_ENTRY_BYTES = const(6)
_STATE = const(3)
_OCCURRENCE = const(4)
_CLEAN = const(5)


class FaultState:
    """A look at one fault of the table, and what is known about its last transition.

    `value` and `limit` are steps of 10**exp (None where a rule has none), `failing_ms` is the time
    from the first to the newest failing test; they are set for whoever hears of the transition.
    """

    def __init__(self, table, index: int) -> None:
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
        state: int = self._table.state(self.index)
        return state

    @property
    def is_confirmed(self) -> bool:
        """True while the fault is there; a pending one may be there, a healed one was."""
        return self.state == CONFIRMED

    @property
    def status(self) -> int:
        """The status byte of ISO 14229-1, derived from the state and the tests so far."""
        return status_of(self._table, self.index)

    @property
    def occurrence(self) -> int:
        """How often the fault was confirmed since it was last cleared by command, up to 126."""
        occurrence: int = self._table.occurrence(self.index)
        return occurrence


def status_of(table, index: int) -> int:
    """Return the status byte of ISO 14229-1."""
    tests: int = table.entries[_ENTRY_BYTES * index + _HEAD_BYTES + _STATE]
    state = tests & _STATE_BITS
    status = _STATUS_OF_STATE[state]
    if state == CONFIRMED and table.specs[index].urgent:
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


def new_entries(specs) -> bytearray:
    """Return the table of faults that were never tested: a format byte, then six bytes each."""
    entries = bytearray(_HEAD_BYTES + _ENTRY_BYTES * len(specs))
    entries[0] = _SNAPSHOT_FORMAT
    for index in range(len(specs)):
        key = specs[index].spn << 5 | specs[index].fmi
        at = _ENTRY_BYTES * index + _HEAD_BYTES
        entries[at : at + _STATE] = key.to_bytes(_STATE, "big")
    return entries


def clear(table, index: int) -> "int | None":
    """Clear by command: history and tests too; return the kind to report, None when ok."""
    kind: int | None = table.apply(index, EVENT_CLEAR)
    at = _ENTRY_BYTES * index + _HEAD_BYTES
    table.entries[at + _STATE] &= _STATE_BITS
    table.entries[at + _OCCURRENCE] = 0
    table.entries[at + _CLEAN] = 0
    return kind


def snapshot(table) -> bytes:
    """Return what survives a reboot; a pending fault as ok, with its tests."""
    data = bytearray(table.entries)
    for at in range(_HEAD_BYTES, len(data), _ENTRY_BYTES):
        if data[at + _STATE] & _STATE_BITS == PENDING:
            data[at + _STATE] &= ~_STATE_BITS & 0xFF
    return bytes(data)


def restore(table, data: bytes) -> list:
    """Take the states of the boot before; return looks at the faults that are cleared by age."""
    if not data or data[0] != _SNAPSHOT_FORMAT or (len(data) - _HEAD_BYTES) % _ENTRY_BYTES:
        raise ValueError("not a snapshot of fault states: %d bytes" % len(data))
    for at in range(_HEAD_BYTES, len(data), _ENTRY_BYTES):
        if data[at + _STATE] & _STATE_BITS > CLEARED or data[at + _OCCURRENCE] > MAX_OCCURRENCE:
            raise ValueError("not a snapshot of fault states: wrong at byte %d" % at)
    for at in range(_HEAD_BYTES, len(data), _ENTRY_BYTES):
        _load(table.entries, data[at : at + _ENTRY_BYTES])
    indices = range(len(table.specs))
    return [FaultState(table, index) for index in indices if _begin_cycle(table, index)]


def _load(entries: bytearray, entry: bytes) -> None:
    for at in range(_HEAD_BYTES, len(entries), _ENTRY_BYTES):
        if entries[at : at + _STATE] == entry[:_STATE]:
            entries[at : at + _ENTRY_BYTES] = entry


def _begin_cycle(table, index: int) -> bool:
    """Begin an operation cycle; True when age has cleared the fault."""
    entries = table.entries
    at = _ENTRY_BYTES * index + _HEAD_BYTES
    tests = entries[at + _STATE]
    if tests & _THIS_CYCLE == _TESTED_THIS_CYCLE:
        tests &= ~_PENDING_MEMORY
        entries[at + _CLEAN] = min(entries[at + _CLEAN] + 1, 255)
    entries[at + _STATE] = tests & ~_THIS_CYCLE
    is_aged: bool = entries[at + _CLEAN] >= table.ageing_cycles
    return is_aged and table.apply(index, EVENT_AGE) is not None
