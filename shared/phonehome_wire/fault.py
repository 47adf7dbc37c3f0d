"""A fault transition on the wire, and what it sheds when it does not fit."""

from .compat import const
from .encoder import Encoder
from .errors import EncodeError, TooBigError
from .freeze import put_freeze
from .head import put_head

# Folded away on a board; a test holds them to registry and limits.
_MAX_CONTEXT_METRICS = const(24)
_MAX_EXP = const(9)
_MAX_FAULT_RECORD_BYTES = const(919)
_MAX_INT = const(9007199254740991)
_MAX_OCCURRENCE = const(126)
_MAX_SPN = const(524287)
_MIN_HALVED_SAMPLES = const(8)
_FAULT_CHANNEL = const(5)
_FAULT_CONTEXT = const(10)
_FAULT_FAILING_MS = const(8)
_FAULT_FMI = const(1)
_FAULT_FREEZE = const(9)
_FAULT_KIND = const(11)
_FAULT_LIMIT = const(7)
_FAULT_OCCURRENCE = const(3)
_FAULT_SEVERITY = const(4)
_FAULT_SPN = const(0)
_FAULT_STATUS = const(2)
_FAULT_VALUE = const(6)
_RTYPE_FAULT = const(3)

_RANGES = (
    ("spn", 0, _MAX_SPN),
    ("fmi", 0, 31),
    ("status", 0, 255),
    ("occurrence", 0, _MAX_OCCURRENCE),
    ("severity", 0, 7),
    ("channel", 0, 255),
    ("exp", -_MAX_EXP, _MAX_EXP),
    ("failing_ms", 0, _MAX_INT),
    ("kind", 0, 3),
)

TYPE_CHECKING = const(0)
if TYPE_CHECKING:
    from .freeze import Frame
    from .metrics import Metrics


class Fault:
    """What one transition says; made once and filled again for each. None is absent.

    `exp` and `value` go together, `limit` has the same exponent, `channel` is the fault's sensor,
    `frame` is the freeze frame, `kind` one of KIND_*.
    """

    def __init__(self) -> None:
        self.spn = 0
        self.fmi = 0
        self.status = 0
        self.occurrence = 0
        self.severity = 0
        self.channel: "int | None" = None
        self.exp: "int | None" = None
        self.value: "int | None" = None
        self.limit: "int | None" = None
        self.failing_ms: "int | None" = None
        self.frame: "Frame | None" = None
        self.context: "Metrics | None" = None
        self.kind: "int | None" = None


def encode_fault(
    enc: Encoder, boot: int, seq: int, ms: int, fault: Fault, budget: int = _MAX_FAULT_RECORD_BYTES
) -> None:
    """Write the whole fault record in at most `budget` bytes.

    Too big, it sheds in this order: half of the samples around the trigger (again down to 8), the
    channels that are not the fault's, the freeze frame. TooBigError when the rest does not fit
    either; `pos` is then where it was.
    """
    _check(fault)
    start = enc.pos
    end = enc.end
    enc.end = min(end, start + budget)
    try:
        _put_what_fits(enc, boot, seq, ms, fault)
    except EncodeError:
        enc.pos = start
        raise
    finally:
        enc.end = end


def _put_what_fits(enc: Encoder, boot: int, seq: int, ms: int, fault: Fault) -> None:
    put_head(enc, _RTYPE_FAULT, boot, seq, ms)
    body = enc.pos
    frame = fault.frame
    if frame is not None:
        lo, hi, only = 0, frame.count, -1
        while True:
            try:
                _put_body(enc, fault, frame, lo, hi, only)
                return
            except TooBigError:
                enc.pos = body
            if hi - lo > _MIN_HALVED_SAMPLES:
                lo, hi = _halved(lo, hi, frame.trigger)
            elif only < 0 and _fault_channel(fault, frame) >= 0:
                only = _fault_channel(fault, frame)
            else:
                break
    _put_body(enc, fault, None, 0, 0, -1)


def _halved(lo: int, hi: int, trigger: int) -> "tuple[int, int]":
    """Half of lo..hi, not fewer than the least, with the trigger as central as the edges allow."""
    count = max((hi - lo) // 2, _MIN_HALVED_SAMPLES)
    first = min(max(trigger - count // 2, lo), hi - count)
    return first, first + count


def _fault_channel(fault: Fault, frame: "Frame") -> int:
    """Which of the frame's channels is the fault's own; -1 when none, or when it is the only
    one.
    """
    for i in range(frame.channel_count if frame.channel_count > 1 else 0):
        if frame.channel_id(i) == fault.channel:
            return i
    return -1


def _put_body(
    enc: Encoder, fault: Fault, frame: "Frame | None", lo: int, hi: int, only: int
) -> None:
    at = enc.put_open_map()
    count = enc.put_field(_FAULT_SPN, fault.spn)
    count += enc.put_field(_FAULT_FMI, fault.fmi)
    count += enc.put_field(_FAULT_STATUS, fault.status)
    count += enc.put_field(_FAULT_OCCURRENCE, fault.occurrence)
    count += enc.put_field(_FAULT_SEVERITY, fault.severity)
    count += enc.put_field(_FAULT_CHANNEL, fault.channel)
    if fault.value is not None:
        enc.put_uint(_FAULT_VALUE)
        enc.put_array(2)
        enc.put_int(fault.exp or 0)
        enc.put_int(fault.value)
        count += 1
    count += enc.put_field(_FAULT_LIMIT, fault.limit)
    count += enc.put_field(_FAULT_FAILING_MS, fault.failing_ms)
    if frame is not None:
        enc.put_uint(_FAULT_FREEZE)
        put_freeze(enc, frame, lo, hi, only)
        count += 1
    if fault.context is not None and len(fault.context):
        enc.put_uint(_FAULT_CONTEXT)
        fault.context.put(enc)
        count += 1
    enc.close_map(at, count + enc.put_field(_FAULT_KIND, fault.kind))


def _check(fault: Fault) -> None:
    """Ranges that the schema sets, before a byte is written."""
    for name, low, high in _RANGES:
        value = getattr(fault, name)
        if value is not None and not low <= value <= high:
            raise EncodeError("range", "fault %s is %d, want %d..%d" % (name, value, low, high))
    if fault.context is not None and len(fault.context) > _MAX_CONTEXT_METRICS:
        raise EncodeError(
            "range",
            "%d context metrics, at most %d" % (len(fault.context), _MAX_CONTEXT_METRICS),
        )
