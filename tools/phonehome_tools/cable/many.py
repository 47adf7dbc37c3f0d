"""The same work on several boards, each in a thread; what one lacks stops no other."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from phonehome_tools.cable.errors import GOOD, complain
from phonehome_tools.fleet.errors import FleetError

# A tray of boards behind one hub; more wait for their turn.
_AT_ONCE: Final = 16
Result = TypeVar("Result")


def on_each(
    verb: str, ports: Sequence[str], work: Callable[[str], Result]
) -> tuple[list[tuple[str, Result | FleetError]], int]:
    """(port, result or error) of each in their order, and the exit code: the largest of all.

    Errors are printed as soon as all are done.
    """

    def attempt(port: str) -> Result | FleetError:
        try:
            return work(port)
        except FleetError as error:
            return error

    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        results = list(zip(ports, pool.map(attempt, ports), strict=True))
    errors = [result for _, result in results if isinstance(result, FleetError)]
    return results, max((complain(verb, error) for error in errors), default=GOOD)
