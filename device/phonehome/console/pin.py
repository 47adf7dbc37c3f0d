"""The technician's PIN: asked for, checked against a slow hash, with a delay that grows.

    pbkdf2-sha256$ITERATIONS$SALT$HASH       (RFC 8018, 32 bytes; salt and hash in hex)

Every try is counted on flash before it is checked, so that switching off in between gains
nothing. A PIN is 4 to 8 digits in most hands: the hash slows down who reads the flash, it does not
stop them. It is no boundary against somebody at the REPL, who owns the board.
"""

import asyncio
import struct
from binascii import unhexlify
from hashlib import sha256

from phonehome_wire.compat import const
from phonehome_wire.primitives import is_equal

from .answer import WordError

_KIND = "pbkdf2-sha256"
_BLOCK_BYTES = const(64)
_TURN = const(20)  # iterations before the loop has its turn again
_FILE = "pin.bin"
_STATE = "<BII"  # tries that were not right, the boot and the uptime in s of the newest
_STATE_BYTES = const(9)
_FREE_TRIES = const(1)  # a slip of the finger
_MOST_S = const(900)
_UNLOCKED_MS = const(600000)


async def expect_pin(hands, conversation) -> None:
    """Ask for the PIN unless none is set or it was given a short time ago; else WordError."""
    stored = hands.config.pin
    now_ms = hands.agent.uptime.now_ms()
    if not stored or now_ms < conversation.unlocked_ms:
        return
    tries, boot, at_s = _load(hands.folder)
    wait_s = _delay_s(tries) - (now_ms // 1000 - (at_s if boot == hands.session.boot else 0))
    if tries and wait_s > 0:
        raise WordError("PIN: wait %d s after a wrong one" % wait_s)
    conversation.write("PIN: ")
    pin = await conversation.read_line(is_hidden=True)
    if not pin:
        raise WordError("PIN: none was given")
    at_s = hands.agent.uptime.now_ms() // 1000
    _save(hands.folder, min(tries + 1, 255), hands.session.boot, at_s)
    if not await is_right(pin, stored):
        raise WordError("PIN: wrong; the next try in %d s" % _delay_s(tries + 1))
    hands.folder.remove(_FILE)
    conversation.unlocked_ms = hands.agent.uptime.now_ms() + _UNLOCKED_MS


async def is_right(pin: str, stored: str) -> bool:
    """Whether a PIN has this hash; takes the same time for every PIN."""
    _, iterations, salt, digest = parse(stored)
    found = await _pbkdf2(pin.encode(), salt, iterations)
    return is_equal(found, digest)


def parse(stored: str) -> tuple:
    """(kind, iterations, salt, hash) of the setting; WordError when it is not one."""
    try:
        kind, iterations, salt, digest = stored.split("$")
        parsed = (kind, int(iterations), unhexlify(salt), unhexlify(digest))
    except ValueError:
        parsed = ("", 0, b"", b"")
    if parsed[0] != _KIND or parsed[1] < 1 or len(parsed[2]) < 8 or len(parsed[3]) != 32:
        raise WordError("PIN: config 'pin' is not what 'phonehome pin' prints; make it anew")
    return parsed


async def _pbkdf2(password: bytes, salt: bytes, iterations: int) -> bytes:
    """The first block of PBKDF2-HMAC-SHA-256, with turns for the loop."""
    key = password if len(password) <= _BLOCK_BYTES else sha256(password).digest()
    inner = bytearray(b"\x36" * _BLOCK_BYTES)
    outer = bytearray(b"\x5c" * _BLOCK_BYTES)
    for at in range(len(key)):
        inner[at] ^= key[at]
        outer[at] ^= key[at]
    block = salt + b"\x00\x00\x00\x01"
    total = 0
    for number in range(iterations):
        block = _hash(outer, _hash(inner, block))
        total ^= int.from_bytes(block, "big")
        if number % _TURN == _TURN - 1:
            await asyncio.sleep(0)
    return total.to_bytes(32, "big")


def _hash(pad: bytearray, data: bytes) -> bytes:
    state = sha256(pad)
    state.update(data)
    return state.digest()


def _delay_s(tries: int) -> int:
    """How long to wait after so many wrong ones: 4, 8, 16 s and so on, a quarter hour at most."""
    return 0 if tries <= _FREE_TRIES else min(2**tries, _MOST_S)


def _load(folder) -> tuple:
    state = folder.read(_FILE)
    return struct.unpack(_STATE, state) if len(state) == _STATE_BYTES else (0, 0, 0)


def _save(folder, tries: int, boot: int, at_s: int) -> None:
    try:
        folder.replace(_FILE, struct.pack(_STATE, tries, boot, at_s))
    except OSError:
        raise WordError("PIN: the flash takes no count of tries; make room, then try again")
