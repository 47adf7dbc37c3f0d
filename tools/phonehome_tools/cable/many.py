"""The same work on several boards, each in a thread; what one lacks stops no other."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from phonehome_tools.cable.errors import GOOD, complain
from phonehome_tools.fleet.errors import FleetError

# A tray of boards behind one hub; more wait for their turn.
_AT_ONCE: Final = 16
Result = TypeVar("Result")


def on_each(
    verb: str,
    ports: Sequence[str],
    work: Callable[[str], Result],
    stop: threading.Event | None = None,
) -> tuple[list[tuple[str, Result | FleetError]], int]:
    """(port, result or error) of each in their order, and the exit code: the largest of all.

    Errors are printed once all are done. Ctrl-C lets what has begun end, and sets `stop` for work
    that would not end by itself.
    """

    def attempt(port: str) -> Result | FleetError:
        try:
            return work(port)
        except FleetError as error:
            return error

    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        begun = [pool.submit(attempt, port) for port in ports]
        try:
            results = [(port, one.result()) for port, one in zip(ports, begun, strict=True)]
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            if stop is not None:
                stop.set()
            raise
    errors = [result for _, result in results if isinstance(result, FleetError)]
    return results, max((complain(verb, error) for error in errors), default=GOOD)
