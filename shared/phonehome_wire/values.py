"""Any value of the profile, written without knowing what it is: arguments and results."""

from .compat import const
from .errors import EncodeError

TYPE_CHECKING = const(0)
if TYPE_CHECKING:
    from typing import Any

    from .encoder import Encoder


def put_value(enc: "Encoder", value: "Any") -> None:
    """Write a value; maps are sorted by key."""
    if value is None:
        enc.put_null()
    elif isinstance(value, bool):
        enc.put_bool(value)
    elif isinstance(value, int):
        enc.put_int(value)
    elif isinstance(value, str):
        enc.put_text(value)
    elif isinstance(value, (bytes, bytearray, memoryview)):
        enc.put_bytes(value)
    elif isinstance(value, dict):
        _put_dict(enc, value)
    elif isinstance(value, (list, tuple)):
        enc.put_array(len(value))
        for item in value:
            put_value(enc, item)
    else:
        raise EncodeError(
            "type",
            "%r is not in the profile; use int, str, bytes, list, dict, bool or None" % (value,),
        )


def _put_dict(enc: "Encoder", value: "dict[int, Any]") -> None:
    for key in value:
        if type(key) is not int:
            raise EncodeError("type", "map key %r is not an unsigned integer" % (key,))
    enc.put_map(len(value))
    for key in sorted(value):
        enc.put_uint(key)
        put_value(enc, value[key])
