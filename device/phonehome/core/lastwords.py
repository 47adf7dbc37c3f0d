"""The black box read again: the crash record of it, and lines of the log as breadcrumbs. Needed at
a boot, for a crash and for a log excerpt.
"""

import struct
from binascii import crc32

from phonehome_wire.compat import const
from phonehome_wire.crash import Crash

# Folded away on a board; a test holds them to the wire's registry and limits.
_MAX_CRASH_CRUMBS = const(16)

# As blackbox and logring write them; a test holds these to theirs.
_SLOT = "crash.bin"
_TOLD_SLOT = "crash-"
_TOLD = const(0x80)
_MAGIC = b"PHB1"
_HEAD_BYTES = const(65)
_SHORT = "<BBHB13s"
_SHORT_BYTES = const(18)
_STATE = "<IIIBBB"
_STATE_AT = const(18)
_FAULTS_AT = const(33)
_KINDS = const(7)
_LINE = "<IBB10s32s"
_LINE_BYTES = const(48)

_FILE_TAIL = const(48)
_WRAP_MS = const(0x40000000)


class Words:
    """What the boot before left: its meaning (RESET_*), a name, uptime, and a crash or None.

    `told` are the low bits (boot, seq) of the record that they were becoming, 8 and 16, or None.
    `young` counts the boots that died young, None where retained memory is lost; with `is_begun`
    this boot is one of them already.
    """

    def __init__(
        self, meaning: int, name: str, uptime_s: int, crash, told=None, boots=None
    ) -> None:
        self.meaning = meaning
        self.name = name
        self.uptime_s = uptime_s
        self.crash = crash
        self.told = told
        self.young = None if boots is None else boots >> 1
        self.is_begun = bool(boots and boots & 1)


def find_slot(names: list) -> str:
    """The name of the file that holds words, "" without one; it says as which record they went."""
    for name in names:
        if name == _SLOT or name.startswith(_TOLD_SLOT):
            return str(name)
    return ""


def read_words(retained: bytes, slot: bytes, slot_name: str = _SLOT) -> Words:
    """The words in retained memory and in the slot; what is damaged or absent says nothing."""
    crash = _read_slot(slot)
    told = _told_of(slot_name)
    if len(retained) < _SHORT_BYTES:
        name = str(crash.exception or "") if crash else ""
        return Words(0, name, 0, crash, told)
    meaning, kind, low, high, name = struct.unpack(_SHORT, retained[:_SHORT_BYTES])
    boots, kind = kind >> 3, kind & _KINDS
    if kind and crash is None:
        head = retained + bytes(_HEAD_BYTES - len(retained)) if len(retained) < 65 else retained
        crash = crash_of(head, b"", 0, b"")
    uptime_s = low | high << 16
    if meaning & _TOLD:
        told = told or (uptime_s & 0xFF, uptime_s >> 8)
        uptime_s = 0
    return Words(meaning & ~_TOLD, text_of(name), uptime_s, crash, told, boots)


def crash_of(head, text, used: int, lines) -> Crash:
    """The crash of a head, a printed traceback and the ring of log lines."""
    _, kind, _, _, name = struct.unpack(_SHORT, head[:_SHORT_BYTES])
    now_ms, free, largest, omitted, first, count = struct.unpack(
        _STATE, head[_STATE_AT:_FAULTS_AT]
    )
    crash = Crash(kind & _KINDS)
    crash.exception = text_of(name)
    printed = text_of(bytes(text[:used])).split("\n")
    found = [_parse_frame(line) for line in printed]
    crash.frames = [frame for frame in found if frame]
    crash.exception, crash.message = _parse_end(printed, crash.exception)
    crash.omitted = omitted
    if count or free or now_ms:
        crash.heap_free, crash.heap_largest = free, largest
    for index in range(min(count, 8)):
        at = _FAULTS_AT + 4 * index
        key = struct.unpack("<I", head[at : at + 4])[0]
        crash.faults.append((key >> 5, key & 31))
    crash.crumbs = crumbs_of(lines, first, now_ms, _MAX_CRASH_CRUMBS)
    return crash


def crumbs_of(lines, first: int, now_ms: int, most: int) -> list:
    """(ms before now, logger, text, severity) of the newest lines of a ring, oldest first."""
    crumbs = []
    count = len(lines) // _LINE_BYTES
    for index in range(count):
        at = (first + index) % count * _LINE_BYTES
        at_ms, level, _, name, text = struct.unpack(_LINE, lines[at : at + _LINE_BYTES])
        if level:
            ago_ms = (now_ms - at_ms) % _WRAP_MS
            crumbs.append((-ago_ms, text_of(name), text_of(text), _severity_of(level)))
    return crumbs[-most:]


def text_of(data: bytes) -> str:
    """The text of a field that is filled up with zeros and may be cut inside a character."""
    data = data.rstrip(b"\0")
    for cut in range(len(data) + 1):
        try:
            return data[: len(data) - cut].decode()
        except UnicodeError:
            pass  # one byte less
    return ""


def _severity_of(level: int) -> int:
    """RFC 5424's word for a tenth of a level: debug 7, info 6, warning 4, error 3, critical 2."""
    return 8 - level if level < 3 else max(0, 7 - level)


def _told_of(name: str):
    """(boot, seq), their low bits, of a slot that was renamed; None of another."""
    numbers = name[len(_TOLD_SLOT) :].split("-")
    try:
        boot, seq = [int(number, 16) for number in numbers]
    except ValueError:
        return None
    return boot & 0xFF, seq & 0xFFFF


def _read_slot(slot: bytes):
    end = len(slot) - 4
    text_at = 4 + _HEAD_BYTES + 2
    if end < text_at or slot[:4] != _MAGIC:
        return None
    if struct.unpack("<I", slot[end:])[0] != crc32(slot[:end]):
        return None
    head = slot[4 : 4 + _HEAD_BYTES]
    used = struct.unpack("<H", slot[text_at - 2 : text_at])[0]
    text_end = text_at + used
    return crash_of(head, slot[text_at:text_end], used, slot[text_end:end])


def _parse_end(printed: list, name: str) -> tuple:
    """(exception, message) of the last printed line, which says `ValueError: what was wrong`."""
    for line in reversed(printed):
        kind, _, message = line.partition(":")
        if name and kind.split(".")[-1].startswith(name):
            return kind.split(".")[-1], message.strip()
    return name or None, None


def _parse_frame(line: str):
    """(file, line, function) of a line `File "main.py", line 3, in run`, or None."""
    parts = line.strip().split('"')
    if len(parts) != 3 or parts[0] != "File ":
        return None
    rest = parts[2].split(", ")
    if len(rest) < 2 or not rest[1].startswith("line "):
        return None
    number = rest[1][5:]
    function = rest[2][3:] if len(rest) > 2 else ""
    return parts[1][-_FILE_TAIL:], int(number) if number.isdigit() else 0, function
