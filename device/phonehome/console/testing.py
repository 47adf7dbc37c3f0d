"""Tests that somebody orders: a crash, a hang, a heap that is full; and stimuli, by stimulus.py.

What they cause says so: a fault carries the metric `test`, a crash an exception whose name begins
with ConsoleTest, a watchdog reset the task `test hang`. The receiver opens nothing for such a
fault, and keeps it as history.
"""

import asyncio

from .answer import WordError
from .stimulus import begin_fault, begin_sensor

_USAGE = "want crash, hang, oom, fault CODE, or sensor NAME VALUE [TIME]"
_SOON_S = 0.2  # the answer is out before it happens


class ConsoleTestError(Exception):
    """Ordered at the console; nothing is wrong."""


class ConsoleTestMemoryError(MemoryError):
    """The same, of a heap that was really full."""


def test(hands, words: list, write) -> None:
    """Begin a test; it ends by itself."""
    kind = words[0] if words else ""
    if kind == "fault":
        begin_fault(hands, words[1:], write)
    elif kind == "sensor":
        begin_sensor(hands, words[1:], write)
    elif kind in _ORDERS and len(words) == 1:
        if kind == "hang" and not hands.has_watchdog:
            raise WordError("test hang: no watchdog is on that would end it")
        hands.start(_ORDERS[kind](), "test " + kind)
        write("test", kind)
    else:
        raise WordError("test %r: %s" % (" ".join(words), _USAGE))


async def _crash() -> None:
    await asyncio.sleep(_SOON_S)
    raise ConsoleTestError("ordered at the console")


async def _hang() -> None:
    await asyncio.sleep(_SOON_S)
    while True:
        pass


async def _exhaust() -> None:
    """Fill the heap, by a chain as no list would find room to grow, give it back, and fail."""
    await asyncio.sleep(_SOON_S)
    failure = ConsoleTestMemoryError("ordered at the console")
    chain = None
    size = 4096
    while size >= 32:
        try:
            chain = (bytearray(size), chain)
        except MemoryError:
            size //= 2
    chain = None
    raise failure


_ORDERS = {"crash": _crash, "hang": _hang, "oom": _exhaust}
