"""The result of a decision, every figure of which a person can read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from .situation import Kind, Payer

Lane = Literal["clear", "unclear", "self_healing", "safety", "lead", "incident"]

CLEAR: Final = "clear"  # one repair is worth its cost: it starts before anybody calls
UNCLEAR: Final = "unclear"  # a person decides, with everything on the screen
SELF_HEALING: Final = "self_healing"  # it heals, or the owner or a command can make it
SAFETY: Final = "safety"  # a person, at once
LEAD_LANE: Final = "lead"  # no repair makes sense
INCIDENT: Final = "incident"  # one problem of many devices: held until somebody decides


@dataclass(frozen=True, slots=True)
class Option:
    """One thing that could be done now.

    `p_success` is P(the fault is gone afterwards), `expected_cost` the sum of `parts_of_cost`:
    what it costs itself, and what follows if it fails. `ruled_out_by` names the hard rule that
    forbids it; its cost is then what it would have been.
    """

    kind: Kind
    action_id: str | None
    p_success: float
    expected_cost: float
    parts_of_cost: Mapping[str, float] = field(default_factory=dict)
    ruled_out_by: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What was chosen, against what, and why in sentences; the cheapest option comes first.

    The owner is told of whatever is done, whoever pays: `tells_owner` is False only when nobody
    knows the owner.
    """

    chosen: Option
    options: tuple[Option, ...]
    needs_consent: bool
    lane: Lane
    why: tuple[str, ...]
    payer: Payer
    tells_owner: bool
