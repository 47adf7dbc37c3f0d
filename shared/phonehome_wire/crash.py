"""A crash on the wire, and what it sheds when it does not fit. Texts that are too long are
clipped, never refused.
"""

from .compat import const
from .encoder import Encoder
from .errors import EncodeError, TooBigError
from .head import put_clipped, put_crumb, put_head, put_name

# Folded away on a board; a test holds them to registry and limits.
_MAX_CRASH_CRUMBS = const(16)
_MAX_CRASH_FAULTS = const(8)
_MAX_CRASH_RECORD_BYTES = const(1295)
_MAX_CRASH_TEXT_BYTES = const(96)
_MAX_FRAMES = const(12)
_CRASH_CRUMBS = const(4)
_CRASH_EXCEPTION = const(1)
_CRASH_FAULTS = const(16)
_CRASH_FRAMES = const(3)
_CRASH_FRAMES_OMITTED = const(8)
_CRASH_HEAP_FREE = const(5)
_CRASH_HEAP_LARGEST = const(6)
_CRASH_KIND = const(0)
_CRASH_MESSAGE = const(2)
_CRASH_RESET_CAUSE = const(7)
_RTYPE_CRASH = const(4)

TYPE_CHECKING = const(0)
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .head import Crumb, Name


class Crash:
    """What one crash says; None is absent.

    `kind` one of CRASHKIND_*; `frames` (file, line, function), outermost first; `crumbs` (ms
    relative to the crash, category, text, number), oldest first; `faults` (spn, fmi) that were
    active, at most 8 are told; `omitted` counts frames that the device already left out.
    """

    def __init__(self, kind: int) -> None:
        self.kind = kind
        self.exception: "Name | None" = None
        self.message: "str | None" = None
        self.frames: "list[tuple[Name, int, Name]]" = []
        self.crumbs: "list[Crumb]" = []
        self.heap_free: "int | None" = None
        self.heap_largest: "int | None" = None
        self.reset_cause: "int | None" = None
        self.faults: "list[tuple[int, int]]" = []
        self.omitted = 0


def encode_crash(
    enc: Encoder, boot: int, seq: int, ms: int, crash: Crash, budget: int = _MAX_CRASH_RECORD_BYTES
) -> None:
    """Write the whole crash record in at most `budget` bytes.

    Too big, it sheds the oldest breadcrumbs, then the outer frames, one by one; those are counted
    in the record. TooBigError when the rest does not fit either; `pos` is then where it was.
    """
    if not 1 <= crash.kind <= 9:
        raise EncodeError("range", "crash kind is %d, want 1..9" % crash.kind)
    start = enc.pos
    end = enc.end
    enc.end = min(end, start + budget)
    try:
        _put_what_fits(enc, boot, seq, ms, crash)
    except EncodeError:
        enc.pos = start
        raise
    finally:
        enc.end = end


def _put_what_fits(enc: Encoder, boot: int, seq: int, ms: int, crash: Crash) -> None:
    put_head(enc, _RTYPE_CRASH, boot, seq, ms)
    body = enc.pos
    first_frame = max(0, len(crash.frames) - _MAX_FRAMES)
    first_crumb = max(0, len(crash.crumbs) - _MAX_CRASH_CRUMBS)
    while True:
        try:
            _put_body(enc, crash, first_frame, first_crumb)
            return
        except TooBigError:
            enc.pos = body
            if first_crumb < len(crash.crumbs):
                first_crumb += 1
            elif first_frame < len(crash.frames):
                first_frame += 1
            else:
                raise


def _put_body(enc: Encoder, crash: Crash, first_frame: int, first_crumb: int) -> None:
    at = enc.put_open_map()
    count = enc.put_field(_CRASH_KIND, crash.kind)
    if crash.exception is not None:
        enc.put_uint(_CRASH_EXCEPTION)
        put_name(enc, crash.exception)
        count += 1
    if crash.message is not None:
        enc.put_uint(_CRASH_MESSAGE)
        put_clipped(enc, crash.message, _MAX_CRASH_TEXT_BYTES)
        count += 1
    count += _put_rows(enc, _CRASH_FRAMES, crash.frames, first_frame, _put_frame)
    count += _put_rows(enc, _CRASH_CRUMBS, crash.crumbs, first_crumb, put_crumb)
    count += enc.put_field(_CRASH_HEAP_FREE, crash.heap_free)
    count += enc.put_field(_CRASH_HEAP_LARGEST, crash.heap_largest)
    count += enc.put_field(_CRASH_RESET_CAUSE, crash.reset_cause)
    count += enc.put_field(_CRASH_FRAMES_OMITTED, crash.omitted + first_frame or None)
    first_fault = max(0, len(crash.faults) - _MAX_CRASH_FAULTS)
    count += _put_rows(enc, _CRASH_FAULTS, crash.faults, first_fault, _put_fault_id)
    enc.close_map(at, count)


def _put_rows(
    enc: Encoder,
    key: int,
    rows: "list[Any]",
    first: int,
    put: "Callable[[Encoder, Any], None]",
) -> int:
    """The pair of an array of rows from number `first` on, nothing when none is left."""
    if first == len(rows):
        return 0
    enc.put_uint(key)
    enc.put_array(len(rows) - first)
    for i in range(first, len(rows)):
        put(enc, rows[i])
    return 1


def _put_frame(enc: Encoder, frame: "tuple[Name, int, Name]") -> None:
    file, line, function = frame
    enc.put_array(3)
    put_name(enc, file)
    enc.put_uint(line)
    put_name(enc, function)


def _put_fault_id(enc: Encoder, fault: "tuple[int, int]") -> None:
    enc.put_array(2)
    enc.put_uint(fault[0])
    enc.put_uint(fault[1])
