"""Memory that outlives a reset, not a power cut: a few bytes with their length and checksum.

    retained = length[1] crc16[2] data

Where it is depends on the board: ESP32 RTC memory (all of it is the agent's), the RP2's watchdog
scratch registers, `machine.mem_backup()` where the firmware has it, a file on a computer.
"""

import sys

from phonehome_wire.compat import const

_HEAD_BYTES = const(3)
_WORD_BYTES = const(3)  # of four: a full word would be an allocated integer on a 32-bit board
_BLOCK_BYTES = const(128)
_FILE = "retained.bin"
# Scratch 4 is the watchdog's own mark.
_SCRATCHES = (0, 1, 2, 3, 5, 6, 7)
_RP2040_SCRATCH = const(0x4005800C)
_RP2350_SCRATCH = const(0x400D800C)


class Retained:
    """A few bytes in `cells`, an object with `size`, `load(buf)` and `store(buf)`.

    `room` is how many bytes fit; writing allocates nothing where the cells do not.
    """

    def __init__(self, cells) -> None:
        self._cells = cells
        self._buf = bytearray(cells.size)
        self.room = cells.size - _HEAD_BYTES

    def read(self) -> bytes:
        """What was written last, b"" when it is lost or damaged."""
        buf = self._buf
        self._cells.load(buf)
        size = buf[0]
        if size > self.room or _crc16(buf, size) != buf[1] | buf[2] << 8:
            return b""
        return bytes(buf[_HEAD_BYTES : _HEAD_BYTES + size])

    def write(self, data) -> None:
        """Keep this much of the data as fits."""
        buf = self._buf
        size = min(len(data), self.room)
        buf[0] = size
        for i in range(size):
            buf[_HEAD_BYTES + i] = data[i]
        crc = _crc16(buf, size)
        buf[1] = crc & 0xFF
        buf[2] = crc >> 8
        self._cells.store(buf)


class WordCells:
    """Words of a memory that can only be written whole, three bytes in each."""

    def __init__(self, words, addresses) -> None:
        self._words = words
        self._addresses = addresses
        self.size = _WORD_BYTES * len(addresses)

    def load(self, buf) -> None:
        """Fill the buffer from the words."""
        at = 0
        for address in self._addresses:
            word = self._words[address]
            for shift in (0, 8, 16):
                buf[at] = word >> shift & 0xFF
                at += 1

    def store(self, buf) -> None:
        """Write the buffer into the words."""
        at = 0
        for address in self._addresses:
            self._words[address] = buf[at] | buf[at + 1] << 8 | buf[at + 2] << 16
            at += _WORD_BYTES


class BlockCells:
    """A block that is read and written as a whole by one function each."""

    size = _BLOCK_BYTES

    def __init__(self, read, write) -> None:
        self._read = read
        self.store = write

    def load(self, buf) -> None:
        """Fill the buffer with what was stored; a length that cannot be when it is too short."""
        data = self._read()
        buf[0] = 0xFF
        for i in range(min(len(buf), len(data))):
            buf[i] = data[i]


def retained_of(machine, folder) -> Retained:
    """The retained memory of this board; `folder` holds it on a computer."""
    if sys.platform == "rp2":
        is_later = "RP2350" in sys.implementation._machine  # noqa: SLF001  # its public name
        first = _RP2350_SCRATCH if is_later else _RP2040_SCRATCH
        return Retained(WordCells(machine.mem32, [first + 4 * i for i in _SCRATCHES]))
    if sys.platform == "esp32":
        memory = machine.RTC().memory
        return Retained(BlockCells(memory, memory))
    if hasattr(machine, "mem_backup"):
        memory = machine.mem_backup()

        def copy(buf) -> None:
            for i, byte in enumerate(buf):
                memory[i] = byte

        return Retained(BlockCells(lambda: memory, copy))
    return Retained(BlockCells(lambda: folder.read(_FILE), lambda buf: folder.replace(_FILE, buf)))


def _crc16(buf, size: int) -> int:
    """CRC-16/CCITT of the data; small integers only, so it takes nothing from the heap."""
    crc = 0xFFFF
    for i in range(_HEAD_BYTES, _HEAD_BYTES + size):
        crc ^= buf[i] << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc
