"""What libraries load only because it is installed: kept from them while they are loaded."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def absent(name: str) -> Iterator[None]:
    """Let whoever imports the package `name` meanwhile find that it is not installed.

    For libraries that take it when it is there and do without it otherwise. It can be imported
    before and afterwards as ever; when it is loaded already, nothing is kept from anybody.
    """
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]  # an import of it is an ImportError
    try:
        yield
    finally:
        del sys.modules[name]
