"""Asking the receiver for the time in the clear, and believing only its signature (WIRE.md 4.5).

Loaded when a handshake failed while the clock was not sure.
"""

from phonehome_wire.compat import const
from phonehome_wire.errors import RefusedError
from phonehome_wire.heard import TimeReply

NONCE_BYTES = const(8)
_MAX_ROUND_TRIP_MS = const(60000)  # what comes later was held back, and tells a time gone by


def make_query(kid: bytes, nonce: bytes) -> bytes:
    """What follows `/v1/time`: for whom, under which key, and what the answer must repeat."""
    return b"?n=%s&d=%s&k=%d" % (nonce.hex().encode(), kid[:-1].hex().encode(), kid[-1])


def read_time(said, nonce: bytes, waited_ms: int) -> int:
    """The server's unix ms in an authentic answer; RefusedError for any other, and a late one."""
    if not isinstance(said, TimeReply) or said.nonce != nonce:
        raise RefusedError("nonce", "this is not the answer to the question")
    if not 0 <= waited_ms <= _MAX_ROUND_TRIP_MS:
        raise RefusedError("late", "the answer took %d ms" % waited_ms)
    return said.server_ms
