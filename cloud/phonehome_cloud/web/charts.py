"""Freeze frames as line charts: geometry only, the template draws it."""

from collections.abc import Sequence
from dataclasses import dataclass

from .frames import FrameChannel, FreezeFrame

# In units of the SVG's viewBox; one unit is about a pixel on a phone.
WIDTH, HEIGHT = 340, 150
LEFT, RIGHT, TOP, BOTTOM = 46, 10, 12, 24
NO_SAMPLE = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
_HEADROOM = 0.08  # of the range, so that no line lies on the border
_UNIT_WORDS = {"Cel": "°C", "[degF]": "°F", "Ohm": "Ω", "1/min": "rpm", "%RH": "% RH", "/": ""}


@dataclass(frozen=True)
class Tick:
    """A place on an axis, and what is written there."""

    at: float
    text: str


@dataclass(frozen=True)
class Chart:
    """One channel: `path` is an SVG path with gaps where samples are missing."""

    channel: int
    title: str
    unit: str
    summary: str
    is_fault: bool
    path: str
    dots: list[tuple[float, float]]
    trigger_at: float
    trigger_dot: tuple[float, float] | None
    limit: Tick | None
    x_ticks: list[Tick]
    y_ticks: list[Tick]


def draw_frame(frame: FreezeFrame) -> list[Chart]:
    """One chart per channel, the one that failed first."""
    channels = sorted(frame.channels, key=lambda c: c.channel != frame.fault_channel)
    return [_draw(channel, frame) for channel in channels]


def tabulate(frame: FreezeFrame) -> list[tuple[str, list[str]]]:
    """The same numbers as rows: the time relative to the trigger, and a text per channel."""
    length = max((len(channel.values) for channel in frame.channels), default=0)
    return [
        (
            seconds((i - frame.trigger) * frame.period_ms),
            [number(channel.values[i]) for channel in frame.channels if i < len(channel.values)],
        )
        for i in range(length)
    ]


def number(value: float | None) -> str:
    """A sample for people; a dash where it is missing."""
    return NO_SAMPLE if value is None else f"{value:.6g}".replace("-", MINUS)


def seconds(offset_ms: int) -> str:
    """A time relative to the trigger, signed, in seconds."""
    return f"{offset_ms / 1000:+g} s".replace("-", MINUS) if offset_ms else "0 s"


def unit_text(unit: str) -> str:
    """A SenML unit as people write it."""
    return _UNIT_WORDS.get(unit, unit)


def _draw(channel: FrameChannel, frame: FreezeFrame) -> Chart:
    is_fault = channel.channel == frame.fault_channel
    limit = frame.limit if is_fault else None
    low, high = _range(channel.values, limit)
    places = _place(channel.values, low, high)
    trigger_at = _x(frame.trigger, len(channel.values))
    unit = unit_text(channel.unit)
    return Chart(
        channel=channel.channel,
        title=channel.title,
        unit=unit,
        summary=_summary(channel, frame, unit),
        is_fault=is_fault,
        path=_path(places),
        dots=_lonely(places),
        trigger_at=trigger_at,
        trigger_dot=places[frame.trigger] if 0 <= frame.trigger < len(places) else None,
        limit=None if limit is None else Tick(_y(limit, low, high), number(limit)),
        x_ticks=_x_ticks(frame, len(channel.values)),
        y_ticks=_y_ticks(channel.values, low, high),
    )


def _range(values: Sequence[float | None], limit: float | None) -> tuple[float, float]:
    known = [value for value in (*values, limit) if value is not None] or [0.0]
    low, high = min(known), max(known)
    room = (high - low) * _HEADROOM or abs(high) * _HEADROOM or 1.0
    return low - room, high + room


def _x(index: int, length: int) -> float:
    span = WIDTH - LEFT - RIGHT
    return round(LEFT + span * index / max(length - 1, 1), 1)


def _y(value: float, low: float, high: float) -> float:
    return round(TOP + (HEIGHT - TOP - BOTTOM) * (high - value) / (high - low), 1)


def _place(
    values: Sequence[float | None], low: float, high: float
) -> list[tuple[float, float] | None]:
    return [
        None if value is None else (_x(i, len(values)), _y(value, low, high))
        for i, value in enumerate(values)
    ]


def _path(places: Sequence[tuple[float, float] | None]) -> str:
    """Lines between neighbours; a missing sample lifts the pen."""
    words, pen = [], "M"
    for place in places:
        if place is None:
            pen = "M"
            continue
        words.append(f"{pen}{place[0]:g} {place[1]:g}")
        pen = "L"
    return "".join(words)


def _lonely(places: Sequence[tuple[float, float] | None]) -> list[tuple[float, float]]:
    """Samples without a neighbour: no line would show them."""
    padded = [None, *places, None]
    return [
        place
        for before, place, after in zip(padded, places, padded[2:], strict=False)
        if place is not None and before is None and after is None
    ]


def _x_ticks(frame: FreezeFrame, length: int) -> list[Tick]:
    last = max(length - 1, 0)
    indices = sorted({0, min(max(frame.trigger, 0), last), last})
    return [Tick(_x(i, length), seconds((i - frame.trigger) * frame.period_ms)) for i in indices]


def _y_ticks(values: Sequence[float | None], low: float, high: float) -> list[Tick]:
    known = [value for value in values if value is not None]
    if not known:
        return []
    return [
        Tick(_y(value, low, high), number(value)) for value in sorted({min(known), max(known)})
    ]


def _summary(channel: FrameChannel, frame: FreezeFrame, unit: str) -> str:
    """What the chart shows, for somebody who cannot see it."""
    known = [value for value in channel.values if value is not None]
    if not known:
        return "no sample"
    index = frame.trigger
    at_trigger = channel.values[index] if 0 <= index < len(channel.values) else None
    text = f"from {number(min(known))} to {number(max(known))} {unit}".rstrip()
    return f"{text}, {number(at_trigger)} at the trigger"
