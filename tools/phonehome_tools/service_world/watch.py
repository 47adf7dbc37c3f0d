"""Incidents in a simulated year: the receiver's own rate test over what has failed so far.

When it trips, people look at the one matter and mend it for all, `mended_days` later; tickets of
it are held meanwhile, and what would have failed afterwards does not. A test that trips by chance
holds its tickets for a day, and they go on as before.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from dataclasses import dataclass

from phonehome_cloud.core.deciding.incidents import (
    BUILD,
    HISTORY_DAYS,
    PRODUCT,
    WINDOWS_H,
    Key,
    Verdict,
    judge,
    name_it,
)

from .failures import DAY_H, Failure
from .world import Batch

_CHANCE_DAYS = 1.0  # until people see that it was none


@dataclass(frozen=True, slots=True)
class Incident:
    """One matter of many appliances; over when it is mended, or found to be chance."""

    key: Key
    over_h: float
    batch: Batch | None


class Watch:
    """What failed when, by what appliances have in common."""

    def __init__(self, product: str) -> None:
        self._product = product
        self._times: defaultdict[Key, list[float]] = defaultdict(list)
        self._found: dict[Key, Incident] = {}

    def count(self, failure: Failure, now_h: float) -> bool:
        """Count one failure, and judge; whether an incident was opened by it."""
        keys = self._keys(failure)
        for key in keys:
            self._times[key].append(now_h)
        verdict = name_it(
            [self._judge(key, window, now_h) for key in keys for window in WINDOWS_H]
        )
        if verdict is None or self._is_open(verdict.key, now_h):
            return False
        days = float(failure.batch.mended_days) if failure.batch else _CHANCE_DAYS
        self._found[verdict.key] = Incident(verdict.key, now_h + days * DAY_H, failure.batch)
        return True

    def incident_of(self, failure: Failure) -> Incident | None:
        """The incident that a failure belongs to, over or not."""
        found = (self._found.get(key) for key in self._keys(failure))
        return next((one for one in found if one is not None), None)

    def _keys(self, failure: Failure) -> list[Key]:
        fault = failure.truth.fault
        build = failure.facts.build or ""
        return [
            (self._product, fault.id, fault.fmi, BUILD, build),
            (self._product, fault.id, fault.fmi, PRODUCT, self._product),
        ]

    def _judge(self, key: Key, window_h: int, now_h: float) -> Verdict:
        times, whole = self._times[key], self._times[(*key[:3], PRODUCT, self._product)]
        seen = len(times) - bisect_left(times, now_h - window_h)
        first_h, last_h = _history(now_h)
        before = bisect_right(whole, last_h) - bisect_left(whole, first_h)
        return judge(key, window_h, seen, before, last_h - first_h)

    def _is_open(self, key: Key, now_h: float) -> bool:
        known = self._found.get(key)
        return known is not None and (known.batch is not None or now_h < known.over_h)


def _history(now_h: float) -> tuple[float, float]:
    """The whole days that a window is compared with, as the receiver counts them."""
    last_h = now_h - now_h % DAY_H - DAY_H
    return max(0.0, last_h - HISTORY_DAYS * DAY_H), max(0.0, last_h)
