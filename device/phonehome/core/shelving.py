"""What of the silences survives a reboot, in front of the snapshot of the fault states."""

from phonehome_wire.compat import const

from .silence import MAX_SHELF_MS

# As in silence.
_MINUTE_MS = const(60000)
_AGES = const(5)
_ANY = const(4)
_CHATTERS = const(1)
_IS_WITHHELD = const(2)

_FORMAT = const(2)  # of a snapshot with silences before the one of the fault states
_HEAD_BYTES = const(2)  # that format, and how many entries
_ENTRY_BYTES = const(5)  # the fault as in the table's snapshot, then minutes and a bit
_KEY_BYTES = const(3)
_TABLE_ENTRY_BYTES = const(6)
_WITHHELD_BIT = const(0x8000)
_MINUTES = const(0x7FFF)


def wrap(silence, snapshot: bytes) -> bytes:
    """Return a snapshot of the fault states with what of the silences survives a reboot."""
    entries = b""
    count = 0
    for index in range(len(silence.flags)):
        minutes = -(-silence.shelf_ms[index] // _MINUTE_MS)
        withheld = _WITHHELD_BIT if silence.flags[index] & _IS_WITHHELD else 0
        if minutes or withheld:
            at = 1 + _TABLE_ENTRY_BYTES * index
            entries += snapshot[at : at + _KEY_BYTES] + (minutes | withheld).to_bytes(2, "big")
            count += 1
    return bytes((_FORMAT, count)) + entries + snapshot if count else snapshot


def unwrap(silence, data: bytes, table: bytes) -> bytes:
    """Take back what `wrap` kept, for the faults in the snapshot `table`; return the rest.

    An eighth of a shelf, at least a minute, is gone with a reboot: nobody knows how long the board
    was off, and one that keeps rebooting must not stay silent for ever.
    """
    end = _HEAD_BYTES + _ENTRY_BYTES * int.from_bytes(data[1:_HEAD_BYTES], "big")
    for at in range(_HEAD_BYTES, end, _ENTRY_BYTES):
        entry = data[at : at + _ENTRY_BYTES]
        for index in range(len(silence.flags)):
            place = 1 + _TABLE_ENTRY_BYTES * index
            if entry[:_KEY_BYTES] == table[place : place + _KEY_BYTES]:
                _resume(silence, index, int.from_bytes(entry[_KEY_BYTES:], "big"))
    return data[end:]


def _resume(silence, index: int, word: int) -> None:
    minutes = word & _MINUTES
    minutes -= max(minutes // 8, 1)
    silence.shelf_ms[index] = min(max(minutes, 0) * _MINUTE_MS, MAX_SHELF_MS)
    if word & _WITHHELD_BIT:
        silence.flags[index] = _IS_WITHHELD | (0 if silence.shelf_ms[index] else _CHATTERS)
        silence.ages_ms[_AGES * index + _ANY] = 0  # told when a minute of this boot was quiet
