"""The outbox as the agent holds it: a few numbers while nothing goes in or out.

The outbox itself, and the port that stores its records, are loaded by the first who wants more of
them than a number, and dropped by `close`.
"""

from phonehome_wire.compat import const

TYPE_CHECKING = const(0)
if TYPE_CHECKING:
    from .outbox import Outbox


class Waiting:
    """Stands for an Outbox, which `open` returns; `make_segments()` gives its port.

    `depth`, `has_urgent` and `dropped` are known without loading it.
    """

    def __init__(self, make_segments, inc: bytes, quota_bytes: int, on_drop) -> None:
        self._make_segments = make_segments
        self._parts = (quota_bytes, on_drop)
        self._outbox: Outbox | None = None
        self._facts: tuple = ()
        self._inc = inc
        self.open()  # takes over what an earlier boot has left
        self.close()

    @property
    def inc(self) -> bytes:
        """The incarnation that new records belong to."""
        return self._inc

    @inc.setter
    def inc(self, inc: bytes) -> None:
        self._inc = self.open().inc = inc

    @property
    def depth(self) -> int:
        """How many records wait for their ack."""
        depth: int = self._outbox.depth if self._outbox else self._facts[0]
        return depth

    @property
    def has_urgent(self) -> bool:
        """True while a record that was appended as urgent waits."""
        has_urgent: bool = self._outbox.has_urgent if self._outbox else self._facts[1]
        return has_urgent

    @property
    def dropped(self) -> int:
        """How many records were given up."""
        dropped: int = self._outbox.dropped if self._outbox else self._facts[2]
        return dropped

    def open(self) -> "Outbox":
        """Return the Outbox, loaded."""
        if self._outbox is None:
            from .outbox import Outbox

            self._outbox = Outbox(self._make_segments(), self._inc, *self._parts, self._facts)
        return self._outbox

    def close(self) -> None:
        """Let the outbox go; what it knows stays."""
        if self._outbox is not None:
            self._facts = self._outbox.facts()
            self._outbox = None
