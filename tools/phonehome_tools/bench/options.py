"""What `phonehome bench` was asked for."""

from dataclasses import dataclass

STORES = ("sqlite", "postgresql")


@dataclass(frozen=True)
class Options:
    """`store` is one of STORES; `quick` measures too little to believe, to see that it runs."""

    store: str = "sqlite"
    quick: bool = False

    def of(self, long: float, short: float) -> float:
        """How much to do: `long`, or `short` for a quick look."""
        return short if self.quick else long

    def times(self, long: int, short: int) -> int:
        """How often to do something."""
        return short if self.quick else long
