"""What can be known of an encoded record without decoding its body: the head never changes."""

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
