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


class Silence:
    """Which faults of a product are silent, and which of them have something to say at the end.

    What of it survives a reboot is written and read by `shelving`.
    """

    def __init__(self, count: int) -> None:
        self.ages_ms = array("i", bytes(4 * _AGES * count))
        for slot in range(_AGES * count):
            self.ages_ms[slot] = _MINUTE_MS
        self.shelf_ms = array("i", bytes(4 * count))
        self.flags = bytearray(count)

    def shelve(self, index: int, span_ms: int) -> None:
        """Begin a shelf of span_ms, or end one with the next `advance` when that is 0."""
        if not 0 <= span_ms <= MAX_SHELF_MS:
            raise ValueError("span_ms = %r; write 0..%d" % (span_ms, MAX_SHELF_MS))
        if span_ms or self.shelf_ms[index]:
            self.shelf_ms[index] = span_ms or 1

    def shelved_ms(self, index: int) -> int:
        """Return how long a fault stays shelved, 0 when it is not."""
        return self.shelf_ms[index]

    def is_chattering(self, index: int) -> bool:
        """True from the third confirmation within a minute until a minute without a transition."""
        return bool(self.flags[index] & _CHATTERS)

    def forget(self, index: int) -> None:
        """Begin anew: the fault was cleared by command."""
        self.shelf_ms[index] = self.flags[index] = 0
        for slot in range(_AGES * index, _AGES * index + _AGES):
            self.ages_ms[slot] = _MINUTE_MS

    def lets_pass(self, index: int, kind: int) -> bool:
        """Note a transition of now; True when it is to be told."""
        ages_ms, at = self.ages_ms, _AGES * index
        ages_ms[at + _ANY] = 0
        is_third = False
        if kind in (_KIND_PENDING, _KIND_CONFIRMED):
            newest = at + (_PENDINGS if kind == _KIND_PENDING else _CONFIRMATIONS)
            is_third = ages_ms[newest + 1] < _MINUTE_MS
            ages_ms[newest + 1] = ages_ms[newest]
            ages_ms[newest] = 0
        if self._is_silent(index):
            if kind != _KIND_PENDING:
                self.flags[index] |= _IS_WITHHELD
            return False
        if is_third and kind == _KIND_CONFIRMED:
            self.flags[index] |= _CHATTERS  # this one is told: it is there, and stays so for now
        return not is_third or kind == _KIND_CONFIRMED

    def advance(self, span_ms: int, faults, sampler) -> bool:
        """Let time pass, and at an end `sampler.tell(index, kind)` what changed.

        True when all is quiet.
        """
        for slot in range(len(self.ages_ms)):
            if self.ages_ms[slot] < _MINUTE_MS:
                self.ages_ms[slot] = min(self.ages_ms[slot] + span_ms, _MINUTE_MS)
        is_quiet = True
        for index in range(len(self.flags)):
            if self._is_silent(index):
                self.shelf_ms[index] = max(self.shelf_ms[index] - span_ms, 0)
                self._end_if_due(index, faults.state(index), sampler)
            is_aged = self.ages_ms[_AGES * index + _ANY] == _MINUTE_MS
            is_quiet = is_quiet and is_aged and not self._is_silent(index)
        return is_quiet

    def _is_silent(self, index: int) -> bool:
        return self.shelf_ms[index] > 0 or bool(self.flags[index] & _CHATTERS)

    def _end_if_due(self, index: int, state: int, sampler) -> None:
        if self.ages_ms[_AGES * index + _ANY] == _MINUTE_MS:
            self.flags[index] &= ~_CHATTERS & 0xFF
        if not self._is_silent(index) and self.flags[index]:
            self.flags[index] = 0
            sampler.tell(index, _KIND_OF_STATE[state])
