"""The loop that feeds the watchdog, and the timer that looks after the loop.

The loop feeds while no watched task is late. The timer goes on when the loop does not: it writes
down who holds it up, or feeds while that is allowed for a bounded time.
"""

import asyncio

from phonehome_wire.compat import const

# Folded away on a board; a test holds them to the wire's registry and limits.
_RESET_COMMANDED = const(8)
_RESET_WATCHDOG = const(3)

_NAME_BYTES = const(12)  # of the thirteen that retained memory keeps, less a question mark
_STOPPED_MS = const(600000)  # a chip whose watchdog does not stop starts again so much later


class Feeding:
    """Feeds `dog` (a ports.watchdog.Watchdog) while nobody in `watch` is late.

    `running()` is what the task that runs is called, "" when it is unknown; `parts` are box,
    uptime and board. The name of who is to blame is in retained memory before the dog bites, with
    a question mark where it is only the task that checked in last.
    """

    def __init__(self, dog, watch, running, parts) -> None:
        self._dog = dog
        self._watch = watch
        self._running = running
        self._box, self._uptime, self._board = parts
        self._blamed = ""
        self._fed_at = watch.ticks()
        self._held_up_ms = self._patience_ms = dog.timeout_ms * 5 // 8
        self._free_ms = 0  # since _free_at; 0: the dog is on duty
        self._free_at = 0
        self._at_end = self._resume

    def begin(self, grace_ms: int) -> None:
        """Start the dog, or have the timer do so after a time of grace."""
        self._dog.every(self._dog.timeout_ms // 8, self.tick)
        if grace_ms:
            self._free(grace_ms)
        else:
            self._dog.start()

    async def run(self) -> None:
        """Feed for ever."""
        while True:
            self.look()
            await asyncio.sleep(self._dog.timeout_ms / 4000)

    def look(self) -> None:
        """Feed, unless a task is late; a task that came back is not to blame any more."""
        late = self._watch.maybe_late()
        name = late.name if late else ""
        if name != self._blamed:
            self._blame(name)
        if late is None:
            self._fed_at = self._watch.ticks()
            self._dog.feed()

    def tick(self, _timer=None) -> None:
        """The timer's call: feed where that is allowed, else see whether the loop is held up."""
        now = self._watch.ticks()
        elapsed = self._watch.elapsed
        if self._free_ms:
            if elapsed(now, self._free_at) < self._free_ms:
                self._dog.feed()
                return
            self._free_ms = 0
            self._fed_at = now
            self._at_end()
        held_ms = elapsed(now, self._fed_at)
        if held_ms > self._patience_ms:
            if not self._blamed:
                self._blame(self._find_running())
        elif held_ms > self._held_up_ms:
            self._dog.feed()

    def bridge(self, span_ms: int) -> None:
        """Let the timer feed while a call holds up the loop for this long; 0: it came back."""
        self._patience_ms = max(span_ms, self._held_up_ms)

    def serve(self, span_ms: int, is_left: bool) -> None:
        """Let the dog sleep, or be fed by the timer, for a time.

        With `is_left` nobody comes back to the loop, and the board starts again behind that time.
        """
        self._dog.pause()
        self._at_end = self._start_again if is_left else self._resume
        self._free(span_ms)

    def stop(self) -> None:
        """The program ends cleanly."""
        self._dog.pause()
        if self._dog.is_on:
            self.serve(_STOPPED_MS, is_left=True)
        else:
            self._dog.every(0, None)

    def _free(self, span_ms: int) -> None:
        self._free_at = self._watch.ticks()
        self._free_ms = span_ms

    def _resume(self) -> None:
        self._box.mean(0, "", 0)
        self._dog.start()

    def _start_again(self) -> None:
        self._box.mean(_RESET_COMMANDED, "service over", self._now_s())
        self._board.reboot()

    def _blame(self, name: str) -> None:
        """Write who will have been the reason; nobody wipes it."""
        self._blamed = name
        self._box.mean(_RESET_WATCHDOG if name else 0, name, self._now_s())

    def _find_running(self) -> str:
        """Who holds up the loop, or with a question mark who was the last to check in."""
        try:
            name: str = self._running()
        except MemoryError:
            name = ""
        newest = self._watch.newest
        return name or (newest.name[:_NAME_BYTES] if newest else "") + "?"

    def _now_s(self) -> int:
        now_s: int = self._uptime.now_ms() // 1000
        return now_s
