"""One setting: its name and default, how its value is read, and values that are never shown."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

ENVIRONMENT_PREFIX: Final = "PHONEHOME_"


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that is never printed; `reveal` it at the place that needs it."""

    _value: str = field(repr=False)

    def reveal(self) -> str:
        """The value itself."""
        return self._value


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of the configuration: its default, how its value is read, and what it wants."""

    name: str
    default: Any
    read: Callable[[Any], Any]
    wants: str
    text: str
    variable: str = ""

    def environment(self) -> str:
        """The environment variable that overrides the file."""
        return self.variable or ENVIRONMENT_PREFIX + self.name.upper().replace(".", "_")


def read_text(value: Any) -> str:
    """A text; TypeError for anything else."""
    if not isinstance(value, str):
        raise TypeError
    return value


def read_whole(low: int, high: int) -> Callable[[Any], int]:
    """A reader of whole numbers within these bounds, both included."""

    def read(value: Any) -> int:
        number = int(value) if isinstance(value, str) else value
        if not isinstance(number, int) or isinstance(number, bool) or not low <= number <= high:
            raise ValueError
        return number

    return read
