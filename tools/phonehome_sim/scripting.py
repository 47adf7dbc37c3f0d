"""Faults that switch on and off at instants of uptime."""


class FaultScript:
    """A list of `[name, from_ms, until_ms or None]`; `due` tells what to switch now."""

    def __init__(self, faults):
        changes = []
        for name, from_ms, until_ms in faults:
            changes.append((from_ms, name, True))
            if until_ms is not None:
                changes.append((until_ms, name, False))
        changes.sort(key=lambda change: change[0])
        self._changes = changes

    def due(self, now_ms):
        """The changes, as (name, on), whose instant has come; each is told once."""
        found = []
        while self._changes and self._changes[0][0] <= now_ms:
            _, name, on = self._changes.pop(0)
            found.append((name, on))
        return found
