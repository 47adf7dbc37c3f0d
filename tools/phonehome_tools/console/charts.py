"""Live values as small charts: the newest samples of each sensor, a character each."""

from collections import deque
from typing import Any, Final

BARS: Final = "▁▂▃▄▅▆▇█"
GAP: Final = " "
KEPT: Final = 120


def spark(values: list[float | None], width: int) -> str:
    """The newest values between their least and greatest; a missing one is a gap."""
    shown = values[-width:]
    known = [value for value in shown if value is not None]
    if not known:
        return GAP * len(shown)
    least, span = min(known), max(known) - min(known)

    def bar(value: float | None) -> str:
        if value is None:
            return GAP
        place = int((value - least) / span * len(BARS)) if span else len(BARS) // 2
        return BARS[min(place, len(BARS) - 1)]

    return "".join(map(bar, shown))


class Charts:
    """What `sensors watch --json` told so far."""

    def __init__(self) -> None:
        self._values: dict[str, deque[float | None]] = {}
        self._units: dict[str, str] = {}

    def take(self, answer: dict[str, Any]) -> None:
        """Take one of its objects."""
        for row in answer.get("sensors", []):
            name = str(row["name"])
            self._units[name] = str(row.get("unit", ""))
            self._values.setdefault(name, deque(maxlen=KEPT)).append(row["value"])

    def lines(self, width: int, height: int) -> list[str]:
        """A line a sensor, as many as there is room for, none wider than the window."""
        label = max((len(name) for name in self._values), default=0)
        told = []
        for name, values in self._values.items():
            newest = "-" if values[-1] is None else f"{values[-1]:g}"
            head = f"{name:<{label}} {newest:>9} {self._units[name]:<6} "
            told.append((head + spark(list(values), max(0, width - len(head))))[:width])
        if len(told) > height:
            told[height - 1 :] = [f"... {len(told) - height + 1} more; name some"[:width]]
        return told
