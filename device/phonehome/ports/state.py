"""The session's state on flash: two slots, loaded when it is read or written."""

from phonehome.core.ondemand import forget

_SLOTS = "phonehome.ports.slots"


class State:
    """A state of bytes in a folder under a name; what Slots promises holds for it.

    It is written about once an hour, and which slot is the newest is found anew each time.
    """

    def __init__(self, folder, name: str) -> None:
        self._folder = folder
        self._name = name

    def load(self):
        """Return the newest valid state, or None when there is none."""
        return self._open()[1]

    def save(self, state: bytes) -> None:
        """Make this the newest state; OSError when it was not written and the old one holds."""
        self._open()[0].save(state)

    def _open(self) -> tuple:
        from .slots import Slots

        slots = Slots(self._folder, self._name)
        forget(_SLOTS)
        return slots, slots.load()
