"""What a replay would change: a diagnosis as it was made, beside what it would be now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from .deciding.decision import Decision
from .diagnosing.diagnosis import Diagnosis

CAUSE: Final = "cause"
SURE: Final = "sure"
ACTION: Final = "action"
LANE: Final = "lane"
PROBABILITY: Final = "probability"

LEAST_SHIFT: Final = 0.005  # of a probability: what two decimals show


@dataclass(frozen=True, slots=True)
class Verdict:
    """What matters of a diagnosis and its decision; `causes` are the likeliest first."""

    causes: tuple[tuple[str, float], ...]
    is_sure: bool
    lane: str
    kind: str
    action_id: str | None

    @property
    def cause(self) -> str | None:
        """The likeliest cause, None when nothing is known about the fault."""
        return self.causes[0][0] if self.causes else None


def verdict_of(diagnosis: Diagnosis | None, decision: Decision) -> Verdict:
    """The verdict of what was just considered."""
    return Verdict(
        tuple((ranked.cause, ranked.probability) for ranked in diagnosis.causes)
        if diagnosis
        else (),
        bool(diagnosis and diagnosis.is_sure),
        decision.lane,
        decision.chosen.kind,
        decision.chosen.action_id,
    )


def verdict_in(row: Mapping[Any, Any]) -> Verdict:
    """The verdict in a row of the table `diagnosis`."""
    causes = tuple((cause["cause"], cause["probability"]) for cause in row["causes"])
    return Verdict(causes, row["is_sure"], row["lane"], row["kind"], row["action_id"])


def find_changes(before: Verdict, after: Verdict) -> list[str]:
    """Which of cause, sure, lane, action and probability are not the same; empty when all are."""
    pairs = {
        CAUSE: (before.cause, after.cause),
        SURE: (before.is_sure, after.is_sure),
        LANE: (before.lane, after.lane),
        ACTION: ((before.kind, before.action_id), (after.kind, after.action_id)),
    }
    changes = [name for name, (was, now) in pairs.items() if was != now]
    if largest_shift(before.causes, after.causes) >= LEAST_SHIFT:
        changes.append(PROBABILITY)
    return changes


def largest_shift(
    before: Sequence[tuple[str, float]], after: Sequence[tuple[str, float]]
) -> float:
    """The largest change of a cause's probability; a cause that is not there has none."""
    was, now = dict(before), dict(after)
    return max((abs(was.get(c, 0.0) - now.get(c, 0.0)) for c in was | now), default=0.0)
