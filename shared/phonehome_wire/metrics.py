"""The numbers of a heartbeat: metric id to scaled integer, in arrays that are made once."""

from array import array

from .compat import const
from .errors import EncodeError

# Folded away on a board; a test holds them to registry and limits.
_MAX_METRICS = const(48)

TYPE_CHECKING = const(0)
if TYPE_CHECKING:
    from .encoder import Encoder


class Metrics:
    """A small map kept in ascending order of ids; setting and adding allocate nothing."""

    def __init__(self, capacity: int = _MAX_METRICS) -> None:
        self._ids = array("B", bytes(capacity))
        self._values = [0] * capacity  # an array of 64-bit numbers would box each one it reads
        self._capacity = capacity
        self._count = 0

    def __len__(self) -> int:
        """How many metrics are set."""
        return self._count

    def set(self, metric: int, value: int) -> None:
        """Set metric 0..255 to a value; EncodeError when a new one finds no room."""
        at = self._position(metric)
        if at == self._count or self._ids[at] != metric:
            self._insert(at, metric)
        self._values[at] = value

    def add(self, metric: int, delta: int = 1) -> None:
        """Count on from what is there, or from 0."""
        self.set(metric, self.get(metric) + delta)

    def get(self, metric: int) -> int:
        """The value, 0 when it was never set."""
        at = self._position(metric)
        return self._values[at] if at < self._count and self._ids[at] == metric else 0

    def ids(self) -> bytes:
        """The metrics that are set, ascending."""
        return bytes(self._ids[: self._count])

    def clear(self) -> None:
        """Forget everything."""
        self._count = 0

    def put(self, enc: "Encoder") -> None:
        """Write the map."""
        enc.put_map(self._count)
        for i in range(self._count):
            enc.put_uint(self._ids[i])
            enc.put_int(self._values[i])

    def _position(self, metric: int) -> int:
        """Where the metric is, or where it would have to go."""
        ids = self._ids
        at = self._count
        while at and ids[at - 1] >= metric:
            at -= 1
        return at

    def _insert(self, at: int, metric: int) -> None:
        if self._count == self._capacity:
            raise EncodeError(
                "items",
                "metric %d is one more than the %d there is room for" % (metric, self._capacity),
            )
        if not 0 <= metric <= 255:
            raise EncodeError("range", "metric %d, want 0..255" % metric)
        for i in range(self._count, at, -1):
            self._ids[i] = self._ids[i - 1]
            self._values[i] = self._values[i - 1]
        self._ids[at] = metric
        self._count += 1
