"""What can be known of an encoded record without decoding its body: the head never changes."""

from phonehome_wire.compat import const
from phonehome_wire.decoder import decode
from phonehome_wire.errors import WireError

# Folded away on a board; a test holds them to the wire's registry and limits.
_FAULT_FMI = const(1)
_FAULT_SPN = const(0)

_KINDS = ("other", "hello", "heartbeat", "fault", "crash", "log", "result")


def read_head(record) -> tuple:
    """(type, boot, seq) of an encoded record."""
    rtype, at = _read_uint(record, 1)
    boot, at = _read_uint(record, at)
    seq, at = _read_uint(record, at)
    return rtype, boot, seq


def kind_of(record) -> str:
    """The word for a record's type in counts."""
    rtype = read_head(record)[0]
    return _KINDS[rtype] if rtype < len(_KINDS) else _KINDS[0]


def fault_key(record) -> tuple:
    """What makes two transitions those of one fault."""
    try:
        body = decode(record)[4]
        return body[_FAULT_SPN], body[_FAULT_FMI]
    except (WireError, KeyError):
        return ()


def _read_uint(data, at: int) -> tuple:
    """(value, next place) of the unsigned integer at a place."""
    head = data[at]
    if head < 24:
        return head, at + 1
    end = at + 1 + (1 << (head - 24))
    value = 0
    for i in range(at + 1, end):
        value = value << 8 | data[i]
    return value, end
