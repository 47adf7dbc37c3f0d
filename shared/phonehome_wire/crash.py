"""A crash on the wire, and what it sheds when it does not fit. Texts that are too long are
clipped, never refused.
"""

from .compat import const
from .encoder import Encoder
from .errors import EncodeError, TooBigError
from .head import put_clipped, put_crumb, put_head, put_name

# Folded away on a board; a test holds them to registry and limits.
_MAX_CRASH_CRUMBS = const(16)
_MAX_CRASH_RECORD_BYTES = const(1295)
_MAX_CRASH_TEXT_BYTES = const(96)
_MAX_FRAMES = const(12)
_CRASH_CRUMBS = const(4)
_CRASH_EXCEPTION = const(1)
_CRASH_FRAMES = const(3)
_CRASH_FRAMES_OMITTED = const(8)
_CRASH_HEAP_FREE = const(5)
_CRASH_HEAP_LARGEST = const(6)
_CRASH_KIND = const(0)
_CRASH_MESSAGE = const(2)
_CRASH_RESET_CAUSE = const(7)
_RTYPE_CRASH = const(4)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .head import Crumb, Name


class Crash:
    """What one crash says; None is absent.

    `kind` one of CRASHKIND_*; `frames` (file, line, function), outermost first; `crumbs` (ms
    relative to the crash, category, text, number), oldest first; `omitted` counts frames that the
    device already left out.
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
    omitted = crash.omitted + first_frame
    enc.put_map(_field_count(crash, first_frame, first_crumb, omitted))
    enc.put_uint(_CRASH_KIND)
    enc.put_uint(crash.kind)
    if crash.exception is not None:
        enc.put_uint(_CRASH_EXCEPTION)
        put_name(enc, crash.exception)
    if crash.message is not None:
        enc.put_uint(_CRASH_MESSAGE)
        put_clipped(enc, crash.message, _MAX_CRASH_TEXT_BYTES)
    _put_frames(enc, crash.frames, first_frame)
    _put_crumbs(enc, crash.crumbs, first_crumb)
    _put_field(enc, _CRASH_HEAP_FREE, crash.heap_free)
    _put_field(enc, _CRASH_HEAP_LARGEST, crash.heap_largest)
    _put_field(enc, _CRASH_RESET_CAUSE, crash.reset_cause)
    _put_field(enc, _CRASH_FRAMES_OMITTED, omitted or None)


def _put_frames(enc: Encoder, frames: "list[tuple[Name, int, Name]]", first: int) -> None:
    if first == len(frames):
        return
    enc.put_uint(_CRASH_FRAMES)
    enc.put_array(len(frames) - first)
    for i in range(first, len(frames)):
        file, line, function = frames[i]
        enc.put_array(3)
        put_name(enc, file)
        enc.put_uint(line)
        put_name(enc, function)


def _put_crumbs(enc: Encoder, crumbs: "list[Crumb]", first: int) -> None:
    if first == len(crumbs):
        return
    enc.put_uint(_CRASH_CRUMBS)
    enc.put_array(len(crumbs) - first)
    for i in range(first, len(crumbs)):
        put_crumb(enc, crumbs[i])


def _put_field(enc: Encoder, key: int, value: "int | None") -> None:
    if value is not None:
        enc.put_uint(key)
        enc.put_uint(value)


def _field_count(crash: Crash, first_frame: int, first_crumb: int, omitted: int) -> int:
    return (
        1
        + (crash.exception is not None)
        + (crash.message is not None)
        + (first_frame < len(crash.frames))
        + (first_crumb < len(crash.crumbs))
        + (crash.heap_free is not None)
        + (crash.heap_largest is not None)
        + (crash.reset_cause is not None)
        + (omitted > 0)
    )
