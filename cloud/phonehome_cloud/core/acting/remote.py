r"""Remote fixes: a command that may mend something, given only to an appliance that is idle.

    asking -> idle? -> sent -> compared
       |        |        \---> refused, failed, expired, lost     the command's own word
       |        \--> asking    busy: asked again after a while
       \-----------> too_late  it was never idle while there was time

`before` is what was known when the command was given, `after` what the device said since. Whether
it helped is the fault's own word: healed says so, confirmed again says no, and silence until the
end of the watch says no, too, because a fault that heals only in use proves nothing by waiting.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

ASKING: Final = "asking"
ASKED: Final = "asked"
SENT: Final = "sent"
WATCHED: Final = "watched"
ENDED_STATES: Final = ("helped", "failed", "refused", "expired", "too_late", "cancelled")

# A diagnosis that wants to know more has no fix that waits behind it: it asks this slowly.
ASK_AGAIN_MS: Final = 60_000
# Who was just busy may be idle soon, and who has been for an hour will be for a while: each pause
# is half of what was waited so far. A program of an hour is asked about a dozen times.
SOONEST_AGAIN_MS: Final = 5_000
LATEST_AGAIN_MS: Final = 300_000
# So long is an answer about idleness good: the command follows on its heels or not at all.
IDLE_GOOD_MS: Final = 30_000
# The command itself must arrive while that answer is true.
COMMAND_WITHIN_MS: Final = 60_000
# It waits so long for an idle moment before somebody else has to decide.
PATIENCE_MS: Final = 24 * 3600_000
# And so long for the device's word about the fault afterwards.
WATCH_MS: Final = 6 * 3600_000


@dataclass(frozen=True, slots=True)
class Question:
    """How the appliance says that it is idle: what its answer to a command must be."""

    code: int
    key: int | None
    low: float | None
    high: float | None


def ask_again_at(asked_at: int, now_at: int) -> int:
    """When a busy appliance is asked again, by since when it has been asked (unix ms)."""
    pause_ms = (now_at - asked_at) // 2
    return now_at + min(max(pause_ms, SOONEST_AGAIN_MS), LATEST_AGAIN_MS)


def says_idle(question: Question, value: Any) -> bool:
    """Whether the value of a result says that the appliance is idle; what cannot be read is no."""
    found = value
    if question.key is not None:
        found = value.get(str(question.key)) if isinstance(value, Mapping) else None
    if isinstance(found, bool):
        found = int(found)
    if not isinstance(found, int | float):
        return False
    return (question.low is None or found >= question.low) and (
        question.high is None or found <= question.high
    )


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What changed from before to after, row by row: {"name", "before", "after"}."""
    names = list(dict.fromkeys([*before, *after]))
    return [{"name": name, "before": before.get(name), "after": after.get(name)} for name in names]


def why_not(state: str, status: int | None) -> str:
    """Why a command did not do its work, for the history."""
    words = {
        "refused": "the device does not allow this command",
        "bad_args": "the device found the arguments wrong",
        "failed": "the device tried and could not",
        "unknown": "the firmware of this device does not know the command",
        "expired": "the command did not arrive while the appliance was idle",
        "lost": "the device started again without an answer",
        "superseded": "another command took its place",
    }
    text = words.get(state, f"the command ended {state!r}")
    return text if status is None else f"{text} (status {status})"
