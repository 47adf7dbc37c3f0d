"""Chance that is the same whatever is decided: each question to it has its own fixed answer.

Policies are compared on the same faults, and an action that two of them try has the same outcome
in both. So their difference is theirs, and a few seeds tell it.
"""

import math
from hashlib import blake2b

_SIZE = 7  # bytes; 2**56 is the largest power of two whose fractions a float holds exactly
_ONE = 256**_SIZE


class Luck:
    """Answers of one seed; a question is any words."""

    def __init__(self, *seed: object) -> None:
        self._seed = blake2b(repr(seed).encode(), digest_size=16).digest()

    def chance(self, *question: object) -> float:
        """A number in [0, 1), evenly."""
        asked = blake2b(repr(question).encode(), digest_size=_SIZE, key=self._seed)
        return float(int.from_bytes(asked.digest(), "big") / _ONE)

    def happens(self, probability: float, *question: object) -> bool:
        """Whether something of this probability is so."""
        return self.chance(*question) < probability

    def waits(self, mean: float, *question: object) -> float:
        """An exponential time with this mean."""
        return -mean * math.log(1.0 - self.chance(*question))

    def normal(self, *question: object) -> float:
        """A standard normal number (Box and Muller)."""
        radius = math.sqrt(-2.0 * math.log(1.0 - self.chance(*question, "radius")))
        return radius * math.cos(2.0 * math.pi * self.chance(*question, "angle"))

    def pick(self, weights: dict[str, float], *question: object) -> str:
        """One of the keys, as often as its weight says; they need not sum to 1."""
        left = self.chance(*question) * sum(weights.values())
        for name, weight in weights.items():
            left -= weight
            if left < 0:
                return name
        return next(reversed(weights))
