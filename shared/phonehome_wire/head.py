"""The positional head of a record, `[type, boot, seq, ms, body]`, and what several bodies
share.
"""

from .compat import const
from .encoder import Encoder
from .errors import EncodeError
from .primitives import encode_utf8

# Folded away on a board; a test holds them to registry and limits.
_MAX_NAME_BYTES = const(48)

TYPE_CHECKING = const(0)
if TYPE_CHECKING:
    Name = str | int  # an int is an id in the build's string table
    Crumb = tuple[int, Name, Name, int]


def put_head(enc: Encoder, rtype: int, boot: int, seq: int, ms: int) -> None:
    """Begin a record; its body must follow. `ms` is the device's uptime at the event."""
    if not 1 <= rtype <= 255:
        raise EncodeError("range", "record type %d, want 1..255" % rtype)
    enc.put_array(5)
    enc.put_uint(rtype)
    enc.put_uint(boot)
    enc.put_uint(seq)
    enc.put_uint(ms)


def put_clipped(enc: Encoder, text: str, max_bytes: int) -> None:
    """Write at most max_bytes of a text, cut between characters; what UTF-8 cannot carry becomes
    "?".
    """
    try:
        data = encode_utf8(text)
    except ValueError:
        text = "".join(["?" if 0xD800 <= ord(char) <= 0xDFFF else char for char in text])
        data = encode_utf8(text)
    while len(data) > max_bytes:
        text = text[: max_bytes if len(text) > max_bytes else len(text) - 1]
        data = encode_utf8(text)
    enc.put_utf8(data)


def put_name(enc: Encoder, name: "Name") -> None:
    """A file, function, category or exception name: text, clipped, or its id in the build's string
    table.
    """
    if isinstance(name, int):
        enc.put_uint(name)
    else:
        put_clipped(enc, name, _MAX_NAME_BYTES)


def put_crumb(enc: Encoder, crumb: "Crumb") -> None:
    """One breadcrumb: ms before (negative) or after the record, category, text, a number."""
    dt_ms, category, text, data = crumb
    enc.put_array(4)
    enc.put_int(dt_ms)
    put_name(enc, category)
    put_name(enc, text)
    enc.put_int(data)
