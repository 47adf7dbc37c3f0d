"""Memory that outlives a reset, not a power cut: a few bytes with their length and checksum.

    retained = length[1] crc16[2] data

Where it is depends on the board, see `cells`: ESP32 RTC memory (all of it is the agent's), the
RP2's watchdog scratch registers, `machine.mem_backup()` where the firmware has it, a file on a
computer.
"""

from phonehome_wire.compat import const

_HEAD_BYTES = const(3)


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


def _crc16(buf, size: int) -> int:
    """CRC-16/CCITT of the data; small integers only, so it takes nothing from the heap."""
    crc = 0xFFFF
    for i in range(_HEAD_BYTES, _HEAD_BYTES + size):
        crc ^= buf[i] << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc
