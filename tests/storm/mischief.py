"""What a bad network does to one connection, drawn from a seed."""

import random
from dataclasses import dataclass

# How often each happens, in parts of their sum; nothing at all happens to none for long.
WEIGHTS = {
    "drop": 2,  # reset as soon as it is accepted
    "refuse": 1,  # reset, and nobody listens for a while
    "delay": 3,  # every chunk comes late
    "duplicate": 3,  # a chunk comes twice
    "truncate": 3,  # half a chunk, then an orderly end
    "reset": 3,  # a reset instead of a chunk
    "blackhole up": 3,  # from now on nothing passes that way, and nobody is told
    "blackhole down": 3,
    "garbage": 3,  # nonsense instead of an answer
    "corrupt": 2,  # a chunk with one bit turned
}
# With TLS, whose certificate is shown instead of the right one.
IMPOSTORS = ("other CA", "expired", "other name")
_IMPOSTOR_SHARE = 0.12
_ROTATION_SHARE = 0.1
# A report with its answer is two or three chunks over HTTP and four over MQTT.
_MOST_CHUNKS = 16
_LONGEST_DELAY_S = 12  # some beyond the device's deadlines, most below
_LONGEST_AWAY_S = 600


@dataclass(frozen=True)
class Script:
    """The fate of one connection: after so many chunks this, and after so many an end.

    Spans are the device's seconds.
    """

    kind: str = "none"
    after_chunks: int = 0
    ends_after: int = 0
    span_s: float = 0.0
    certificate: str = "right"
    rotates: bool = False
    garbage: bytes = b""


CALM = Script()


def draw_script(rng: random.Random, is_secure: bool) -> Script:
    """A script; with TLS some connections meet an impostor or the next certificate."""
    kind = rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
    certificate, rotates = "right", False
    if is_secure:
        rotates = rng.random() < _ROTATION_SHARE
        if rng.random() < _IMPOSTOR_SHARE:
            certificate = rng.choice(IMPOSTORS)
    after_chunks = rng.randrange(_MOST_CHUNKS)
    return Script(
        kind,
        after_chunks,
        after_chunks + rng.randrange(1, _MOST_CHUNKS),
        _draw_span_s(rng, kind),
        certificate,
        rotates,
        draw_garbage(rng),
    )


def draw_garbage(rng: random.Random) -> bytes:
    """Nonsense from nothing to much, some of it shaped like what a device hopes for."""
    noise = rng.randbytes(rng.choice((1, 40, 700, 5000)))
    return rng.choice(
        (
            noise,
            b"HTTP/1.1 200 OK\r\nContent-Type: application/cose\r\nContent-Length: 60\r\n\r\n"
            + bytes(60),
            b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n" + noise,
            b"HTTP/1.1 503 Busy\r\nRetry-After: 999999999\r\nContent-Length: 0\r\n\r\n",
            b"\x20\x02\x00\x00\x90\x03\x00\x01\x01" + noise,
            b"\x30\xff\xff\xff\x7f" + noise,
            b"\x40\x02\xff\xff\xd0\x00",
        )
    )


def _draw_span_s(rng: random.Random, kind: str) -> float:
    if kind == "refuse":
        return rng.uniform(1, _LONGEST_AWAY_S)
    return _LONGEST_DELAY_S * rng.random() ** 2
