"""Numbers that stand for one channel of a freeze frame.

A frame is {"period_ms", "trigger", "channels": [{"channel", "exp", "samples": [int or None]}]}.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

Sample = tuple[int, float]  # its place in the frame, its value in the sensor's unit
Condition = tuple[int, Decimal | None, Decimal | None]  # channel, min, max


def find_samples(
    frame: Mapping[str, Any], channel: int, conditions: Iterable[Condition]
) -> list[Sample]:
    """The samples of a channel that are there while every condition holds on its own channel."""
    own = _read(frame, channel)
    for other, least, most in conditions:
        values = dict(_read(frame, other))
        held = {i for i, value in values.items() if _is_between(value, least, most)}
        own = [sample for sample in own if sample[0] in held]
    return own


def take_statistic(name: str, samples: Sequence[Sample], frame: Mapping[str, Any]) -> float | None:
    """The statistic of these samples; None when there are too few. A slope is per second."""
    if not samples:
        return None
    if name == "at_trigger":
        return dict(samples).get(frame["trigger"])
    if name == "slope":
        return _slope(samples, frame["period_ms"])
    return _OF_VALUES[name]([value for _, value in samples])


_OF_VALUES: Final[Mapping[str, Callable[[list[float]], float]]] = MappingProxyType(
    {
        "mean": lambda values: sum(values) / len(values),
        "min": min,
        "max": max,
        "first": lambda values: values[0],
        "last": lambda values: values[-1],
    }
)


def _read(frame: Mapping[str, Any], channel: int) -> list[Sample]:
    found = next((c for c in frame["channels"] if c["channel"] == channel), None)
    if found is None:
        return []
    return [
        (i, _scale(sample, found["exp"]))
        for i, sample in enumerate(found["samples"])
        if sample is not None
    ]


def _scale(sample: int, exp: int) -> float:
    """Nearest to the decimal number that it means, as the limits of a product file are."""
    return float(sample * 10**exp) if exp >= 0 else sample / 10**-exp


def _is_between(value: float, least: Decimal | None, most: Decimal | None) -> bool:
    return (least is None or value >= float(least)) and (most is None or value <= float(most))


def _slope(samples: Collection[Sample], period_ms: int) -> float | None:
    """Least squares, in the unit per second."""
    count = len(samples)
    mean_place = sum(place for place, _ in samples) / count
    mean = sum(value for _, value in samples) / count
    spread = sum((place - mean_place) ** 2 for place, _ in samples)
    if not spread:
        return None
    moved = sum((place - mean_place) * (value - mean) for place, value in samples)
    return moved / spread * 1000 / period_ms
