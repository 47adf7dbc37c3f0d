"""A day as SVG: attributes only, which a strict content security policy lets through."""

from collections.abc import Sequence

from phonehome_tools.planning.day import BACK_S, CUT_S, DARK_S, Day

WIDTH, HEIGHT = 900, 300
_LEFT, _TOP, _RIGHT, _BOTTOM = 70, 40, 20, 40
_GAP = 60
_POINTS = 288  # five minutes each
_FROM_S = CUT_S + DARK_S
_ZOOM_S = 600
_SPACE = 'xmlns="http://www.w3.org/2000/svg"'
_FONT = 'font-family="sans-serif" font-size="13"'
_LINES = (("sent and sent again", "#c0392b"), ("taken", "#1f6f8b"))


def draw_day(day: Day, title: str) -> str:
    """The whole day above, and below the ten minutes from the moment when power is back."""
    whole = [_peaks(values, _POINTS) for values in (day.tried, day.taken)]
    zoom = [values[_FROM_S : _FROM_S + _ZOOM_S] for values in (day.tried, day.taken)]
    parts = [
        f'<svg {_SPACE} viewBox="0 0 {WIDTH} {2 * HEIGHT + _GAP}" {_FONT} role="img">',
        f"<title>{title}</title>",
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        _panel(f"{title}: reports a second, by hour", whole, day.capacity, 0, _hours()),
        _panel(
            f"Power is back: {BACK_S} s in which all return, and the minutes after",
            *(zoom, day.capacity, HEIGHT + _GAP, [str(n) for n in range(11)]),
        ),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _hours() -> list[str]:
    return [str(hour) for hour in range(0, 25, 3)]


def _peaks(values: Sequence[float], count: int) -> list[float]:
    """The highest value of each of so many parts."""
    size = len(values) // count
    return [max(values[n * size : (n + 1) * size]) for n in range(count)]


def _panel(
    title: str, lines: Sequence[Sequence[float]], capacity: float, top: int, ticks: Sequence[str]
) -> str:
    highest = 1.1 * max(capacity, *(max(line) for line in lines))
    left, right = _LEFT, WIDTH - _RIGHT
    upper, lower = top + _TOP, top + HEIGHT - _BOTTOM

    def y(value: float) -> float:
        return lower - (lower - upper) * value / highest

    parts = [f'<text x="{left}" y="{top + 22}" font-size="15">{title}</text>']
    for (name, colour), line, place in zip(_LINES, lines, range(2), strict=True):
        step = (right - left) / (len(line) - 1)
        points = " ".join(f"{left + n * step:.1f},{y(v):.1f}" for n, v in enumerate(line))
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'
        )
        x: float = right - 330 + 180 * place
        parts.append(f'<text x="{x}" y="{upper + 12}" fill="{colour}">{name}</text>')
    level = y(capacity)
    parts.append(
        f'<line x1="{left}" y1="{level:.1f}" x2="{right}" y2="{level:.1f}" stroke="#777777"'
        ' stroke-dasharray="6 4"/>'
    )
    parts.append(f'<text x="{left + 6}" y="{level - 5:.1f}" fill="#777777">capacity</text>')
    parts.append(f'<line x1="{left}" y1="{lower}" x2="{right}" y2="{lower}" stroke="#000000"/>')
    for number, tick in enumerate(ticks):
        x = left + (right - left) * number / (len(ticks) - 1)
        parts.append(f'<text x="{x:.1f}" y="{lower + 18}" text-anchor="middle">{tick}</text>')
    for part in (0, 0.5, 1):
        value = part * highest / 1.1
        parts.append(
            f'<text x="{left - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{value:,.0f}</text>'
        )
    return "\n".join(parts)
