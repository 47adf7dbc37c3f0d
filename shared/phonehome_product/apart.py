"""Product files read in a process of its own, which takes along what only reading them needs.

pydantic and the checks that it compiles stay with whoever has read a file: 11 MiB of a receiver
that reads its files once, at its start.
"""

import pickle
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeAlias

from .errors import ProductError
from .loading import load
from .model import Product

Outcome: TypeAlias = Product | ProductError | OSError  # of one file


def load_here(paths: Iterable[Path]) -> list[Outcome]:
    """Return the product of each file, or why there is none."""
    return [_try(path) for path in paths]


def load_apart(paths: Sequence[Path]) -> list[Outcome]:
    """As load_here, in another process; raise OSError when there can be none."""
    argv = [sys.executable, "-m", __name__, *map(str, paths)]
    done = subprocess.run(argv, stdout=subprocess.PIPE, check=False)  # noqa: S603 - ourselves
    if done.returncode:
        raise ChildProcessError(f"reading the product files ended with {done.returncode}")
    found: list[Outcome] = pickle.loads(done.stdout)  # noqa: S301 - our own child wrote it
    return found


def _try(path: Path) -> Outcome:
    try:
        return load(path)
    except (ProductError, OSError) as error:
        return error


if __name__ == "__main__":
    sys.stdout.buffer.write(pickle.dumps(load_here(map(Path, sys.argv[1:]))))
