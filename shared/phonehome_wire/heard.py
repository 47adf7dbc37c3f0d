"""What a device hears: an ack, a command or a time reply, opened and read."""

from .compat import const
from .decoder import decode
from .envelope import ALG_HMAC_256, peek, unseal
from .errors import RefusedError
from .fields import expect_bytes, expect_int, expect_major, expect_rows, maybe_bytes, maybe_int

# Folded away on a board; a test holds them to registry and limits.
_MAX_BACKOFF_S = const(86400)
_MAX_DOWNLINK_BYTES = const(1024)
_MAX_INT = const(9007199254740991)
_DOWNLINK_ACK = const(1)
_DOWNLINK_COMMAND = const(2)
_DOWNLINK_TIME = const(3)
_KEY_DN_ARGS = const(17)
_KEY_DN_BACKOFF_S = const(12)
_KEY_DN_BOOT = const(2)
_KEY_DN_CODE = const(16)
_KEY_DN_CSEQ = const(14)
_KEY_DN_DEADLINE_MS = const(15)
_KEY_DN_ECHO_MS = const(9)
_KEY_DN_INC = const(1)
_KEY_DN_KIND = const(4)
_KEY_DN_NONCE = const(18)
_KEY_DN_ORIGIN_INC = const(13)
_KEY_DN_POLL = const(14)
_KEY_DN_REFUSED = const(11)
_KEY_DN_SERVER_MS = const(3)
_KEY_DN_STORED = const(10)

TYPE_CHECKING = const(0)
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

INC_BYTES = const(4)
NONCE_BYTES = const(8)


class Ack:
    """Records that are committed, and those refused for good.

    `inc`, `boot` and `echo_ms` (its now_ms) name the uplink answered; `stored` holds (boot, first
    seq, last seq), `refused` (boot, seq, REFUSED_*), `poll` bits POLL_*. None is absent.
    """

    def __init__(
        self,
        inc: bytes,
        boot: int,
        server_ms: int,
        echo_ms: int,
        stored: "list[tuple[int, int, int]] | None" = None,
        refused: "list[tuple[int, int, int]] | None" = None,
        backoff_s: "int | None" = None,
        origin_inc: "bytes | None" = None,
        poll: "int | None" = None,
    ) -> None:
        self.inc = inc
        self.boot = boot
        self.server_ms = server_ms
        self.echo_ms = echo_ms
        self.stored = stored or []
        self.refused = refused or []
        self.backoff_s = backoff_s
        self.origin_inc = origin_inc
        self.poll = poll


class Command:
    """An order for one boot of one device: `cseq` rises, `deadline_ms` is on the device's own
    uptime clock.
    """

    def __init__(
        self,
        inc: bytes,
        boot: int,
        server_ms: int,
        cseq: int,
        deadline_ms: int,
        code: int,
        args: "dict[int, Any] | None" = None,
    ) -> None:
        self.inc = inc
        self.boot = boot
        self.server_ms = server_ms
        self.cseq = cseq
        self.deadline_ms = deadline_ms
        self.code = code
        self.args = args


class TimeReply:
    """The server's time for the device that asked with this nonce."""

    def __init__(self, server_ms: int, nonce: bytes) -> None:
        self.server_ms = server_ms
        self.nonce = nonce


def decode_downlink(payload: "bytes | bytearray | memoryview") -> "Ack | Command | TimeReply":
    """What an authentic downlink payload says. RefusedError when it breaks a rule; unknown keys
    are ignored.
    """
    body = decode(payload, _MAX_DOWNLINK_BYTES)
    expect_major(body)
    kind = expect_int(body, _KEY_DN_KIND)
    reader = _READERS.get(kind)
    if reader is None:
        raise RefusedError("schema", "downlink kind %d is not known" % kind)
    return reader(body)


def open_downlink(
    message: "bytes | bytearray | memoryview", key: bytes, kid: bytes
) -> "Ack | Command | TimeReply":
    """What a signed downlink says to the device with this down key and kid.

    RefusedError also when a command or time reply carries the short MAC ("alg"): they act, so
    they need the long one.
    """
    payload = unseal(message, key, _MAX_DOWNLINK_BYTES, kid)
    said = decode_downlink(payload)
    if peek(message)[0] != ALG_HMAC_256 and not isinstance(said, Ack):
        raise RefusedError("alg", "commands and time replies need HMAC 256/256")
    return said


def _read_ack(body: "dict[int, Any]") -> Ack:
    return Ack(
        expect_bytes(body, _KEY_DN_INC, INC_BYTES),
        expect_int(body, _KEY_DN_BOOT),
        expect_int(body, _KEY_DN_SERVER_MS),
        expect_int(body, _KEY_DN_ECHO_MS),
        _read_stored(body),
        expect_rows(body, _KEY_DN_REFUSED, (_MAX_INT, _MAX_INT, 15))
        if _KEY_DN_REFUSED in body
        else None,
        maybe_int(body, _KEY_DN_BACKOFF_S, 0, _MAX_BACKOFF_S),
        maybe_bytes(body, _KEY_DN_ORIGIN_INC, INC_BYTES),
        maybe_int(body, _KEY_DN_POLL),
    )


def _read_stored(body: "dict[int, Any]") -> "list[tuple[int, int, int]]":
    rows = expect_rows(body, _KEY_DN_STORED, (_MAX_INT, _MAX_INT, _MAX_INT))
    for row in rows:
        if row[1] > row[2]:
            raise RefusedError(
                "schema",
                "key %d: seq range %d..%d runs backwards" % (_KEY_DN_STORED, row[1], row[2]),
            )
    return rows


def _read_command(body: "dict[int, Any]") -> Command:
    args = body.get(_KEY_DN_ARGS)
    if _KEY_DN_ARGS in body and not isinstance(args, dict):
        raise RefusedError("schema", "key %d: want a map" % _KEY_DN_ARGS)
    return Command(
        expect_bytes(body, _KEY_DN_INC, INC_BYTES),
        expect_int(body, _KEY_DN_BOOT),
        expect_int(body, _KEY_DN_SERVER_MS),
        expect_int(body, _KEY_DN_CSEQ),
        expect_int(body, _KEY_DN_DEADLINE_MS),
        expect_int(body, _KEY_DN_CODE, 1, 255),
        args,
    )


def _read_time_reply(body: "dict[int, Any]") -> TimeReply:
    return TimeReply(
        expect_int(body, _KEY_DN_SERVER_MS), expect_bytes(body, _KEY_DN_NONCE, NONCE_BYTES)
    )


_READERS: "dict[int, Callable[[Any], Ack | Command | TimeReply]]" = {
    _DOWNLINK_ACK: _read_ack,
    _DOWNLINK_COMMAND: _read_command,
    _DOWNLINK_TIME: _read_time_reply,
}
