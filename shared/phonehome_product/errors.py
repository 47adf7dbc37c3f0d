"""What is wrong with a product file, said so that the reader can mend it.

ValueError
  └─ ProductError        every problem of one file, found in one pass
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One mistake: where it stands, what stands there, what is wrong, what to write instead."""

    file: str
    line: int | None
    key: str
    value: object
    what: str
    fix: str

    def __str__(self) -> str:
        """One line in the shape that editors can jump to: `file:line: key = value: what; fix`."""
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        shown = "" if self.value is None else f" = {_shown(self.value)}"
        subject = f"{self.key}{shown}: " if self.key else ""
        line = f"{place}: {subject}{self.what}; {self.fix}"
        return "".join(char if char.isprintable() else "?" for char in line)


class ProductError(ValueError):
    """The product file cannot be used; `problems` lists every reason in the order of the file."""

    def __init__(self, problems: list[Problem]) -> None:
        """Take at least one problem."""
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))

    def __reduce__(self) -> tuple[type["ProductError"], tuple[list[Problem]]]:
        """Make it again from its problems in another process."""
        return ProductError, (self.problems,)


_SHOWN_CHARACTERS = 60  # enough to recognise a value, short enough for one terminal line


def _shown(value: object) -> str:
    if isinstance(value, str):
        text = f'"{value}"'
    elif isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, (dict, list)):
        text = "{...}" if isinstance(value, dict) else "[...]"
    else:
        text = str(value)
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 3] + "..."
