"""The receiver's own commands: it reads its settings and the environment itself."""

import os
import sys
from collections.abc import Iterable
from typing import NoReturn

PACKAGE = "phonehome_cloud"


def become(*words: str) -> NoReturn:
    """Execute `python -m phonehome_cloud ...` in place of this process."""
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", PACKAGE, *words])  # noqa: S606 - no shell


def options(given: Iterable[tuple[str, object]]) -> list[str]:
    """The options that have a value, as words."""
    return [word for name, value in given if value is not None for word in (name, str(value))]
