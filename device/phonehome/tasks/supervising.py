"""What runs the agent's loops and the developer's coroutine, and tells what ends them."""

import asyncio

from phonehome.core.ondemand import forget
from phonehome.core.watch import Watch
from phonehome_wire.compat import const

from .feeding import Feeding

# Folded away on a board; a test holds them to the wire's registry and limits.
_RESET_COMMANDED = const(8)

_RESTART_S = const(5)  # a loop that fails at once must not fill the outbox with crashes
_HEALTHY_S = const(60)
_SERVICE_MIN = const(10)

_BOOTS = "phonehome.core.boots"
_CRASHES = "phonehome.core.crashes"
_CRASH = "phonehome_wire.crash"
_LAST_WORDS = "phonehome.core.lastwords"


class Supervising:
    """Starts tasks; an exception in one is kept in the black box and becomes a crash record.

    `parts` are box, reporter, session, uptime and board; `emit(event, **facts)` hears crash, past,
    safe and dropped. `faults` is the FaultTable, once there is one.
    """

    def __init__(self, parts, emit) -> None:
        self._box, self._reporter, self._session, self._uptime, self._board = parts
        self._emit = emit
        self._tasks = {}  # task: its name
        self._watch = Watch(self._board.ticks, self._board.elapsed)
        self._feeding = None
        self.faults = None

    def begin(self, birth, watchdog_ms: int) -> None:
        """The boot starts: hear from the loop, tell the past, start the watchdog."""
        asyncio.get_event_loop().set_exception_handler(self._on_loop_error)
        self._box.died = self._box.young = birth.died
        if birth.has_past:
            self.tell_past(birth)
        if birth.is_counted:
            self._count(birth)
        self._watch.begin(is_app_started=not birth.is_safe)
        dog = self._board.make_watchdog(watchdog_ms) if watchdog_ms else None
        if dog is not None:
            parts = (self._box, self._uptime, self._board)
            self._feeding = Feeding(dog, self._watch, self._running, parts)
            self._feeding.begin(birth.grace_ms)
            self._add("watchdog", self._feeding.run())

    def tell_past(self, birth) -> None:
        """The crash that the boot before could not tell, and why the application stays off."""
        from phonehome.core.crashes import tell_past

        now_ms = self._uptime.now_ms()
        tell_past(birth, self._box, self._reporter, self._session, now_ms, self._emit)
        forget(_CRASHES, _LAST_WORDS, _CRASH)

    def watch(self, name: str, deadline_ms: int):
        """A CheckIn: the watchdog bites when `feed()` was not called for so long."""
        return self._watch.add(name, deadline_ms)

    def sustain(self, name: str, deadline_s: int, loop, *parts) -> None:
        """Start one of the agent's own loops; whatever ends it is reported and it starts again.

        Its first argument is a function to check in with.
        """
        alive = self._watch.add(name, deadline_s * 1000).feed
        self._add(name, self._guard(loop(alive, *parts), loop, (alive,) + parts))

    def start(self, coroutine, name: str = "") -> None:
        """Start a coroutine, the developer's own without a name; what ends it is reported."""
        self._add(name, self._guard(coroutine))

    def stop(self) -> None:
        """End cleanly: cancel all tasks but the one that asks for it, and let the dog sleep."""
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()
        self._tasks = {}
        if self._feeding is not None:
            self._feeding.stop()
        self._session.uptime_s = self._uptime.now_ms() // 1000
        self._session.end()
        box = self._box
        if box.young != box.died:
            box.young = box.died
            box.mean(0, "", 0)

    def record_crash(self, error: BaseException) -> None:
        """Store an exception, to be sent first; without memory for it, the board starts again."""
        self._capture(error)
        try:
            from phonehome.core.crashes import tell

            tell(self._box, self._reporter, self._session, self._uptime.now_ms(), self._emit)
        except (MemoryError, OSError):
            self._box.start_again(self._reporter, self._board)
        forget(_CRASHES, _LAST_WORDS, _CRASH)

    def die(self, error: BaseException) -> None:
        """Nothing is left running: keep the exception for the next boot, and start it."""
        self._board.print_exception(error)
        self._capture(error)
        self._box.start_again(self._reporter, self._board)

    def reboot(self, name: str) -> None:
        """Start again on purpose; the next hello says so, and the name."""
        self._session.uptime_s = self._uptime.now_ms() // 1000
        self._session.end()
        self._box.mean(_RESET_COMMANDED, name, self._session.uptime_s)
        self._board.reboot()

    def bridge(self, span_ms: int) -> None:
        """A call is going to hold up the loop for this long at most; 0: it came back."""
        if self._feeding is not None:
            self._feeding.bridge(span_ms)

    def serve(self, minutes: int = _SERVICE_MIN, is_left: bool = False) -> None:
        """Have no watchdog for a time, behind a reset too; `is_left`: the loop was interrupted."""
        from phonehome.core.boots import grace_ms, service_name

        name = service_name(minutes)
        forget(_BOOTS)
        self._box.mean(_RESET_COMMANDED, name, self._uptime.now_ms() // 1000)
        if self._feeding is not None:
            self._feeding.serve(grace_ms(_RESET_COMMANDED, name), is_left)

    def _count(self, birth) -> None:
        """Count this boot among those that died young, until it is healthy."""
        from phonehome.core.boots import remember

        remember(self._box.folder, birth.died)
        forget(_BOOTS)
        if birth.is_safe:
            self._add("", self._try_again(birth.wait_ms))
        else:
            self._box.young += 1
            self._add("", self._heal())
        self._box.mean(0, "", 0)

    async def _heal(self) -> None:
        """Live for a minute: a boot that does has not died young."""
        await asyncio.sleep(_HEALTHY_S)
        from phonehome.core.boots import remember

        self._box.died = self._box.young = 0
        self._box.mean(0, "", 0)
        remember(self._box.folder, 0)
        forget(_BOOTS)
        self._emit("healthy")

    async def _try_again(self, wait_ms: int) -> None:
        """The application is off: start it when its time has come."""
        await asyncio.sleep(wait_ms // 1000)
        self.reboot("retry")

    def _add(self, name: str, coroutine) -> None:
        self._tasks[asyncio.create_task(coroutine)] = name

    def _running(self) -> str:
        """The name of the task that runs: as it was added, or as its function is called."""
        try:
            task = asyncio.current_task()
        except RuntimeError:  # no loop
            return ""
        name = self._tasks.get(task)
        if not name:
            said = repr(getattr(task, "coro", "")).split("'")  # <generator object 'pump' at ...>
            name = said[1] if len(said) == 3 else ""
        return name

    def _capture(self, error: BaseException) -> None:
        """Put an exception into the black box; needs no memory."""
        self._box.capture(error, self._uptime, self._board, self.faults)

    async def _guard(self, coroutine, loop=None, parts=()) -> None:
        """Await a coroutine, and where it is of a `loop` the next one, too."""
        while True:
            try:
                await coroutine
            except asyncio.CancelledError:
                raise
            except Exception as error:  # outermost: it is reported and the agent goes on
                self.record_crash(error)
            if loop is None:
                return
            await asyncio.sleep(_RESTART_S)
            coroutine = loop(*parts)

    def _on_loop_error(self, _loop, context: dict) -> None:
        """An exception in a task that the developer started and nobody awaits."""
        error = context.get("exception")
        if isinstance(error, Exception):
            self.record_crash(error)
