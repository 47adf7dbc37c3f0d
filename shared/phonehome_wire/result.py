"""What became of a command."""

from .compat import const
from .encoder import Encoder
from .errors import EncodeError

# Folded away on a board; a test holds them to registry and limits.
_RESULT_CSEQ = const(0)
_RESULT_STATUS = const(1)
_RESULT_VALUE = const(2)

TYPE_CHECKING = const(0)
if TYPE_CHECKING:
    from typing import Any


def put_result(enc: Encoder, cseq: int, status: int, value: "Any" = None) -> None:
    """Body of a command result: the command's cseq, RESULT_OK.., and any value of the profile."""
    if not 0 <= status <= 15:
        raise EncodeError("range", "result status is %d, want 0..15" % status)
    enc.put_map(2 if value is None else 3)
    enc.put_field(_RESULT_CSEQ, cseq)
    enc.put_field(_RESULT_STATUS, status)
    if value is not None:
        enc.put_uint(_RESULT_VALUE)
        enc.put_value(value)
