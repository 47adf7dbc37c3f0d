"""The body of a heartbeat."""

from .compat import const
from .encoder import Encoder
from .errors import EncodeError

# Folded away on a board; a test holds them to registry and limits.
_MAX_METRICS = const(48)

TYPE_CHECKING = const(0)
if TYPE_CHECKING:
    from .metrics import Metrics


def put_heartbeat(enc: Encoder, metrics: "Metrics") -> None:
    """Body of a heartbeat, 1..48 metrics."""
    if not 1 <= len(metrics) <= _MAX_METRICS:
        raise EncodeError("range", "%d metrics, want 1..%d" % (len(metrics), _MAX_METRICS))
    metrics.put(enc)
