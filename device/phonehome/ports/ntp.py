"""One question to a server of time (RFC 4330): the last resort of a clock, as nobody signs it.

Loaded when all else failed. The answer must repeat 8 random bytes, so whoever cannot see the
question cannot forge it; whoever can see it can.
"""

import asyncio
import select
import socket
import time

from phonehome.core.errors import LinkError
from phonehome_wire.compat import const

NONCE_BYTES = const(8)
_LOOKUP_MS = const(20000)  # as in stream
_DEADLINE_MS = const(5000)
_LOOK_MS = const(50)
_BYTES = const(48)
_CLIENT = b"\x23"  # version 4, client
_MODE_BITS = const(7)
_SERVER = const(4)
_ALARM = const(3)  # in the two highest bits: not synchronized
_LAST_STRATUM = const(15)
_ORIGIN_AT = const(24)
_NONCE_AT = const(40)
_TRANSMITTED_AT = const(40)
_UNIX_S = const(2208988800)  # 1900 to 1970
_ERA_S = const(4294967296)  # the next one begins in 2036


async def ask(host: str, port: int, bridge, nonce: bytes) -> int:
    """The unix ms that the server says; LinkError when it says nothing that can be used."""
    sock = _open(host, port, bridge)
    try:
        sock.write(_CLIENT + bytes(_NONCE_AT - 1) + nonce)
        answer = await _receive(sock)
    except OSError as error:
        raise LinkError("receive", error)
    finally:
        sock.close()
    return read_answer(answer, nonce)


def read_answer(answer: bytes, nonce: bytes) -> int:
    """The unix ms in an answer; LinkError when it is none to this nonce."""
    is_answer = len(answer) >= _BYTES and answer[0] & _MODE_BITS == _SERVER
    if not is_answer or answer[_ORIGIN_AT : _ORIGIN_AT + len(nonce)] != nonce:
        raise LinkError("protocol", "this is not the answer to the question")
    if answer[0] >> 6 == _ALARM or not 1 <= answer[1] <= _LAST_STRATUM:
        raise LinkError("protocol", "the server of time is not synchronized")
    seconds = int.from_bytes(answer[_TRANSMITTED_AT : _TRANSMITTED_AT + 4], "big")
    if not seconds >> 31:
        seconds += _ERA_S
    return (seconds - _UNIX_S) * 1000


def _open(host: str, port: int, bridge):
    if bridge is not None:
        bridge(_LOOKUP_MS)
    try:
        family, _, protocol, _, where = socket.getaddrinfo(host, port, 0, socket.SOCK_DGRAM)[0]
        sock = socket.socket(family, socket.SOCK_DGRAM, protocol)
        sock.setblocking(False)
        sock.connect(where)
    except (OSError, IndexError) as error:
        raise LinkError("dns", "%s: %s" % (host, error))
    finally:
        if bridge is not None:
            bridge(0)
    return sock


async def _receive(sock) -> bytes:
    poller = select.poll()
    poller.register(sock, select.POLLIN)
    begun = time.ticks_ms()
    while not poller.poll(0):
        if time.ticks_diff(time.ticks_ms(), begun) > _DEADLINE_MS:
            raise LinkError("receive", "no time within %d s" % (_DEADLINE_MS // 1000))
        await asyncio.sleep_ms(_LOOK_MS)
    return sock.read(_BYTES) or b""
