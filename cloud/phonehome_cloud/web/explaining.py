"""A diagnosis as bars: geometry and words only, the template draws it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from .diagnoses import MadeDiagnosis, Moved, RankedCause

# In units of the SVG's viewBox.
WIDTH: Final = 200
_MARK: Final = 1.5  # the width of the mark
_MIDDLE: Final = WIDTH / 2
# Full width of an evidence bar: odds times or divided by 10. A larger factor is as wide.
_WIDEST_LOG10: Final = 1.0
_LEAST_LOG10: Final = 0.02  # less than 5 %: it says nothing about this cause


@dataclass(frozen=True)
class Push:
    """A piece of evidence beside a cause: a bar from the middle to the right for it, else left."""

    title: str
    text: str
    x: float
    width: float
    is_for: bool


@dataclass(frozen=True)
class Bar:
    """A cause: its probability as a bar, with a mark where it stood before the evidence."""

    title: str
    percent: str
    prior_percent: str
    width: float
    prior_at: float
    is_first: bool
    pushes: list[Push]


@dataclass(frozen=True)
class Explained:
    """A diagnosis for people; `missing` is what could not be told, by title."""

    n: int
    at: int
    is_sure: bool
    why_unsure: str
    bars: list[Bar]
    missing: list[str]


def explain(made: MadeDiagnosis) -> Explained:
    """The causes from the likeliest down, each with what moved it, strongest first."""
    bars = [_draw(cause, place == 0) for place, cause in enumerate(made.causes)]
    return Explained(made.n, made.at, made.is_sure, made.why_unsure, bars, made.missing)


def _draw(cause: RankedCause, is_first: bool) -> Bar:
    return Bar(
        title=cause.title,
        percent=percent(cause.probability),
        prior_percent=percent(cause.prior),
        width=round(cause.probability * WIDTH, 1),
        prior_at=round(min(cause.prior * WIDTH, WIDTH - _MARK), 1),
        is_first=is_first,
        pushes=_pushes(cause.moved),
    )


def _pushes(moved: Iterable[Moved]) -> list[Push]:
    telling = [one for one in moved if abs(one.log10) >= _LEAST_LOG10]
    return [_push(one) for one in sorted(telling, key=lambda one: -abs(one.log10))]


def _push(moved: Moved) -> Push:
    share = min(abs(moved.log10) / _WIDEST_LOG10, 1.0)
    width = round(share * _MIDDLE, 1)
    is_for = moved.log10 > 0
    title = moved.title if moved.is_there else f"Not so: {moved.title}"
    return Push(title, factor(moved.log10), _MIDDLE if is_for else _MIDDLE - width, width, is_for)


def factor(log10: float) -> str:
    """By how much the odds were multiplied, for people: "odds x 3.2" or "odds / 3.2"."""
    sign = "\N{MULTIPLICATION SIGN}" if log10 > 0 else "\N{DIVISION SIGN}"
    return f"odds {sign} {10 ** abs(log10):.2g}"


def percent(probability: float) -> str:
    """A probability in per cent; never 0 % or 100 %, which no evidence gives."""
    shown = f"{probability:.0%}"[:-1]
    if shown == "0":
        return "< 1 %"
    return "> 99 %" if shown == "100" and probability < 1 else f"{shown} %"
