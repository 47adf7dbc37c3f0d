"""Segment files: append-only runs of records on flash, readable whatever happened to them.

    segment = "PHS1" number[4] inc[4] crc32[4], then frames: length[2] crc32[4] record

The checksum of a frame starts from its header, so that a frame which drifted in from
another segment is not taken for one of this. A frame that does not check is skipped byte by byte
until the next good one: a torn tail or a flipped bit costs the record it hit and no other.
"""

import struct
from binascii import crc32

from phonehome_wire.compat import const

MAX_SEGMENT_BYTES = const(4096)  # one erase block of the flash of both boards
HEADER_BYTES = const(16)
FRAME_BYTES = const(6)
_MAGIC = b"PHS1"
_SUFFIX = ".seg"
_REFUSED = "refused.bin"
_DROPS = "drops.bin"
_DROPS_MAGIC = b"PHD1"  # then a count[4] for each kind, crc32[4]
_REFUSED_HEAD = "<4sIIBH"  # inc, boot, seq, code, length


class Segment:
    """What was read of one file: `inc` (None: header unreadable), records, `size`, `gaps`."""

    def __init__(self, inc, records: list, size: int, gaps: int) -> None:
        self.inc = inc
        self.records = records
        self.size = size
        self.gaps = gaps


class Segments:
    """The segment files of a folder, by number; every method raises OSError as the folder does."""

    def __init__(self, folder) -> None:
        self._folder = folder

    def numbers(self) -> list:
        """Numbers of the segments that are there, oldest first."""
        names = [name for name in self._folder.names() if name.endswith(_SUFFIX)]
        return [int(name[: -len(_SUFFIX)], 16) for name in names]

    def load(self, number: int) -> Segment:
        """Read a segment; records are views of one buffer, in the order of writing."""
        data = self._folder.read(_name(number))
        if not _is_header(data, number):
            # of an empty file only the name was written when the power went: nothing is missing
            return Segment(None, [], len(data), 1 if data else 0)
        seed = _seed(data)
        records = []
        gaps = _scan(memoryview(data), seed, records)
        return Segment(data[8:12], records, len(data), gaps)

    def create(self, number: int, inc: bytes, record) -> None:
        """Begin a segment with its first record, in one write."""
        header = _header(number, inc)
        self._folder.append(_name(number), header + _frame(record, _seed(header)) + record)

    def append(self, number: int, inc: bytes, record) -> None:
        """Put a record behind those of a segment that was created or loaded without gaps."""
        seed = _seed(_header(number, inc))
        self._folder.append(_name(number), _frame(record, seed) + record)

    def rewrite(self, number: int, inc: bytes, records: list) -> None:
        """Make these the records of the segment; cut short, the old ones are still there."""
        data = bytearray(_header(number, inc))
        seed = _seed(data)
        for record in records:
            data += _frame(record, seed)
            data += record
        self._folder.replace(_name(number), data)

    def remove(self, number: int) -> None:
        """Delete a segment."""
        self._folder.remove(_name(number))

    def load_drops(self) -> list:
        """The counts that were kept last, [] when there are none or they are damaged."""
        data = self._folder.read(_DROPS)
        end = len(data) - 4
        if (
            end < 4
            or data[:4] != _DROPS_MAGIC
            or data[end:] != struct.pack("<I", crc32(data[:end]))
        ):
            return []
        return [struct.unpack("<I", data[at : at + 4])[0] for at in range(4, end, 4)]

    def keep_drops(self, counts: list) -> None:
        """Make these the counts of what was given up; cut short, the old ones are still there."""
        data = _DROPS_MAGIC + b"".join([struct.pack("<I", count) for count in counts])
        self._folder.replace(_DROPS, data + struct.pack("<I", crc32(data)))

    def quarantine(self, inc: bytes, boot: int, seq: int, code: int, record) -> None:
        """Keep a refused record for inspection; a full quarantine starts anew with this one."""
        entry = struct.pack(_REFUSED_HEAD, inc, boot, seq, code, len(record)) + record
        if len(self._folder.read(_REFUSED)) + len(entry) > MAX_SEGMENT_BYTES:
            self._folder.replace(_REFUSED, entry)
        else:
            self._folder.append(_REFUSED, entry)


def _name(number: int) -> str:
    return "%08x%s" % (number, _SUFFIX)


def _header(number: int, inc: bytes) -> bytes:
    plain = _MAGIC + struct.pack("<I", number) + inc
    return plain + struct.pack("<I", crc32(plain))


def _seed(header) -> int:
    """What the checksums of frames start from; with the header's own in it all would be equal."""
    return crc32(header[: HEADER_BYTES - 4])


def _is_header(data: bytes, number: int) -> bool:
    return data[:HEADER_BYTES] == _header(number, bytes(data[8:12]))


def _frame(record, seed: int) -> bytes:
    size = struct.pack("<H", len(record))
    return size + struct.pack("<I", crc32(record, crc32(size, seed)))


def _scan(data: memoryview, seed: int, records: list) -> int:
    """Collect the good records behind the header; return the number of unreadable stretches."""
    gaps = 0
    was_good = True
    at = HEADER_BYTES
    while at < len(data):
        end = _good_end(data, at, seed)
        if end:
            records.append(data[at + FRAME_BYTES : end])
        elif was_good:
            gaps += 1
        was_good = end > 0
        at = end or at + 1
    return gaps


def _good_end(data: memoryview, at: int, seed: int) -> int:
    """Where the frame at this place ends, or 0 when there is no good one."""
    body = at + FRAME_BYTES
    if body > len(data):
        return 0
    end = body + (data[at] | data[at + 1] << 8)
    if end == body or end > len(data):
        return 0
    found = crc32(data[body:end], crc32(data[at : at + 2], seed))
    return end if struct.unpack("<I", data[at + 2 : body])[0] == found else 0
