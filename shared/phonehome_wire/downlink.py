"""The three things a receiver says, written; `heard` is the half of it that a device loads."""

from .compat import const
from .encoder import Encoder
from .heard import Ack, Command, TimeReply, decode_downlink, open_downlink

__all__ = [
    "Ack",
    "Command",
    "TimeReply",
    "decode_downlink",
    "open_downlink",
    "put_ack",
    "put_command",
    "put_time_reply",
]

# Folded away on a board; a test holds them to registry and limits.
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
_KEY_DN_MAJOR = const(0)
_KEY_DN_NONCE = const(18)
_KEY_DN_ORIGIN_INC = const(13)
_KEY_DN_POLL = const(14)
_KEY_DN_REFUSED = const(11)
_KEY_DN_SERVER_MS = const(3)
_KEY_DN_STORED = const(10)
_MAJOR = const(1)


def put_ack(enc: Encoder, ack: Ack) -> None:
    """Write an ack payload."""
    at = _put_session(enc, ack, _DOWNLINK_ACK)
    enc.put_field(_KEY_DN_ECHO_MS, ack.echo_ms)
    _put_rows(enc, _KEY_DN_STORED, ack.stored)
    count = 7
    if ack.refused:
        _put_rows(enc, _KEY_DN_REFUSED, ack.refused)
        count += 1
    count += enc.put_field(_KEY_DN_BACKOFF_S, ack.backoff_s)
    if ack.origin_inc is not None:
        enc.put_uint(_KEY_DN_ORIGIN_INC)
        enc.put_bytes(ack.origin_inc)
        count += 1
    enc.close_map(at, count + enc.put_field(_KEY_DN_POLL, ack.poll))


def put_command(enc: Encoder, command: Command) -> None:
    """Write a command payload; it must be sealed with ALG_HMAC_256."""
    at = _put_session(enc, command, _DOWNLINK_COMMAND)
    enc.put_field(_KEY_DN_CSEQ, command.cseq)
    enc.put_field(_KEY_DN_DEADLINE_MS, command.deadline_ms)
    enc.put_field(_KEY_DN_CODE, command.code)
    if command.args is not None:
        enc.put_uint(_KEY_DN_ARGS)
        enc.put_value(command.args)
    enc.close_map(at, 8 + (command.args is not None))


def put_time_reply(enc: Encoder, reply: TimeReply) -> None:
    """Write a time reply payload; it must be sealed with ALG_HMAC_256."""
    enc.put_map(4)
    enc.put_field(_KEY_DN_MAJOR, _MAJOR)
    enc.put_field(_KEY_DN_SERVER_MS, reply.server_ms)
    enc.put_field(_KEY_DN_KIND, _DOWNLINK_TIME)
    enc.put_uint(_KEY_DN_NONCE)
    enc.put_bytes(reply.nonce)


def _put_session(enc: Encoder, message: "Ack | Command", kind: int) -> int:
    """Open the map of an ack or a command with the five pairs they share; returns its place."""
    at = enc.put_open_map()
    enc.put_field(_KEY_DN_MAJOR, _MAJOR)
    enc.put_uint(_KEY_DN_INC)
    enc.put_bytes(message.inc)
    enc.put_field(_KEY_DN_BOOT, message.boot)
    enc.put_field(_KEY_DN_SERVER_MS, message.server_ms)
    enc.put_field(_KEY_DN_KIND, kind)
    return at


def _put_rows(enc: Encoder, key: int, rows: "list[tuple[int, int, int]]") -> None:
    enc.put_uint(key)
    enc.put_array(len(rows))
    for row in rows:
        enc.put_array(3)
        for number in row:
            enc.put_uint(number)
