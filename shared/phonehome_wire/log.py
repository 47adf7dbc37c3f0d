"""An excerpt of a log."""

from .compat import const
from .encoder import Encoder
from .errors import EncodeError
from .head import put_crumb

# Folded away on a board; a test holds them to registry and limits.
_MAX_LOG_CRUMBS = const(32)

TYPE_CHECKING = const(0)
if TYPE_CHECKING:
    from .head import Crumb


def put_log(enc: Encoder, crumbs: "list[Crumb]") -> None:
    """Body of a log excerpt, 1..32 breadcrumbs, oldest first."""
    if not 1 <= len(crumbs) <= _MAX_LOG_CRUMBS:
        raise EncodeError("range", "%d breadcrumbs, want 1..%d" % (len(crumbs), _MAX_LOG_CRUMBS))
    enc.put_array(len(crumbs))
    for crumb in crumbs:
        put_crumb(enc, crumb)
