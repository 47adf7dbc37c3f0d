"""Storms drawn: SVG for a page, characters for a terminal."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from xml.sax.saxutils import escape

from tests.storm.herd import Stampede
from tests.storm.torture import Course
from tests.storm.trend import fit
from tests.storm.verdict import heap_points

_WIDTH, _HEIGHT, _LEFT, _TOP, _BELOW = 720, 150, 70, 30, 40
_INK, _DOT, _LINE = "#333", "#1f6feb", "#d1242f"
_STYLE = "font-family='sans-serif' font-size='12'"
_COLUMNS = 60

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Panel:
    """One picture: dots, a line, bars; `marks` are upright lines with words."""

    title: str
    unit_x: str
    dots: Points = ()
    line: Points = ()
    bars: Points = ()
    marks: Sequence[tuple[float, str]] = ()
    from_zero: bool = True


def draw(panels: Sequence[Panel]) -> str:
    """All panels below each other, as one SVG."""
    step = _TOP + _HEIGHT + _BELOW
    total = step * len(panels)
    parts = [draw_panel(panel, step * i + _TOP) for i, panel in enumerate(panels)]
    size = f"width='{_LEFT + _WIDTH + 30}' height='{total}'"
    ground = "<rect width='100%' height='100%' fill='white'/>"
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' {size} {_STYLE}>{ground}{''.join(parts)}</svg>\n"
    )


def draw_panel(panel: Panel, top: float) -> str:
    """One panel with its axes."""
    everything = [*panel.dots, *panel.line, *panel.bars]
    most_x = max([x for x, _ in everything] + [x for x, _ in panel.marks]) or 1
    most_y = max(y for _, y in everything) or 1
    least_y = 0.0 if panel.from_zero else min(y for _, y in everything)
    span_y = (most_y - least_y) or 1

    def place(x: float, y: float) -> tuple[float, float]:
        return _LEFT + _WIDTH * x / most_x, top + _HEIGHT * (1 - (y - least_y) / span_y)

    def text(x: float, y: float, words: str, anchor: str = "start") -> str:
        where = f"x='{x:.0f}' y='{y:.0f}' text-anchor='{anchor}'"
        return f"<text {where} fill='{_INK}'>{escape(words)}</text>"

    floor = top + _HEIGHT
    parts = [
        text(_LEFT, top - 10, panel.title),
        f"<path d='M{_LEFT} {top}V{floor}H{_LEFT + _WIDTH}' fill='none' stroke='{_INK}'/>",
        text(_LEFT - 6, top + 10, f"{most_y:,.0f}", "end"),
        text(_LEFT - 6, floor, f"{least_y:,.0f}", "end"),
        text(_LEFT + _WIDTH, floor + 16, f"{most_x:.0f} {panel.unit_x}", "end"),
    ]
    for x, y in panel.dots:
        at_x, at_y = place(x, y)
        parts.append(f"<circle cx='{at_x:.1f}' cy='{at_y:.1f}' r='2' fill='{_DOT}'/>")
    for x, y in panel.bars:
        (at_x, at_y), wide = place(x, y), max(1.0, _WIDTH / most_x * 0.9)
        box = f"x='{at_x:.1f}' y='{at_y:.1f}' width='{wide:.1f}' height='{floor - at_y:.1f}'"
        parts.append(f"<rect {box} fill='{_DOT}'/>")
    if panel.line:
        way = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in panel.line))
        parts.append(f"<polyline points='{way}' fill='none' stroke='{_LINE}'/>")
    for x, words in panel.marks:
        at_x = place(x, least_y)[0]
        parts.append(f"<path d='M{at_x:.0f} {top}V{floor}' stroke='{_LINE}'/>")
        parts.append(text(at_x + 4, top + 12, words))
    return "".join(parts)


def draw_course(course: Course) -> str:
    """Heap with its trend, records created and delivered, waits."""
    points = heap_points(course)
    trend = fit(points)
    level = median([y - trend.slope * x for x, y in points] or [0.0])
    line = [(x, level + trend.slope * x) for x in (0.0, course.plan.hours)]
    created = [(hours(e), i + 1.0) for i, e in enumerate(course.named("record"))]
    waiting = [(hours(e), float(e["depth"])) for e in course.named("acked")]
    waits = [(hours(e), e["wait_ms"] / 1000) for e in course.named("backoff")]
    over = [(hours(e), "storm over") for e in course.named("calm")]
    what = f"{course.plan.scheme}, {course.plan.hours:g} h, seed {course.plan.seed}: "
    return draw(
        [
            Panel(f"{what}heap held, bytes: {trend} a hour", "h", points, line, from_zero=False),
            Panel("records created", "h", line=created, marks=over),
            Panel("records that wait after an ack", "h", dots=waiting, marks=over),
            Panel("waits after failures, s", "h", dots=waits or [(0.0, 0.0)], marks=over),
        ]
    )


def draw_herd(stampedes: Sequence[Stampede]) -> str:
    """One histogram by the second for each cause."""
    return draw(
        [
            Panel(
                f"{s.name}: {len(s.at_s)} in all, peak {s.peak} a second (allowed {s.limit:.0f})",
                "s",
                bars=[(float(second), float(n)) for second, n in by_second(s.at_s)],
                marks=[(at, words) for words, at in s.marks.items()],
            )
            for s in stampedes
        ]
    )


def print_herd(stampede: Stampede) -> list[str]:
    """The histogram in characters, empty seconds left out."""
    most = max(count for _, count in by_second(stampede.at_s))
    return [
        f"{second:5d} s {count:5d} {'#' * math.ceil(count * _COLUMNS / most)}"
        for second, count in by_second(stampede.at_s)
        if count
    ]


def by_second(at_s: Sequence[float]) -> list[tuple[int, int]]:
    """How many in each second."""
    counts = Counter(int(at) for at in at_s)
    return [(second, counts[second]) for second in range(max(counts) + 1)]


def hours(event: dict) -> float:
    """When an event was told."""
    return float(event["at_ms"]) / 3_600_000
