"""What a diagnosis says."""

from collections.abc import Mapping
from dataclasses import dataclass

from phonehome_product import Ask


@dataclass(frozen=True, slots=True)
class Ranked:
    """A cause; `moved` says by which evidence and how far: (evidence id, log10 of the factor).

    The factor is by how much the evidence changed the odds of this cause against all others,
    given the evidence before it in the file: factors of one cause multiply to the whole change.
    """

    cause: str
    title: str
    probability: float
    prior: float
    moved: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Causes, the likeliest first; `why_unsure` is empty when the first one may be acted on.

    `seen` is the evidence that could be told, there or not; `missing` the rest; `asks` what to ask
    the device, the one that would tell most first.
    """

    causes: tuple[Ranked, ...]
    why_unsure: str
    seen: Mapping[str, bool]
    missing: tuple[str, ...]
    asks: tuple[Ask, ...]

    @property
    def is_sure(self) -> bool:
        """Whether the first cause may be acted on without asking more."""
        return not self.why_unsure

    def probabilities(self) -> dict[str, float]:
        """P(cause) by its id."""
        return {ranked.cause: ranked.probability for ranked in self.causes}
