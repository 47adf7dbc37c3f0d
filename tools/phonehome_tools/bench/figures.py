"""One measured figure: what, how much, in which unit, and the bar it is held to."""

from dataclasses import dataclass
from typing import Any

AT_MOST = "<="
AT_LEAST = ">="


@dataclass(frozen=True)
class Figure:
    """A measured value; `sense` says on which side of the bar a good value lies."""

    figure: str
    value: float
    unit: str
    bar: float | None = None
    sense: str = AT_MOST

    @property
    def holds(self) -> bool:
        """Whether the value is on the good side of its bar; without a bar it always is."""
        if self.bar is None:
            return True
        return self.value <= self.bar if self.sense == AT_MOST else self.value >= self.bar

    @property
    def value_text(self) -> str:
        """The value with as many digits as mean something."""
        return number_text(self.value)

    @property
    def bar_text(self) -> str:
        """The bar with its sense, empty without one."""
        return "" if self.bar is None else f"{self.sense} {number_text(self.bar)}"

    def as_dict(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {"figure": self.figure, "value": self.value, "unit": self.unit, "bar": self.bar}


def number_text(value: float) -> str:
    """Whole numbers whole, others with three significant digits."""
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 1000 else f"{value:.3g}"
