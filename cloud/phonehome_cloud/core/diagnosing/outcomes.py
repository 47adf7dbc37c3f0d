"""How a ticket ended, and what that says about its cause."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from phonehome_product import Action, Fault

from .diagnosis import Diagnosis
from .priors import (
    HELD_DAYS,
    HELD_WEIGHT,
    HELPED_WEIGHT,
    SEEN_WEIGHT,
    counts_of,
    learn,
    share_of_help,
)

BY_TECHNICIAN: Final = "technician"  # looked at the cause
BY_OWNER: Final = "owner"  # said that it helped
BY_DEVICE: Final = "device"  # proved that it helped
HELD: Final = "held"  # did not come back
CAME_BACK: Final = "came_back"  # within HELD_DAYS
REFUTED: Final = "refuted"  # it had not helped, says the device or a person
OTHER_CAUSE: Final = "other_cause"  # a technician has seen another one
DROPPED: Final = "dropped"  # the product file has this fault no more

MENDED: Final = (BY_TECHNICIAN, BY_OWNER, BY_DEVICE)  # after which the fault was gone

HELP: Final = (BY_OWNER, BY_DEVICE)  # nobody saw the cause: it may be taken back
TAKEN_BACK: Final = (CAME_BACK, REFUTED, OTHER_CAUSE)
NEVER_MENDED: Final = (REFUTED, OTHER_CAUSE)  # what came back had been gone

HELD_MS: Final = HELD_DAYS * 86_400_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one end of a matter teaches; the same `key` of a ticket never counts twice.

    `shares` say how much it counts for which cause at once, `held` how much more when the fault
    has not come back for HELD_DAYS; `who` is written into the history. `seen` is the evidence
    about which it says something: there or not, with these causes.
    """

    device: str
    ticket: int
    key: str
    product: str
    fault: Fault
    at: int
    who: str
    how: str
    shares: Mapping[str, float]
    held: Mapping[str, float] = field(default_factory=dict)
    seen: Mapping[str, bool] = field(default_factory=dict)


def technician_found(
    place: tuple[str, int, str],
    product: str,
    fault: Fault,
    cause: str,
    who: str,
    at: int,
    seen: Mapping[str, bool],
) -> Outcome:
    """A technician's close code; `place` is (device, ticket, key), `seen` the evidence by then.

    ValueError when the fault has no such cause, with those that it has.
    """
    learn(fault, counts_of(fault), cause)
    return Outcome(*place, product, fault, at, who, BY_TECHNICIAN, {cause: SEEN_WEIGHT}, {}, seen)


def action_helped(
    place: tuple[str, int, str],
    product: str,
    fault: Fault,
    diagnosis: Diagnosis,
    action: Action,
    who: str,
    how: str,
    at: int,
) -> Outcome:
    """An action after which the fault went; `how` says who knows: BY_OWNER or BY_DEVICE.

    Nobody saw the cause: what it counts is shared among those that the action can help against.
    """
    shares = share_of_help(diagnosis, action, HELPED_WEIGHT)
    held = share_of_help(diagnosis, action, HELD_WEIGHT)
    seen = seen_of_help(diagnosis, shares)
    return Outcome(*place, product, fault, at, who, how, shares, held, seen)


def seen_of_help(diagnosis: Diagnosis, shares: Mapping[str, float]) -> Mapping[str, bool]:
    """The evidence that help with these shares says something about: none, unless it is one
    cause's alone. Shares are the diagnosis' own word, and evidence that is learnt from it would
    make it ever surer of itself.
    """
    return diagnosis.seen if len(shares) == 1 else {}


def why_taken_back(
    at: int,
    shares: Collection[str],
    *,
    has_failed: bool,
    found: Iterable[str],
    confirmed_at: int,
) -> str | None:
    """Why help that taught these causes at `at` is taken back; None while it stands.

    `has_failed` says whether its action is now known to have failed, `found` are the causes that
    technicians have seen on the same ticket since, `confirmed_at` is when the device told of the
    fault last, on whatever ticket.
    """
    if has_failed:
        return REFUTED
    if any(set(shares) != {cause} for cause in found):
        return OTHER_CAUSE
    return CAME_BACK if at < confirmed_at <= at + HELD_MS else None


def taken_back_key(key: str) -> str:
    """The key of the outcome that takes another one back."""
    return f"{key}/taken_back"


def find_mended(shares: Mapping[str, float]) -> list[str]:
    """The causes that an outcome mended: those with at least half of what it counts."""
    total = sum(shares.values())
    return [cause for cause, share in shares.items() if share >= total / 2]


def say_change(fault: Fault, change: Mapping[str, Any]) -> str:
    """Old and new prior in one line: "bearing_worn 0.60 to 0.64, ..."; what moved most first."""
    moved = sorted(change.items(), key=lambda item: -abs(item[1]["new"] - item[1]["old"]))
    words = [f"{cause} {p['old']:.3f} to {p['new']:.3f}" for cause, p in moved]
    return f"{fault.code}: {', '.join(words)}"
