"""Who is alive: every task that is watched says so within a deadline of its own.

Times are readings of a wrapping counter, because the uptime is a number on the heap after 12 days;
nothing here allocates once the tasks are known.
"""

from phonehome_wire.compat import const

from .errors import ConfigError

_LONGEST_MS = const(0x10000000)  # three days: a quarter of what a counter of 30 bits tells apart


class CheckIn:
    """One watched task; `feed` is its word that it is alive."""

    def __init__(self, watch, name: str, deadline_ms: int) -> None:
        self._watch = watch
        self.name = name
        self.deadline_ms = deadline_ms
        self.fed_at = 0
        self.feed()

    def feed(self) -> None:
        """Check in: the deadline starts again."""
        self.fed_at = self._watch.ticks()
        self._watch.newest = self


class Watch:
    """The watched tasks; `ticks()` is the counter, `elapsed(later, earlier)` a signed distance.

    `newest` is the task that checked in last, None before the first.
    """

    def __init__(self, ticks, elapsed) -> None:
        self.ticks = ticks
        self.elapsed = elapsed
        self._tasks: list = []
        self.newest = None

    def add(self, name: str, deadline_ms: int) -> CheckIn:
        """Watch one more task: it is late when `deadline_ms` have passed since it was fed."""
        if not 0 < deadline_ms <= _LONGEST_MS:
            raise ConfigError(
                "watch %r: deadline_ms is %r, want 1..%d" % (name, deadline_ms, _LONGEST_MS)
            )
        task = CheckIn(self, name, deadline_ms)
        self._tasks.append(task)
        return task

    def begin(self, is_app_started: bool) -> None:
        """Every deadline starts now; tasks added so far are the application's."""
        if not is_app_started:
            self._tasks.clear()
        for task in self._tasks:
            task.feed()

    def maybe_late(self):
        """The task that is over its deadline, the longest of several, or None."""
        now = self.ticks()
        worst, worst_ms = None, 0
        for task in self._tasks:
            over_ms = self.elapsed(now, task.fed_at) - task.deadline_ms
            if over_ms > worst_ms:
                worst, worst_ms = task, over_ms
        return worst
