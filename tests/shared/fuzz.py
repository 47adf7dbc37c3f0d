"""Mutate messages and payloads; nothing but a value or the wire error may come out.

    python tests/shared/fuzz.py --runs 1000000 --seed 1

Half of the runs change signed messages, which must be refused unless they are as they were signed.
The others change the bytes of payloads, or single values in them, as if an authentic device had
gone mad: what is accepted must encode to the same bytes again. Exits 1 with the input in hex on
anything else.
"""

import argparse
import random
import sys
import traceback
from collections import Counter
from typing import Any

from golden import KID, UP_KEY, negatives, positives

from phonehome_wire.decoder import decode
from phonehome_wire.downlink import decode_downlink
from phonehome_wire.encoder import Encoder
from phonehome_wire.enrollment import decode_enroll_reply, decode_enroll_request
from phonehome_wire.envelope import unseal
from phonehome_wire.errors import WireError
from phonehome_wire.uplink import decode_uplink

HEADS = (
    b"\x00\x17\x18\x19\x1a\x1b\x1f\x20\x38\x3b\x40\x58\x5b\x5f\x60\x61\x78\x7f\x80\x81\x98\x9b\x9f"
)
HEADS += b"\xa0\xa1\xb8\xbb\xbf\xc0\xd8\xe0\xf4\xf5\xf6\xf7\xf8\xf9\xfb\xff"
READERS = (decode, decode_uplink, decode_downlink, decode_enroll_request, decode_enroll_reply)
VALUES = (0, 1, -1, 24, 127, 255, 256, 524287, 2**31, 2**53 - 1, 1 - 2**53, True, False, None)
VALUES += (
    "",
    "x" * 49,
    "\u00e9",
    b"",
    b"1234",
    b"123456789",
    [],
    [0, 0],
    {},
    {0: 0},
    [[]],
    {1: {}},
)
STEPS = 50


def flip(rng: random.Random, data: bytearray, _pool: list[bytes]) -> None:
    """Turn one bit."""
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def replace(rng: random.Random, data: bytearray, _pool: list[bytes]) -> None:
    """Put a head of CBOR where another byte was."""
    data[rng.randrange(len(data))] = rng.choice(HEADS)


def insert(rng: random.Random, data: bytearray, _pool: list[bytes]) -> None:
    """Insert a head of CBOR."""
    data.insert(rng.randrange(len(data) + 1), rng.choice(HEADS))


def delete(rng: random.Random, data: bytearray, _pool: list[bytes]) -> None:
    """Take some bytes out."""
    at = rng.randrange(len(data))
    del data[at : at + rng.randint(1, 4)]


def truncate(rng: random.Random, data: bytearray, _pool: list[bytes]) -> None:
    """Cut the end off."""
    del data[rng.randrange(len(data)) :]


def repeat(rng: random.Random, data: bytearray, _pool: list[bytes]) -> None:
    """Write a piece again somewhere else."""
    at = rng.randrange(len(data))
    piece = data[at : at + rng.randint(1, 40)]
    at = rng.randrange(len(data) + 1)
    data[at:at] = piece


def splice(rng: random.Random, data: bytearray, pool: list[bytes]) -> None:
    """Continue with the end of another input."""
    other = rng.choice(pool)
    at = rng.randrange(len(data))
    data[at:] = other[min(at, len(other)) :]


def changed(rng: random.Random, value: Any) -> Any:
    """A decoded value with one thing in it replaced, so that only the schema can object."""
    inner = list(value.items() if isinstance(value, dict) else enumerate(value))
    if not inner or rng.random() < 0.1:
        return rng.choice(VALUES)
    key, item = rng.choice(inner)
    new = changed(rng, item) if isinstance(item, dict | list) else rng.choice(VALUES)
    if isinstance(value, list):
        return [*value[:key], new, *value[key + 1 :]]
    return {**value, rng.choice((key, key, key, rng.randrange(300))): new}


MUTATIONS = (flip, replace, insert, delete, truncate, repeat, splice)


def mutated(rng: random.Random, pool: list[bytes]) -> bytes:
    """One of the pool after one to four mutations."""
    data = bytearray(rng.choice(pool))
    for _ in range(rng.choice((1, 1, 2, 4))):
        if data:
            rng.choice(MUTATIONS)(rng, data, pool)
    return bytes(data)


def read_message(message: bytes, good: frozenset[bytes]) -> str:
    """What unsealing gives: a reason, or "as signed" for a message that was signed as it is."""
    try:
        payload = unseal(message, UP_KEY, kid=KID)
    except WireError as error:
        return error.reason
    if message not in good:
        raise AssertionError("a message that nobody signed was accepted")
    decode_uplink(payload)
    return "as signed"


def read_payload(payload: bytes, reader: int) -> str:
    """What a reader of payloads gives: a reason, or "a value" that encodes to the same bytes."""
    try:
        value = READERS[reader](payload)
    except WireError as error:
        return error.reason
    if reader == 0 and encoded(value) != payload:
        raise AssertionError("an accepted payload encodes to other bytes")
    return "a value"


def encoded(value: Any) -> bytes:
    """The bytes of a value."""
    enc = Encoder(bytearray(8192), 0)
    enc.put_value(value)
    return bytes(enc.buf[: enc.pos])


def run(runs: int, seed: int, is_shown: bool) -> Counter[str]:
    """Count the outcomes; raises what is neither a value nor the wire error."""
    rng = random.Random(seed)
    signed = [message for _, way, _, _, message in positives() if way == "up"]
    good = frozenset(signed)
    payloads = [payload for _, _, _, payload, _ in positives()]
    payloads += [m[20:-9] for _, _, m, _ in negatives() if 30 < len(m) < 1500]
    values = [decode(payload) for _, _, _, payload, _ in positives()]
    outcomes: Counter[str] = Counter()
    for i in range(runs):
        if is_shown and i % max(1, runs // STEPS) == 0:
            print(f"\r{i:>9} of {runs}", end="", file=sys.stderr, flush=True)
        if i & 3 == 3:
            data = encoded(changed(rng, rng.choice(values)))
        else:
            data = mutated(rng, payloads if i & 1 else signed)
        try:
            outcomes[read_payload(data, i // 4 % 5) if i & 1 else read_message(data, good)] += 1
        except Exception:
            print(f"\nrun {i} of seed {seed}: {data.hex()}", file=sys.stderr)
            raise
    return outcomes


def main() -> int:
    """Run, and print how often each outcome came."""
    parser = argparse.ArgumentParser(description="Fuzz the decoders of the wire.")
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quiet", action="store_true", help="no progress")
    args = parser.parse_args()
    try:
        outcomes = run(args.runs, args.seed, not args.quiet)
    except Exception:
        traceback.print_exc()
        return 1
    print(f"\r{args.runs} runs of seed {args.seed}: only values and refusals", file=sys.stderr)
    for outcome, count in outcomes.most_common():
        print(f"{count:>9}  {outcome}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
