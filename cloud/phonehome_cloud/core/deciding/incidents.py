r"""When many tickets are one problem: how much is too much, and what an incident goes through.

    suspected -> confirmed -> resolved
        |            |
        |------------+-----> dismissed
        \------------+-----> resolved

A fault is counted by the hour for everything that its devices have in common: the claim that they
were enrolled with (a batch), their firmware build, their manifest, their product. The number in a
window is compared with what the fault does in the whole product otherwise; that is never less than
what a part of the fleet does, so a new build that many have is no incident by being new.

The rate itself is only known from a count. With h tickets in t windows and Jeffreys' prior, the
next window has a negative binomial number of them, exactly: P(n or more) is its tail.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import exp, lgamma, log, log1p
from types import MappingProxyType
from typing import Final

from phonehome_cloud.errors import TransitionError

SUSPECTED: Final = "suspected"
CONFIRMED: Final = "confirmed"
DISMISSED: Final = "dismissed"
RESOLVED: Final = "resolved"
STATES: Final = (SUSPECTED, CONFIRMED, DISMISSED, RESOLVED)
HOLDING: Final = frozenset((SUSPECTED, CONFIRMED))

TRANSITIONS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        SUSPECTED: frozenset((CONFIRMED, DISMISSED, RESOLVED)),
        CONFIRMED: frozenset((DISMISSED, RESOLVED)),
        DISMISSED: frozenset(),
        RESOLVED: frozenset(),
    }
)

# What devices have in common, the narrowest first: the first that holds nearly all is the name.
BATCH: Final = "batch"
BUILD: Final = "build"
MANIFEST: Final = "manifest"
PRODUCT: Final = "product"
TRAITS: Final = (BATCH, BUILD, MANIFEST, PRODUCT)
NEARLY_ALL: Final = 0.9

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
# Hours that are looked at together. The present one is not over, so "two" is one to two hours: a
# bad update shows within the first, a bad delivery of parts within the second window.
WINDOWS_H: Final = (2, 25)
# Appliances are not used evenly: a busy evening has four times the mean hour's use, a washing day
# one and a half times the mean day's. So much more is still expected.
BUSY: Final = MappingProxyType({2: 4.0, 25: 1.5})
HISTORY_DAYS: Final = 28  # long enough for weekends, short enough for the season

# Fewer are looked at one by one: a household with two, a shop with four.
MIN_DEVICES: Final = 5
# One false incident in ten years of a receiver, for all that it looks at. It looks at the two
# windows of each hour (8766 hours a year; within one the count only rises, so its end is the only
# look that counts), for a thousand things at a time: 64 faults of a product in 16 builds and
# batches. Bonferroni, because the looks overlap and nothing is known of how.
FALSE_PER_YEAR: Final = 0.1
LOOKS_PER_YEAR: Final = 8766 * len(WINDOWS_H) * 1000
THRESHOLD: Final = FALSE_PER_YEAR / LOOKS_PER_YEAR
# A receiver that began just now has seen at least so many windows without the fault, or none of
# its first tickets could ever be too many.
_LEAST_WINDOWS: Final = 1.0
_JEFFREYS: Final = 0.5

Key = tuple[str, int, int, str, str]  # product, spn, fmi, trait, value

BOOTS: Final = (-1, -1)  # spn and fmi of what is no fault: devices that start


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was counted for one key, and how likely so much of it is by chance."""

    key: Key
    window_h: int
    seen: int
    expected: float
    p_value: float

    @property
    def is_incident(self) -> bool:
        """Whether it is too much."""
        return self.seen >= MIN_DEVICES and self.p_value < THRESHOLD

    @property
    def why(self) -> tuple[str, ...]:
        """What an operator reads."""
        _, _, _, trait, value = self.key
        return (
            f"{self.seen} devices of {trait} {value} within {self.window_h} hours.",
            f"Expected: {self.expected:.2f}, by what the product did {HISTORY_DAYS} days before.",
            f"So many by chance: {self.p_value:.1e}; below {THRESHOLD:.1e} it is an incident.",
        )


def judge(key: Key, window_h: int, seen: int, before: int, watched_h: float) -> Verdict:
    """`seen` devices in the last `window_h` hours; the product had `before` in `watched_h`."""
    windows = max(_LEAST_WINDOWS, watched_h / window_h / BUSY[window_h])
    expected = (before + _JEFFREYS) / windows
    return Verdict(key, window_h, seen, expected, tail(seen, before, windows))


def tail(seen: int, before: int, windows: float) -> float:
    """P(a window has `seen` or more), when `windows` of them had `before` together."""
    a = before + _JEFFREYS
    if seen <= a / windows:
        return 1.0  # no more than expected; and the sum below would be a long one
    more = 1.0 / (windows + 1.0)
    term = exp(
        lgamma(seen + a) - lgamma(a) - lgamma(seen + 1) + a * log1p(-more) + seen * log(more)
    )
    total, n = 0.0, seen
    while term > total * 1e-12 and term > 0.0:
        total += term
        term *= (n + a) / (n + 1) * more
        n += 1
    return min(total, 1.0)


def name_it(verdicts: Sequence[Verdict]) -> Verdict | None:
    """Of what tripped for one fault, the narrowest thing that nearly all of it has in common."""
    tripped = [verdict for verdict in verdicts if verdict.is_incident]
    if not tripped:
        return None
    most = max(verdict.seen for verdict in tripped)
    common = [verdict for verdict in tripped if verdict.seen >= NEARLY_ALL * most]
    return min(common, key=lambda v: (TRAITS.index(v.key[3]), v.p_value))


def incident_id(key: Key, opened_at: int) -> str:
    """16 hex digits: the same for two receivers that notice it at the same time."""
    text = "\0".join(map(str, (*key, opened_at // HOUR_MS)))
    return sha256(text.encode()).hexdigest()[:16]


def is_held(state: str) -> bool:
    """Whether tickets of an incident in this state wait for a person's decision about it."""
    return state in HOLDING


def check_transition(from_state: str, to_state: str) -> None:
    """Raise TransitionError unless an incident may go from one state to the other."""
    if to_state not in TRANSITIONS.get(from_state, frozenset()):
        may = ", ".join(sorted(TRANSITIONS.get(from_state, ()))) or "nothing"
        raise TransitionError(
            f"an incident in state {from_state!r} cannot become {to_state!r}; from here: {may}"
        )
