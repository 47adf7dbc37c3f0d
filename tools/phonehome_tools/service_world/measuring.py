"""What a year came to under one policy.

First-time fix is the field's: of the faults to which a technician was sent, the share that the
first visit ended, with no further visit for it. A visit at which nobody opened is a visit that did
not end it. Success in a world file means success for good, so nothing comes back later.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from .books import Entry
from .calibration import Bin, calibration_by_chance, calibration_error, reliability


@dataclass(frozen=True, slots=True)
class Result:
    """One policy, one seed. Money is what is paid; `total` adds the owner's days and minutes.

    `ece_second_half` and `bins` are of the faults that began in the second half of the time, when
    learning has had a while; they are nan and empty for policies that believe nothing.
    `ece_by_chance` is what `ece_second_half` would be if every probability were right.
    """

    faults: int
    visited: int
    first_time_fix: float
    money: float
    total: float
    days_without: float
    visits: float
    wasted_visits: float
    ends: dict[str, int]
    firsts: dict[str, int]
    ece: float
    ece_second_half: float
    ece_by_chance: float
    bins: list[Bin]


def measure(entries: Sequence[Entry], days: float) -> Result:
    """The figures of one run over `days`; means are per fault."""
    count = len(entries)
    sent = [entry for entry in entries if entry.visits + entry.wasted]
    half_h = days * 24 / 2
    beliefs = [(entry.believed, entry.cause) for entry in entries]
    late = [(entry.believed, entry.cause) for entry in entries if entry.at_h >= half_h]
    bins = reliability(late)
    return Result(
        faults=count,
        visited=len(sent),
        first_time_fix=_mean([float(entry.is_fixed_first) for entry in sent]),
        money=_mean([entry.money for entry in entries]),
        total=_mean([entry.total for entry in entries]),
        days_without=_mean([entry.days_without for entry in entries]),
        visits=_mean([float(entry.visits + entry.wasted) for entry in entries]),
        wasted_visits=_mean([float(_wasted(entry)) for entry in entries]),
        ends=dict(Counter(entry.end for entry in entries)),
        firsts=dict(Counter(entry.first for entry in entries)),
        ece=calibration_error(reliability(beliefs)),
        ece_second_half=calibration_error(bins),
        ece_by_chance=calibration_by_chance(bins),
        bins=bins,
    )


def _wasted(entry: Entry) -> int:
    """Visits that did not end the fault: nobody home, parts missing, the wrong repair."""
    return entry.wasted + entry.visits - (entry.visits > 0 and entry.end in ("visit", "advised"))


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else math.nan
