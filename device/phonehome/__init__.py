"""The agent on the board: samples sensors, finds faults, phones home."""

import gc

__version__ = "0.1.0"

# Loading a module leaves holes beside it. Collected this often, a Pico keeps 100 KB of its heap in
# one piece; left to the firmware 1.3 KB, and then neither TLS nor the next module finds room.
_COLLECT_EVERY_BYTES = 16384

# An import leaves addresses on the stack, and what lies there is not collected: a Pico kept 10 KB
# of module code that had run. So far down nobody looks again.
_DEPTH = 8


def __getattr__(name: str):
    if name == "Agent":
        collect_often()
        return _load_agent(_DEPTH)
    if name == "Product":
        collect_often()
        from .core.product import Product

        return Product
    if name == "start":
        collect_often()
        from .starting import start

        return start
    raise AttributeError(name)


def _load_agent(depth: int):
    if depth:
        return _load_agent(depth - 1)
    from .agent import Agent

    return Agent


def collect_often() -> None:
    """Have garbage collected before it tears the heap apart; nothing to do on CPython."""
    threshold = getattr(gc, "threshold", None)
    if threshold is not None:
        threshold(_COLLECT_EVERY_BYTES)
