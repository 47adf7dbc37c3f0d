"""A report as SVG: attributes only, which a strict content security policy lets through."""

from collections.abc import Callable, Sequence

from .calibration import Bin
from .intervals import Estimate
from .simulation import BEST_FIRST_TIME_FIX, MOST_COST_RATIO, Report
from .year import LEARNING, POLICIES, WITHOUT_LEARNING

WIDTH, HEIGHT = 900, 620
_SPACE = 'xmlns="http://www.w3.org/2000/svg"'
_FONT = 'font-family="sans-serif" font-size="13"'
_NAMES_X, _BARS_X, _BARS_W = 24, 210, 600
_ROW, _BAR = 24, 14
_COLOURS = {LEARNING: "#1f6f8b", WITHOUT_LEARNING: "#7fb3c8"}
_OTHERS = "#9a9a9a"
_BEFORE, _AFTER = "#c0392b", "#1f6f8b"
_DIAGRAM = 220


def draw(report: Report) -> str:
    """Cost and first-time fix of each policy with intervals; the reliability diagram below."""
    shares = {policy: report.ratio(policy, "money") for policy in POLICIES}
    fixes = {policy: report.figure(policy, "first_time_fix") for policy in POLICIES}
    parts = [
        f'<svg {_SPACE} viewBox="0 0 {WIDTH} {HEIGHT}" {_FONT} role="img">',
        f"<title>{_escape(report.title)}</title>",
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        *_panel("Cost of a fault, as a part of always_visit", shares, MOST_COST_RATIO, 0),
        *_panel("First-time fix", fixes, BEST_FIRST_TIME_FIX, 175),
        *_diagram(report, 350),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _panel(title: str, rows: dict[str, Estimate], bar: float, top: int) -> Sequence[str]:
    highest = 1.05 * max([bar, 1.0, *(e.high for e in rows.values() if e.mean == e.mean)])
    lower = top + 40 + len(rows) * _ROW

    def x(value: float) -> float:
        return _BARS_X + _BARS_W * value / highest

    parts = [_text(_NAMES_X, top + 26, title, size=15)]
    for number, (name, found) in enumerate(rows.items()):
        parts += _bar(name, found, top + 44 + number * _ROW, x)
    parts.append(_line(x(bar), top + 36, x(bar), lower, "#000000", dashes="6 4"))
    parts.append(_text(x(bar), lower + 14, f"goal {bar:g}", anchor="middle"))
    return parts


def _bar(name: str, found: Estimate, y: float, x: Callable[[float], float]) -> Sequence[str]:
    parts = [_text(_NAMES_X, y + 11, name)]
    if found.mean != found.mean:
        return [*parts, _text(_BARS_X, y + 11, "no visit")]
    colour = _COLOURS.get(name, _OTHERS)
    width = x(found.mean) - _BARS_X
    parts.append(
        f'<rect x="{_BARS_X}" y="{y}" width="{width:.1f}" height="{_BAR}" fill="{colour}"/>'
    )
    middle = y + _BAR / 2
    parts.append(_line(x(found.low), middle, x(found.high), middle, "#000000", width=2))
    parts.append(_text(x(found.high) + 6, y + 11, f"{found.mean:.3f}"))
    return parts


def _diagram(report: Report, top: int) -> Sequence[str]:
    left, upper = _BARS_X, top + 40
    lower = upper + _DIAGRAM
    legend_x = left + _DIAGRAM + 30
    parts = [
        _text(_NAMES_X, top + 26, "P(cause) of the likeliest cause, and how often it is true", 15),
        _frame(left, upper),
        _line(left, lower, left + _DIAGRAM, upper, "#777777", dashes="4 4"),
        _text(left - 8, lower, "0", anchor="end"),
        _text(left - 8, upper + 10, "1", anchor="end"),
    ]
    both = ((WITHOUT_LEARNING, "before learning", _BEFORE), (LEARNING, "after learning", _AFTER))
    for number, (policy, name, colour) in enumerate(both):
        parts += _curve(report.bins(policy), left, lower, colour)
        ece = report.figure(policy, "ece_second_half")
        text = f"{name}: calibration error {ece.mean:.3f}"
        parts.append(_text(legend_x, upper + 20 + number * 20, text, colour=colour))
    return parts


def _frame(x: float, y: float) -> str:
    side = f'width="{_DIAGRAM}" height="{_DIAGRAM}"'
    return f'<rect x="{x}" y="{y}" {side} fill="none" stroke="#000000"/>'


def _curve(bins: Sequence[Bin], left: int, lower: int, colour: str) -> Sequence[str]:
    points = [(left + _DIAGRAM * b.believed, lower - _DIAGRAM * b.true) for b in bins]
    total = sum(one.count for one in bins) or 1
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    parts = [f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>']
    for (x, y), one in zip(points, bins, strict=True):
        radius = 2 + 10 * (one.count / total) ** 0.5
        parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{colour}"'
            ' fill-opacity="0.4"/>'
        )
    return parts


def _text(
    x: float, y: float, text: str, size: int = 13, anchor: str = "start", colour: str = "#000000"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}"'
        f' fill="{colour}">{_escape(text)}</text>'
    )


def _line(
    x1: float, y1: float, x2: float, y2: float, colour: str, dashes: str = "", width: int = 1
) -> str:
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"'
        f' stroke-width="{width}"{dashed}/>'
    )
