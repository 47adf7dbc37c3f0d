"""Silence: transitions that are not told for a while, though the fault table goes on.

A person shelves a fault for a bounded time (ISA-18.2); a fault that is confirmed three times in
a minute chatters, and its cycles collapse into one record with their count; pending faults that
come and go are told twice a minute at most. Needed from a transition until a minute went by
without one: a board in good health has none of this on its heap.
"""

from array import array

from phonehome_wire.compat import const

# Folded away on a board; a test holds them to the wire's registry and limits.
_KIND_CLEARED = const(3)
_KIND_CONFIRMED = const(0)
_KIND_HEALED = const(2)
_KIND_PENDING = const(1)

# What a state at the end of a silence is told as; ok and pending lie behind a clearing by age.
_KIND_OF_STATE = (_KIND_CLEARED, _KIND_CLEARED, _KIND_CONFIRMED, _KIND_HEALED, _KIND_CLEARED)

_MINUTE_MS = const(60000)
MAX_SHELF_MS = const(604800000)  # a week; whoever wants it longer means to repair the rule

# Of each fault the ages of its newest transitions, which stand still at a minute.
_AGES = const(5)
_PENDINGS = const(0)  # the newest, then the one before
_CONFIRMATIONS = const(2)  # likewise
_ANY = const(4)

_CHATTERS = const(1)
_IS_WITHHELD = const(2)  # something beyond pending was not told

_FORMAT = const(2)  # of a snapshot with silences before the one of the fault states
_HEAD_BYTES = const(2)  # that format, and how many entries
_ENTRY_BYTES = const(5)  # the fault as in the table's snapshot, then minutes and a bit
_KEY_BYTES = const(3)
_TABLE_ENTRY_BYTES = const(6)
_WITHHELD_BIT = const(0x8000)
_MINUTES = const(0x7FFF)


class Silence:
    """Which faults of a product are silent, and which of them have something to say at the end."""

    def __init__(self, count: int) -> None:
        self._ages_ms = array("i", bytes(4 * _AGES * count))
        for slot in range(_AGES * count):
            self._ages_ms[slot] = _MINUTE_MS
        self._shelf_ms = array("i", bytes(4 * count))
        self._flags = bytearray(count)

    def shelve(self, index: int, span_ms: int) -> None:
        """Begin a shelf of span_ms, or end one with the next `advance` when that is 0."""
        if not 0 <= span_ms <= MAX_SHELF_MS:
            raise ValueError("span_ms = %r; write 0..%d" % (span_ms, MAX_SHELF_MS))
        if span_ms or self._shelf_ms[index]:
            self._shelf_ms[index] = span_ms or 1

    def shelved_ms(self, index: int) -> int:
        """Return how long a fault stays shelved, 0 when it is not."""
        return self._shelf_ms[index]

    def is_chattering(self, index: int) -> bool:
        """True from the third confirmation within a minute until a minute without a transition."""
        return bool(self._flags[index] & _CHATTERS)

    def forget(self, index: int) -> None:
        """Begin anew: the fault was cleared by command."""
        self._shelf_ms[index] = self._flags[index] = 0
        for slot in range(_AGES * index, _AGES * index + _AGES):
            self._ages_ms[slot] = _MINUTE_MS

    def lets_pass(self, index: int, kind: int) -> bool:
        """Note a transition of now; True when it is to be told."""
        ages_ms, at = self._ages_ms, _AGES * index
        ages_ms[at + _ANY] = 0
        is_third = False
        if kind in (_KIND_PENDING, _KIND_CONFIRMED):
            newest = at + (_PENDINGS if kind == _KIND_PENDING else _CONFIRMATIONS)
            is_third = ages_ms[newest + 1] < _MINUTE_MS
            ages_ms[newest + 1] = ages_ms[newest]
            ages_ms[newest] = 0
        if self._is_silent(index):
            if kind != _KIND_PENDING:
                self._flags[index] |= _IS_WITHHELD
            return False
        if is_third and kind == _KIND_CONFIRMED:
            self._flags[index] |= _CHATTERS  # this one is told: it is there, and stays so for now
        return not is_third or kind == _KIND_CONFIRMED

    def advance(self, span_ms: int, faults, tell) -> bool:
        """Let time pass and `tell(index, kind)` at an end what changed; True when all is quiet."""
        for slot in range(len(self._ages_ms)):
            if self._ages_ms[slot] < _MINUTE_MS:
                self._ages_ms[slot] = min(self._ages_ms[slot] + span_ms, _MINUTE_MS)
        is_quiet = True
        for index in range(len(self._flags)):
            if self._is_silent(index):
                self._shelf_ms[index] = max(self._shelf_ms[index] - span_ms, 0)
                self._end_if_due(index, faults.state(index), tell)
            is_aged = self._ages_ms[_AGES * index + _ANY] == _MINUTE_MS
            is_quiet = is_quiet and is_aged and not self._is_silent(index)
        return is_quiet

    def _is_silent(self, index: int) -> bool:
        return self._shelf_ms[index] > 0 or bool(self._flags[index] & _CHATTERS)

    def _end_if_due(self, index: int, state: int, tell) -> None:
        if self._ages_ms[_AGES * index + _ANY] == _MINUTE_MS:
            self._flags[index] &= ~_CHATTERS & 0xFF
        if not self._is_silent(index) and self._flags[index]:
            self._flags[index] = 0
            tell(index, _KIND_OF_STATE[state])

    def wrap(self, snapshot: bytes) -> bytes:
        """Return a snapshot of the fault states with what of the silences survives a reboot."""
        entries = b""
        count = 0
        for index in range(len(self._flags)):
            minutes = -(-self._shelf_ms[index] // _MINUTE_MS)
            withheld = _WITHHELD_BIT if self._flags[index] & _IS_WITHHELD else 0
            if minutes or withheld:
                at = 1 + _TABLE_ENTRY_BYTES * index
                entries += snapshot[at : at + _KEY_BYTES] + (minutes | withheld).to_bytes(2, "big")
                count += 1
        return bytes((_FORMAT, count)) + entries + snapshot if count else snapshot

    def unwrap(self, data: bytes, table: bytes) -> bytes:
        """Take back what `wrap` kept, for the faults in the snapshot `table`; return the rest.

        An eighth of a shelf, at least a minute, is gone with a reboot: nobody knows how long the
        board was off, and one that keeps rebooting must not stay silent for ever.
        """
        end = _HEAD_BYTES + _ENTRY_BYTES * int.from_bytes(data[1:_HEAD_BYTES], "big")
        for at in range(_HEAD_BYTES, end, _ENTRY_BYTES):
            entry = data[at : at + _ENTRY_BYTES]
            for index in range(len(self._flags)):
                place = 1 + _TABLE_ENTRY_BYTES * index
                if entry[:_KEY_BYTES] == table[place : place + _KEY_BYTES]:
                    self._resume(index, int.from_bytes(entry[_KEY_BYTES:], "big"))
        return data[end:]

    def _resume(self, index: int, word: int) -> None:
        minutes = word & _MINUTES
        minutes -= max(minutes // 8, 1)
        self._shelf_ms[index] = min(max(minutes, 0) * _MINUTE_MS, MAX_SHELF_MS)
        if word & _WITHHELD_BIT:
            self._flags[index] = _IS_WITHHELD | (0 if self._shelf_ms[index] else _CHATTERS)
            self._ages_ms[_AGES * index + _ANY] = 0  # told when a minute of this boot was quiet
