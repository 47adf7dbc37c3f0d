"""A series of samples on the wire: `[exp10, first, delta, delta, ...]`, null where a sample is
missing.

A delta counts from the previous sample that is there, so the first one that is there stands as it
is.
"""

from .compat import const
from .encoder import Encoder
from .errors import EncodeError

# Folded away on a board; a test holds them to registry and limits.
_MAX_EXP = const(9)
_MAX_SAMPLES = const(128)

TYPE_CHECKING = const(0)
if TYPE_CHECKING:
    from .freeze import Frame

MISSING = const(-(2**31))  # in the device's int32 rings; no sensor may use it as a value


def put_series(enc: Encoder, frame: "Frame", i: int, lo: int, hi: int) -> None:
    """Write samples lo..hi-1 of the frame's channel number i."""
    exp = frame.exp(i)
    if not -_MAX_EXP <= exp <= _MAX_EXP:
        raise EncodeError("range", "exponent %d, want -9..9" % exp)
    if not 0 < hi - lo <= _MAX_SAMPLES:
        raise EncodeError("range", "%d samples, want 1..%d" % (hi - lo, _MAX_SAMPLES))
    enc.put_array(1 + hi - lo)
    enc.put_int(exp)
    previous = 0
    for j in range(lo, hi):
        sample = frame.sample(i, j)
        if sample == MISSING:
            enc.put_null()
        else:
            enc.put_int(sample - previous)
            previous = sample


def expand(series: "list[int | None]") -> "tuple[int, list[int | None]]":
    """(exponent, samples) of a decoded series, None where a sample is missing."""
    exp = series[0]
    samples: "list[int | None]" = []
    value = 0
    for delta in series[1:]:
        if delta is None:
            samples.append(None)
        else:
            value += delta
            samples.append(value)
    return exp or 0, samples
