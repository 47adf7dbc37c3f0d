"""What keeps a loop of the receiver running when something unforeseen ends it."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

_LOG = logging.getLogger(__name__)
_PAUSE_S = 1.0
_TROUBLED_S = 60.0  # so long a restart counts as trouble


class Supervised:
    """Runs `run` until cancelled; what it raises is logged, and it is run again."""

    def __init__(
        self, name: str, run: Callable[[], Awaitable[None]], pause_s: float = _PAUSE_S
    ) -> None:
        self._name = name
        self._run = run
        self._pause_s = pause_s
        self._trouble = ""
        self._troubled_s = 0.0

    @property
    def trouble(self) -> str:
        """What ended it last; "" when that is more than a minute ago."""
        is_fresh = time.monotonic() - self._troubled_s < _TROUBLED_S
        return self._trouble if is_fresh else ""

    async def run(self) -> None:
        """Run it, again and again."""
        while True:
            try:
                await self._run()
            except Exception as error:  # noqa: BLE001 - that is what this is for
                _LOG.exception("the %s ended and is started again", self._name)
                self._trouble = f"restarted after {error!r}"
                self._troubled_s = time.monotonic()
            await asyncio.sleep(self._pause_s)
