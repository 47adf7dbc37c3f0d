r"""The numbered steps of an article: which is next, and when the device itself has confirmed one.

    waiting -> open -> done
                \----> unproven    the device had its time, and did not show it

A step is open from when its owner came to it. What a device reported before says nothing about
what was done since, so only what it measured afterwards counts. It can tell in three ways: by
healing the fault that the article is for, by a freeze frame or a transition that holds the sensor,
and by reading the sensor again when it is asked to.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

WAITING: Final = "waiting"
OPEN: Final = "open"
DONE: Final = "done"
UNPROVEN: Final = "unproven"

BY_OWNER: Final = "owner"
BY_DEVICE: Final = "device"

ENDED: Final = frozenset((DONE, UNPROVEN))


@dataclass(frozen=True, slots=True)
class Proof:
    """What the device has to show: the sensor between two limits in its unit, in so much time."""

    sensor: str
    low: float | None
    high: float | None
    within_s: int

    def holds(self, value: float) -> bool:
        """Whether this value is between the limits."""
        return (self.low is None or value >= self.low) and (
            self.high is None or value <= self.high
        )


@dataclass(frozen=True, slots=True)
class Reading:
    """A sensor's values as the device reported them: in its unit, `at` unix ms, and from where.

    `source` is "healed", "frame", "transition" or "reread"; `record` names where it is stored.
    """

    sensor: str
    values: tuple[float, ...]
    at: int
    source: str
    record: str = ""


def write_proof(given: Any) -> dict[str, Any] | None:
    """A proof of the product file as it is stored; None when the step has none."""
    if given is None:
        return None
    limits = {"min": given.min, "max": given.max}
    kept = {name: float(limit) for name, limit in limits.items() if limit is not None}
    return {"sensor": given.sensor, **kept, "within_s": int(given.within_s)}


def read_proof(stored: Mapping[str, Any] | None) -> Proof | None:
    """What `write_proof` wrote."""
    if stored is None:
        return None
    return Proof(stored["sensor"], stored.get("min"), stored.get("max"), stored["within_s"])


def judge(
    proof: Proof, opened_at: int, until_at: int, readings: Iterable[Reading]
) -> dict[str, Any] | None:
    """The evidence that the step was done, from what was measured while it was open; or None."""
    for reading in sorted(readings, key=lambda r: r.at):
        if reading.sensor != proof.sensor or not opened_at <= reading.at <= until_at:
            continue
        value = next((v for v in reading.values if proof.holds(v)), None)
        if value is not None:
            return {
                "sensor": proof.sensor,
                "value": value,
                "measured_at": reading.at,
                "source": reading.source,
                **({"record": reading.record} if reading.record else {}),
            }
    return None


def find_open(states: Sequence[str]) -> int | None:
    """The index of the step that is to be done now: the first that has not ended."""
    return next((n for n, state in enumerate(states) if state not in ENDED), None)
