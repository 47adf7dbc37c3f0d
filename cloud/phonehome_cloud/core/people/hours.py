"""Working hours as people write them: "Mon-Thu 08:00-12:00 13:00-17:00; Fri 08:00-14:00"."""

import re
from collections.abc import Mapping
from typing import Final

# (from, until) in minutes after local midnight, per weekday (0 is Monday).
Hours = Mapping[int, tuple[tuple[int, int], ...]]

WANTED: Final = '"Mon-Fri 08:00-17:00; Sat 09:00-12:00": days, then spans of time, in order'
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOUR_MIN: Final = 60
_DAY_MIN: Final = 24 * _HOUR_MIN
_SPAN = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)", re.ASCII)


def read_hours(text: str) -> Hours:
    """The hours of each weekday that has some; ValueError says what is wrong.

    A span ends on the day on which it begins, at 24:00 at the latest; spans of a day are in order.
    """
    found: dict[int, tuple[tuple[int, int], ...]] = {}
    for clause in filter(None, (clause.strip() for clause in text.split(";"))):
        days, *spans = clause.split()
        if not spans:
            raise ValueError(f"{clause!r} has no time")
        times = _read_spans(spans)
        for day in _read_days(days):
            if day in found:
                raise ValueError(f"{_DAYS[day].title()} is there twice")
            found[day] = times
    return found


def _read_days(text: str) -> range:
    first, _, last = text.lower().partition("-")
    last = last or first
    if first not in _DAYS or last not in _DAYS or _DAYS.index(last) < _DAYS.index(first):
        raise ValueError(f"{text!r} is no day or span of days, as in Mon-Fri")
    return range(_DAYS.index(first), _DAYS.index(last) + 1)


def _read_spans(spans: list[str]) -> tuple[tuple[int, int], ...]:
    found: list[tuple[int, int]] = []
    for span in spans:
        match = _SPAN.fullmatch(span)
        if match is None:
            raise ValueError(f"{span!r} is no span of time, as in 08:00-17:00")
        from_min, until_min = (
            int(match[at]) * _HOUR_MIN + _minutes(match[at + 1], span) for at in (1, 3)
        )
        if not from_min < until_min <= _DAY_MIN:
            raise ValueError(f"{span!r} must end after it begins, by 24:00")
        if found and from_min < found[-1][1]:
            raise ValueError(f"{span!r} begins before the span in front of it ends")
        found.append((from_min, until_min))
    return tuple(found)


def _minutes(text: str, span: str) -> int:
    if int(text) >= _HOUR_MIN:
        raise ValueError(f"{span!r} has more than 59 minutes")
    return int(text)
