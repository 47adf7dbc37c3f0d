"""A technician's week, and how true P(home) was, as drawings: geometry only, as in `charts`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from phonehome_cloud.core.visiting.calendar import Technician, working_windows
from phonehome_cloud.core.visiting.calibration import BINS, Calibration
from phonehome_cloud.core.visiting.states import CANCELLED, DECLINED

DAYS = 7
# In units of the SVG's viewBox.
WIDTH, HEIGHT = 720, 300
LEFT, TOP = 44, 24
DAY_W = (WIDTH - LEFT) / DAYS
_FIRST_H, _LAST_H = 6, 22
_HOUR_H = (HEIGHT - TOP) / (_LAST_H - _FIRST_H)
_OFF = frozenset((CANCELLED, DECLINED))
SIDE = 240  # of the diagram of calibration


@dataclass(frozen=True, slots=True)
class Block:
    """A span of time in a day's column; `kind` is "work" or the state of a visit."""

    x: float
    y: float
    height: float
    kind: str
    text: str = ""
    title: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True)
class Week:
    """What is drawn of one technician: days with their names, hours, and blocks."""

    name: str
    days: list[tuple[float, str]]
    hours: list[tuple[float, str]]
    blocks: list[Block]
    visits: list[str]


@dataclass(frozen=True, slots=True)
class Dot:
    """A bin of predictions: where it lies, how big it is, and what it says."""

    x: float
    y: float
    r: float
    title: str


def first_day(at: int, zone: str) -> datetime:
    """Midnight of the Monday of a week, on the clock of `zone`."""
    there = datetime.fromtimestamp(at / 1000, ZoneInfo(zone))
    monday = there.date() - timedelta(days=there.weekday())
    return datetime(monday.year, monday.month, monday.day, tzinfo=ZoneInfo(zone))


def draw_week(
    technician: Technician, name: str, start: datetime, visits: Iterable[Mapping[Any, Any]]
) -> Week:
    """One technician's week from a Monday on, on their own clock."""
    end = start + timedelta(days=DAYS)
    span = int(start.timestamp() * 1000), int(end.timestamp() * 1000)
    blocks = [
        _block(from_at, until_at, start, "work")
        for from_at, until_at in working_windows(technician, *span)
    ]
    told = []
    for row in visits:
        if row["state"] in _OFF:
            continue
        at = datetime.fromtimestamp(row["start_at"] / 1000, start.tzinfo)
        about = row["about"]
        title = f"{at:%a %H:%M} {about['code']} {about['appliance']}, {row['state']}"
        told.append(title)
        href = f"/tickets/{row['device']}-{row['ticket']}"
        given = row["state"], about["code"], title, href
        blocks.append(_block(row["start_at"], row["end_at"], start, *given))
    days = [(LEFT + n * DAY_W, f"{start + timedelta(days=n):%a %d.%m.}") for n in range(DAYS)]
    hours = [
        (TOP + (hour - _FIRST_H) * _HOUR_H, f"{hour:02}") for hour in range(_FIRST_H, _LAST_H, 2)
    ]
    return Week(name, days, hours, blocks, told)


def _block(
    from_at: int,
    until_at: int,
    start: datetime,
    kind: str,
    text: str = "",
    title: str = "",
    href: str = "",
) -> Block:
    begin, end = (datetime.fromtimestamp(at / 1000, start.tzinfo) for at in (from_at, until_at))
    day = (begin.date() - start.date()).days
    y = _y(begin.hour + begin.minute / 60)
    bottom = _y(end.hour + end.minute / 60) if end.date() == begin.date() else HEIGHT
    return Block(LEFT + day * DAY_W, y, max(4.0, bottom - y), kind, text, title, href)


def _y(hour: float) -> float:
    return TOP + (min(max(hour, _FIRST_H), _LAST_H) - _FIRST_H) * _HOUR_H


def draw_calibration(of: Calibration) -> list[Dot]:
    """What was said to the right, what came upwards: on the diagonal it was true."""
    most = max(each.count for each in of.bins)
    return [
        Dot(
            round(each.predicted * SIDE, 1),
            round((1 - each.happened) * SIDE, 1),
            round(3 + 9 * (each.count / most) ** 0.5, 1),
            f"said {each.predicted:.2f}, came {each.happened:.2f}, {each.count} visits",
        )
        for each in of.bins
    ]


def ticks() -> list[tuple[float, str]]:
    """Where the diagram's axis has numbers."""
    return [(n * SIDE / BINS, f"{n / BINS:g}") for n in range(0, BINS + 1, 2)]
