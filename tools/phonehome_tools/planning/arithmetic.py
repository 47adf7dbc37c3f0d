"""From what one report costs to what a fleet needs.

Everything measured comes from `phonehome bench ... --json`; everything assumed is a field of Fleet
or a constant here, with its reason.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from phonehome_tools.fleet.errors import SetupError

DAY_S = 86_400
# A core that is planned for more than this has no room for a slow disk, a backup or a neighbour.
BUSY = 0.5
# A hello and what waited since the power went: one message, two records or three.
BACK_REPORTS = 1.0
GIB = 1024**3

FIGURES = {
    "report_cpu_us": "@256 server CPU of a report",
    "stored_bytes": "database bytes of a report",
    "database_cpu_us": "database CPU of a report",
    "idle_bytes": "broker memory of an idle device",
}


@dataclass(frozen=True)
class Measured:
    """What `phonehome bench` found on one machine.

    Processor time and no rates: a rate is that of whatever else ran there. A report's has its
    digest in it, which ran beside; half of them were faults, in a fleet one in a hundred is.
    """

    report_cpu_us: float
    stored_bytes: float
    database_cpu_us: float
    idle_bytes: float

    @property
    def core_rate(self) -> float:
        """Reports a second that fill one core of a receiver, which has one process a core."""
        return 1e6 / self.report_cpu_us


@dataclass(frozen=True)
class Fleet:
    """Devices and what they say: a heartbeat every `heartbeat_s`, so many faults a day.

    `cut` is the part that loses its power together.
    """

    devices: int
    heartbeat_s: float = 3600.0
    faults_a_day: float = 0.1
    cut: float = 0.2

    @property
    def reports_a_day(self) -> float:
        """Of one device; a fault is confirmed and healed."""
        return DAY_S / self.heartbeat_s + 2 * self.faults_a_day


@dataclass(frozen=True)
class Need:
    """What a fleet needs: rates a second, cores, GiB."""

    fleet: Fleet
    mean_rate: float
    receiver_cores: float
    database_cores: float
    cut_rate: float
    cut_s: float
    receivers: int
    broker_gib: float
    grown_gib_a_day: float


def need(fleet: Fleet, cost: Measured) -> Need:
    """The arithmetic, line by line."""
    mean_rate = fleet.devices * fleet.reports_a_day / DAY_S
    receiver_cores = mean_rate * cost.report_cpu_us / 1e6
    receivers = math.ceil(receiver_cores / BUSY)
    # After a cut everybody is back within a minute; those who are refused come back later.
    back = BACK_REPORTS * fleet.cut * fleet.devices
    spare = receivers * cost.core_rate - mean_rate
    stored_a_day = fleet.devices * fleet.reports_a_day * cost.stored_bytes
    return Need(
        fleet,
        mean_rate,
        receiver_cores,
        mean_rate * cost.database_cpu_us / 1e6,
        back / 60 + mean_rate,
        max(60.0, back / spare),
        receivers,
        fleet.devices * cost.idle_bytes / GIB,
        stored_a_day / GIB,
    )


def read_figures(paths: Iterable[Path]) -> Measured:
    """The figures in files that `phonehome bench ... --json` printed; all of them are needed."""
    found: dict[str, float] = {}
    for path in paths:
        try:
            found |= {row["figure"]: row["value"] for row in json.loads(path.read_text("utf-8"))}
        except (OSError, ValueError, TypeError, KeyError) as error:
            wanted = "want what 'phonehome bench --json' prints"
            raise SetupError(f"{path}: {wanted}: {error}") from error
    return _measured(found)


def shipped_figures() -> Measured:
    """Those that the capacity page was made with."""
    text = files("phonehome_tools.planning").joinpath("measured.json").read_text("utf-8")
    return _measured({row["figure"]: row["value"] for row in json.loads(text)})


def _measured(found: Mapping[str, Any]) -> Measured:
    missing = [figure for figure in FIGURES.values() if figure not in found]
    if missing:
        raise SetupError(
            f"no figure {missing[0]!r}: give the output of bench intake and of bench storage"
        )
    return Measured(**{name: float(found[figure]) for name, figure in FIGURES.items()})
