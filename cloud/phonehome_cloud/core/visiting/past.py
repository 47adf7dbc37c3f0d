"""What was with an appliance before a visit, as its technician reads it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .sheet_words import words_of

Say = Callable[[str], str]  # a title of the product file, in the reader's language


@dataclass(frozen=True, slots=True)
class PastTicket:
    """Something was wrong, from `at` (unix ms); `state` is that of the ticket now."""

    at: int
    title: str
    state: str

    def tell(self, language: str, say: Say) -> str:
        """It in one line."""
        return f"{say(self.title)} ({words_of(language)[self.state]})"


@dataclass(frozen=True, slots=True)
class PastVisit:
    """Somebody was there and closed the job at `at` (unix ms); `closing` as the table keeps it,
    `causes` are the titles of those that it may name, by id.
    """

    at: int
    closing: Mapping[str, Any]
    causes: Mapping[str, str]

    def tell(self, language: str, say: Say) -> str:
        """It in one line: what was found and done, the parts, and what they left for the next."""
        t, closing = words_of(language), self.closing
        if closing["nobody_home"]:
            said = [t["nobody_home"]]
        else:
            mended = t["fixed" if closing["is_fixed"] else "not_fixed"]
            said = [f"{self._cause(say) or t['no_cause']}, {mended}"]
            said += [f"{count} x {part}" for part, count in closing["parts"].items()]
        text = " ".join(closing["text"].split())
        return "; ".join([f"{t['visit']}: {said[0]}", *said[1:], *([f'"{text}"'] if text else [])])

    def _cause(self, say: Say) -> str:
        cause = self.closing["cause"]
        return say(self.causes.get(cause, cause)) if cause else ""


Past = PastTicket | PastVisit
