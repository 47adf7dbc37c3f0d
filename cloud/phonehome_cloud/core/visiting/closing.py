"""How a visit ended, as the technician writes it down."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

MAX_TEXT_CHARS: Final = 2000
_MAX_MINUTES: Final = 960
_MAX_PIECES: Final = 20


@dataclass(frozen=True, slots=True)
class Closing:
    """`cause` is an id of the product file, None when it was none of those; `parts` are pieces
    by number. Nobody home: nothing was found and nothing done.
    """

    is_fixed: bool
    cause: str | None = None
    parts: Mapping[str, int] = field(default_factory=dict)
    minutes: int = 0
    text: str = ""
    nobody_home: bool = False

    def to_json(self) -> dict[str, Any]:
        """As the table keeps it."""
        return {**asdict(self), "parts": dict(self.parts)}


def check_closing(closing: Closing, causes: Collection[str], parts: Collection[str]) -> None:
    """ValueError for what cannot be: causes and parts that this fault does not have."""
    if closing.nobody_home and (closing.is_fixed or closing.cause or closing.parts):
        raise ValueError("nobody was home, so nothing was found and nothing used")
    if closing.is_fixed and closing.cause is None:
        raise ValueError("cause: say what was wrong, it was mended")
    if closing.cause is not None and closing.cause not in causes:
        raise ValueError(f"cause = {closing.cause!r}: want one of {', '.join(sorted(causes))}")
    for part, pieces in closing.parts.items():
        if part not in parts:
            raise ValueError(f"parts: {part!r} is no part of this product")
        if not 1 <= pieces <= _MAX_PIECES:
            raise ValueError(f"parts: {pieces} pieces of {part}, want 1..{_MAX_PIECES}")
    if not 0 <= closing.minutes <= _MAX_MINUTES:
        raise ValueError(f"minutes = {closing.minutes}: want 0..{_MAX_MINUTES}")
    if len(closing.text) > MAX_TEXT_CHARS:
        raise ValueError(f"text: {len(closing.text)} characters, want {MAX_TEXT_CHARS} at most")
