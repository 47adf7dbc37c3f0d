"""Two slots for a small piece of state: the one that is not the newest is overwritten.

    slot = "PHI1" generation[4] length[2] state crc32[4]

Whatever happens while one is written, the other still holds what was true before.
"""

import struct
from binascii import crc32

from phonehome_wire.compat import const

_HEAD = "<4sIH"
_HEAD_BYTES = const(10)
_MAGIC = b"PHI1"


class Slots:
    """A state of bytes that survives a cut at any byte of its writing; `name` is of the files."""

    def __init__(self, folder, name: str) -> None:
        self._folder = folder
        self._names = (name + ".a", name + ".b")
        self._generation = 0
        self._newest = 1

    def load(self):
        """Return the newest valid state, or None when there is none."""
        newest = None
        for index in range(2):
            generation, state = _parse(self._folder.read(self._names[index]))
            if state is not None and (newest is None or generation > self._generation):
                newest = state
                self._generation = generation
                self._newest = index
        return newest

    def save(self, state: bytes) -> None:
        """Make this the newest state; OSError when it was not written and the old one holds."""
        generation = self._generation + 1
        data = struct.pack(_HEAD, _MAGIC, generation, len(state)) + state
        other = 1 - self._newest
        self._folder.write(self._names[other], data + struct.pack("<I", crc32(data)))
        self._generation = generation
        self._newest = other


def _parse(data: bytes) -> tuple:
    """(generation, state), or (0, None) when the slot is empty or damaged."""
    if len(data) < _HEAD_BYTES + 4:
        return 0, None
    magic, generation, size = struct.unpack(_HEAD, data[:_HEAD_BYTES])
    end = _HEAD_BYTES + size
    if magic != _MAGIC or len(data) != end + 4:
        return 0, None
    if struct.unpack("<I", data[end:])[0] != crc32(data[:end]):
        return 0, None
    return generation, data[_HEAD_BYTES:end]
