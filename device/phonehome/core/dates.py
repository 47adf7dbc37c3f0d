"""The earliest time that it can be, from what is on the board: for a clock that was never set.

Loaded once a boot.
"""

from phonehome_wire.compat import const

_DAY_MS = const(86400000)
_UTC_TIME = b"\x17\x0d"  # DER: YYMMDDHHMMSSZ; the first one of a certificate is its notBefore
_UTC_TIME_BYTES = const(13)
_CENTURY = const(2000)


def firmware_ms(version: str) -> int:
    """Unix ms of the day on which this interpreter was built, by its `sys.version`; 0: unknown."""
    words = version.rpartition(" on ")[2][:10].split("-")
    if len(words) != 3 or not all(word.isdigit() for word in words):
        return 0
    year, month, day = [int(word) for word in words]
    return _days(year, month, day) * _DAY_MS


def not_before_ms(der: bytes) -> int:
    """Unix ms before which a certificate is not valid, and nothing that it signed; 0: unknown."""
    start = der.find(_UTC_TIME) + len(_UTC_TIME)
    text = der[start : start + _UTC_TIME_BYTES]
    if start < len(_UTC_TIME) or text[-1:] != b"Z" or not text[:-1].isdigit():
        return 0
    year, month, day, hour, minute, second = [int(text[i : i + 2]) for i in range(0, 12, 2)]
    seconds = (hour * 60 + minute) * 60 + second
    return _days(_CENTURY + year, month, day) * _DAY_MS + seconds * 1000


def _days(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01; the interpreters' own mktime differs in its epoch and its zone."""
    if month < 3:  # the leap day ends a year that starts in March
        year, month = year - 1, month + 12
    return (
        365 * year
        + year // 4
        - year // 100
        + year // 400
        + (153 * month - 457) // 5
        + day
        - 719469
    )
