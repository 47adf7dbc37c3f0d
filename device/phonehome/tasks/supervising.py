"""What runs the agent's loops and the developer's coroutine, and tells what ends them."""

import asyncio

from phonehome.core.ondemand import forget
from phonehome_wire.compat import const

_RESTART_S = const(5)  # a loop that fails at once must not fill the outbox with crashes

_CRASHES = "phonehome.core.crashes"
_CRASH = "phonehome_wire.crash"
_LAST_WORDS = "phonehome.core.lastwords"


class Supervising:
    """Starts tasks; an exception in one is kept in the black box and becomes a crash record.

    `parts` are box, reporter, session, uptime and board; `emit(event, **facts)` hears crash, past
    and dropped. `faults` is the FaultTable, once there is one.
    """

    def __init__(self, parts, emit) -> None:
        self._box, self._reporter, self._session, self._uptime, self._board = parts
        self._emit = emit
        self._tasks = []
        self.faults = None

    def begin(self) -> None:
        """Hear from the loop that runs about tasks that nobody awaits."""
        asyncio.get_event_loop().set_exception_handler(self._on_loop_error)

    def sustain(self, loop, *parts) -> None:
        """Start one of the agent's own loops; whatever ends it is reported and it starts again."""
        self._tasks.append(asyncio.create_task(self._run_again(loop, parts)))

    def start(self, coroutine) -> None:
        """Start a coroutine of the developer's; what ends it is reported."""
        self._tasks.append(asyncio.create_task(self._guard(coroutine)))

    def cancel(self) -> None:
        """Cancel all of them but the one that asks for it."""
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()
        self._tasks = []

    def record_crash(self, error: BaseException) -> None:
        """Store an exception, to be sent first; without memory for it, the board starts again."""
        self._capture(error)
        try:
            from phonehome.core.crashes import tell

            tell(self._box, self._reporter, self._session, self._uptime.now_ms(), self._emit)
        except (MemoryError, OSError):
            self._box.start_again(self._reporter, self._board)
        forget(_CRASHES, _LAST_WORDS, _CRASH)

    def tell_past(self, birth) -> None:
        """The crash that the boot before could not tell, if there is one."""
        if not birth.has_past:
            return
        from phonehome.core.crashes import tell_past

        now_ms = self._uptime.now_ms()
        tell_past(birth, self._box, self._reporter, self._session, now_ms, self._emit)
        forget(_CRASHES, _LAST_WORDS, _CRASH)

    def die(self, error: BaseException) -> None:
        """Nothing is left running: keep the exception for the next boot, and start it."""
        self._board.print_exception(error)
        self._capture(error)
        self._box.start_again(self._reporter, self._board)

    def _capture(self, error: BaseException) -> None:
        """Put an exception into the black box; needs no memory."""
        self._box.capture(error, self._uptime, self._board, self.faults)

    async def _run_again(self, loop, parts) -> None:
        while True:
            await self._guard(loop(*parts))
            await asyncio.sleep(_RESTART_S)

    async def _guard(self, coroutine) -> None:
        try:
            await coroutine
        except asyncio.CancelledError:
            raise
        except (
            Exception
        ) as error:  # outermost: whatever it is, it is reported and the agent goes on
            self.record_crash(error)

    def _on_loop_error(self, _loop, context: dict) -> None:
        """An exception in a task that the developer started and nobody awaits."""
        error = context.get("exception")
        if isinstance(error, Exception):
            self.record_crash(error)
