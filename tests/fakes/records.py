"""Encoded records for tests, and a way to read them back."""

from phonehome_wire import registry
from phonehome_wire.encoder import Encoder
from phonehome_wire.record import Crash, Fault, encode_crash, encode_fault, put_head, put_log


def fault(
    boot: int,
    seq: int,
    spn: int = 520201,
    kind: int = registry.KIND_CONFIRMED,
    fmi: int = 31,
    occurrence: int = 0,
) -> bytes:
    """A transition of a fault."""
    enc = Encoder(bytearray(512), 0)
    state = Fault()
    state.spn, state.fmi, state.severity, state.kind = spn, fmi, 3, kind
    state.occurrence = occurrence
    encode_fault(enc, boot, seq, 1000 + seq, state)
    return bytes(enc.buf[: enc.pos])


def log(boot: int, seq: int, text: str = "x") -> bytes:
    """A log excerpt."""
    enc = Encoder(bytearray(512), 0)
    put_head(enc, registry.RTYPE_LOG, boot, seq, 1000 + seq)
    put_log(enc, [(0, "app", text, seq)])
    return bytes(enc.buf[: enc.pos])


def crash(boot: int, seq: int, message: str = "no") -> bytes:
    """A crash."""
    enc = Encoder(bytearray(512), 0)
    what = Crash(registry.CRASHKIND_EXCEPTION)
    what.exception, what.message = "ValueError", message
    encode_crash(enc, boot, seq, 1000 + seq, what)
    return bytes(enc.buf[: enc.pos])
