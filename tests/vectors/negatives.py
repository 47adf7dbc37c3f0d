"""Writes negative.jsonl, a line each: messages that must be refused, each with the reason.

Run it after a change; a test compares. Every message is properly signed unless its envelope is
the defect, so that only the named rule can refuse it. The signer here is written from the RFC and
shares no code with the package.
"""

import hashlib
import hmac
import json
import struct
from pathlib import Path

Vector = tuple[str, str, bytes, str]  # name, direction, message, reason

HERE = Path(__file__).parent
GOLDEN = json.loads((HERE / "golden.json").read_text())
UP = bytes.fromhex(GOLDEN["k_up"])
DOWN = bytes.fromhex(GOLDEN["k_dn"])
KID = bytes.fromhex(GOLDEN["kid"])
HEAD = (
    "00 01 01 449f3ac41e 02 182a 03 1a0526f840 05 443f9ac21b 06 80"  # a poll without its map head
)
ACK = "00 01 01 449f3ac41e 02 182a 03 1b000001a01976a17b 04 01 09 1a0526d70e"  # without 10
COMMAND = "00 01 01 449f3ac41e 02 182a 03 1b000001a01976a17b 04 02"  # without 14..17

# An item that stands under private key 32768 of an otherwise good uplink, and the reason.
BAD_ITEMS = (
    ("duplicate key", "a2 00 01 00 02", "key order/dup"),
    ("unsorted keys", "a2 01 01 00 02", "key order/dup"),
    ("text key", "a1 61 61 01", "type"),
    ("bool key", "a1 f5 01", "type"),
    ("bool key that equals an integer key", "a2 01 01 f5 02", "type"),
    ("negative key", "a1 20 01", "type"),
    ("null key", "a1 f6 01", "type"),
    ("byte string key", "a1 41 00 01", "type"),
    ("array key", "a1 80 01", "type"),
    ("half float", "f9 7e00", "type"),
    ("single float", "fa 3f800000", "type"),
    ("double float", "fb 3ff0000000000000", "type"),
    ("tag", "c1 1a 65000000", "type"),
    ("bignum", "c2 41 01", "type"),
    ("shared reference", "d8 1c 81 d8 1d 00", "type"),
    ("undefined", "f7", "type"),
    ("simple value 16", "f0", "type"),
    ("simple value 255", "f8 ff", "type"),
    ("reserved length 28", "1c", "type"),
    ("reserved length 30", "9e", "type"),
    ("break without a beginning", "ff", "indefinite"),
    ("indefinite array", "9f 01 ff", "indefinite"),
    ("indefinite map", "bf 00 01 ff", "indefinite"),
    ("indefinite byte string", "5f 41 00 ff", "indefinite"),
    ("indefinite text", "7f 61 61 ff", "indefinite"),
    ("indefinite integer", "1f", "indefinite"),
    ("long form of 0 in 1 byte", "18 00", "shortest"),
    ("long form of 23 in 1 byte", "18 17", "shortest"),
    ("long form of -1 in 1 byte", "38 00", "shortest"),
    ("long form of 255 in 2 bytes", "19 00ff", "shortest"),
    ("long form of 65535 in 4 bytes", "1a 0000ffff", "shortest"),
    ("long form of 2^32-1 in 8 bytes", "1b 00000000ffffffff", "shortest"),
    ("long form of a byte string length", "58 01 00", "shortest"),
    ("long form of a text length", "79 0001 61", "shortest"),
    ("long form of an array length", "98 01 00", "shortest"),
    ("long form of a map length", "b8 01 00 00", "shortest"),
    ("long form of a key", "a1 18 00 00", "shortest"),
    ("depth 9", "81 81 81 81 81 81 81 81 00", "depth"),
    ("depth bomb", "81 " * 2000 + "00", "depth"),
    ("depth bomb of maps", "a1 00 " * 1000 + "00", "depth"),
    ("length bomb: bytes", "5b 001fffffffffffff 00", "length"),
    ("length bomb: bytes of 2^63", "5b 8000000000000000 00", "range"),
    ("length bomb: text", "7a 7fffffff 00", "length"),
    ("string over the cap", "59 0801 " + "00" * 2049, "length"),
    ("count bomb: array", "9a 7fffffff 00", "length"),
    ("count bomb: map", "bb 001fffffffffffff 00", "length"),
    ("map with half of its pairs", "a2 00 01", "length"),
    ("item bomb", "99 0800 " + "00" * 2048, "items"),
    ("item bomb in pieces", "84 " + ("99 0200 " + "00" * 512) * 4, "items"),
    ("2^53", "1b 0020000000000000", "range"),
    ("-(2^53)", "3b 001fffffffffffff", "range"),
    ("2^64-1", "1b ffffffffffffffff", "range"),
    ("integer cut short", "1a 0000", "length"),
    ("text cut short", "63 61 61", "length"),
    ("UTF-8: lone continuation byte", "61 80", "utf-8"),
    ("UTF-8: sequence cut short", "62 e2 82", "utf-8"),
    ("UTF-8: overlong NUL", "62 c0 80", "utf-8"),
    ("UTF-8: overlong slash in 3 bytes", "63 e0 80 af", "utf-8"),
    ("UTF-8: surrogate", "63 ed a0 80", "utf-8"),
    ("UTF-8: above U+10FFFF", "64 f4 90 80 80", "utf-8"),
    ("UTF-8: byte FF", "61 ff", "utf-8"),
)

# A whole signed payload and the reason.
BAD_UPLINKS = (
    ("empty payload", "", "length"),
    ("payload is no map", "80", "type"),
    ("payload ends early", "a6" + HEAD[:-3], "length"),
    ("byte behind the payload's map", "a6" + HEAD + "00", "trailing"),
    ("no major", "a5" + HEAD[6:], "schema"),
    ("major 2", "a6 00 02" + HEAD[5:], "major"),
    ("major 0", "a6 00 00" + HEAD[5:], "major"),
    ("no records", "a5" + HEAD[:-5], "schema"),
    ("records are a map", "a6" + HEAD[:-2] + "a0", "type"),
    ("incarnation of 3 bytes", "a6" + HEAD.replace("449f3ac41e", "439f3ac4"), "schema"),
    ("boot is text", "a6" + HEAD.replace("02 182a", "02 6161"), "schema"),
    ("now is negative", "a6" + HEAD.replace("1a0526f840", "20"), "schema"),
    ("build of 3 bytes", "a6" + HEAD.replace("443f9ac21b", "433f9ac2"), "schema"),
    ("build of 9 bytes", "a6" + HEAD.replace("443f9ac21b", "49" + "3f" * 9), "schema"),
    ("utc quality 4", "a7" + HEAD.replace("05 443f", "04 82 00 04 05 443f"), "schema"),
    ("utc without quality", "a7" + HEAD.replace("05 443f", "04 81 00 05 443f"), "schema"),
    ("dropped is null", "a7" + HEAD + "07 f6", "schema"),
    ("manifest of 5 bytes", "a7" + HEAD + "08 450000000000", "schema"),
    ("state 2", "a7" + HEAD + "0a 02", "schema"),
    ("server time of three", "a7" + HEAD + "0c 83 00 00 00", "schema"),
    ("origin incarnation of 8 bytes", "a7" + HEAD + "0d 48 0000000000000000", "schema"),
    ("record of four", "a6" + HEAD[:-2] + "81 84 02 01 00 00", "schema"),
    ("record of six", "a6" + HEAD[:-2] + "81 86 02 01 00 00 a1 00 00 00", "schema"),
    ("record is a map", "a6" + HEAD[:-2] + "81 a0", "schema"),
    ("record type 0", "a6" + HEAD[:-2] + "81 85 00 01 00 00 a0", "schema"),
    ("record type 256", "a6" + HEAD[:-2] + "81 85 19 0100 01 00 00 a0", "schema"),
    ("record seq is negative", "a6" + HEAD[:-2] + "81 85 02 01 20 00 a0", "schema"),
    ("record boot is true", "a6" + HEAD[:-2] + "81 85 02 f5 00 00 a0", "schema"),
    ("65 records", "a6" + HEAD[:-2] + "98 41" + "85 18 80 01 00 00 00" * 65, "schema"),
)
BAD_DOWNLINKS = (
    ("downlink without kind", "a2 00 01 03 00", "schema"),
    ("downlink of kind 9", "a3 00 01 03 00 04 09", "schema"),
    ("downlink of major 2", "a4 00 02 03 00 04 03 12 48 0102030405060708", "major"),
    ("downlink is an array", "80", "schema"),
    ("ack without stored", "a6" + ACK, "schema"),
    ("ack without echo", "a6" + ACK[:-13] + "0a 80", "schema"),
    ("ack row of two", "a7" + ACK + "0a 81 82 01 00", "schema"),
    ("ack range backwards", "a7" + ACK + "0a 81 83 01 05 04", "schema"),
    ("ack refusal code 16", "a8" + ACK + "0a 80 0b 81 83 01 00 10", "schema"),
    ("ack back-off of two days", "a8" + ACK + "0a 80 0c 1a 0002a300", "schema"),
    ("command code 0", "a8" + COMMAND + "0e 05 0f 00 10 00", "schema"),
    ("command code 256", "a8" + COMMAND + "0e 05 0f 00 10 19 0100", "schema"),
    ("command without cseq", "a7" + COMMAND + "0f 00 10 01", "schema"),
    ("command with an array of arguments", "a9" + COMMAND + "0e 05 0f 00 10 01 11 80", "schema"),
    ("time reply with a nonce of 7 bytes", "a4 00 01 03 00 04 03 12 47 01020304050607", "schema"),
)


def byte_string(data: bytes) -> bytes:
    """A CBOR byte string."""
    if len(data) < 24:
        return bytes([0x40 | len(data)]) + data
    return (
        struct.pack(">BB", 0x58, len(data))
        if len(data) < 256
        else struct.pack(">BH", 0x59, len(data))
    ) + data


def signed(payload: bytes, key: bytes, alg: int = 4, kid: bytes = KID) -> bytes:
    """A COSE_Mac0 message (RFC 9052, sections 6.2 and 6.3)."""
    protected = bytes([0xA2, 0x01, alg, 0x04, 0x49]) + kid
    structure = b"\x84\x64MAC0" + byte_string(protected) + b"\x40" + byte_string(payload)
    tag = hmac.new(key, structure, hashlib.sha256).digest()[: 8 if alg == 4 else 32]
    return b"\xd1\x84" + byte_string(protected) + b"\xa0" + byte_string(payload) + byte_string(tag)


def flipped(message: bytes, at: int, bit: int = 0) -> bytes:
    """The message with one bit turned."""
    return message[:at] + bytes([message[at] ^ (1 << bit)]) + message[at + 1 :]


def golden(name: str, part: str) -> bytes:
    """Payload or message of a golden vector."""
    return bytes.fromhex(next(p[part] for p in GOLDEN["positive"] if p["name"] == name))


POLL = bytes.fromhex("a6" + HEAD)
GOOD = signed(POLL, UP)
LONG = signed(POLL, UP, alg=5)


def damaged() -> list[Vector]:
    """Bits turned, bytes missing, bytes too many."""
    return [
        ("bit flip in the payload", "up", flipped(GOOD, 30), "tag"),
        ("bit flip in the tag", "up", flipped(GOOD, len(GOOD) - 1, 7), "tag"),
        ("bit flip in the tag's length", "up", flipped(GOOD, len(GOOD) - 9), "frame"),
        ("bit flip in the device id", "up", flipped(GOOD, 8), "kid"),
        ("bit flip in the template", "up", flipped(GOOD, 0), "frame"),
        ("empty message", "up", b"", "frame"),
        ("the template alone", "up", GOOD[:18], "frame"),
        ("truncated by one byte", "up", GOOD[:-1], "frame"),
        ("truncated by the tag", "up", GOOD[:-9], "frame"),
        ("trailing byte", "up", GOOD + b"\0", "frame"),
        ("message twice", "up", GOOD + GOOD, "frame"),
        (
            "over 4096 bytes",
            "up",
            signed(bytes.fromhex("a7" + HEAD + "19 8000 59 1000") + bytes(4096), UP),
            "frame",
        ),
    ]


def strangers() -> list[Vector]:
    """Keys that are not this device's, algorithms that are not what they say, wrong direction."""
    return [
        ("unknown key epoch", "up", signed(POLL, UP, kid=KID[:8] + b"\2"), "kid"),
        (
            "unknown device",
            "up",
            signed(POLL, UP, kid=b"\xa4\xcf\x12\xff\xfe\x05\xd3\xb2\1"),
            "kid",
        ),
        ("another device's key", "up", signed(POLL, bytes(32)), "tag"),
        ("alg 5 said, 8-byte tag sent", "up", GOOD[:5] + b"\5" + GOOD[6:], "frame"),
        ("alg 4 said, 32-byte tag sent", "up", LONG[:5] + b"\4" + LONG[6:], "frame"),
        (
            "alg 4 said, tag of alg 5 cut to 8",
            "up",
            LONG[:5] + b"\4" + LONG[6:-34] + b"\x48" + LONG[-32:-24],
            "tag",
        ),
        ("alg 6", "up", GOOD[:5] + b"\6" + GOOD[6:], "frame"),
        ("alg 0", "up", GOOD[:5] + b"\0" + GOOD[6:], "frame"),
        (
            "command with the short MAC",
            "dn",
            signed(golden("command set-config", "payload"), DOWN),
            "alg",
        ),
        (
            "time reply with the short MAC",
            "dn",
            signed(golden("time reply", "payload"), DOWN),
            "alg",
        ),
        ("uplink reflected to the device", "dn", GOOD, "tag"),
        ("ack reflected to the receiver", "up", golden("ack 2 ranges", "msg"), "tag"),
    ]


def misframed() -> list[Vector]:
    """COSE that is well-formed, or nearly, and not the template."""
    return [
        ("unprotected header not empty", "up", GOOD[:17] + b"\xa1\x05\x41\0" + GOOD[18:], "frame"),
        ("no tag 17", "up", GOOD[1:], "frame"),
        ("COSE_Sign1 tag", "up", b"\xd2" + GOOD[1:], "frame"),
        ("array of five", "up", b"\xd1\x85" + GOOD[2:] + b"\0", "frame"),
        ("payload length not shortest", "up", GOOD[:18] + b"\x59\0" + GOOD[19:], "frame"),
        ("payload detached", "up", GOOD[:18] + b"\xf6" + GOOD[-9:], "frame"),
        ("payload of indefinite length", "up", GOOD[:18] + b"\x5f" + GOOD[18:], "frame"),
        ("payload is text", "up", GOOD[:18] + b"\x78" + GOOD[19:], "frame"),
        ("payload longer than the message", "up", GOOD[:19] + b"\xff" + GOOD[20:], "frame"),
        ("payload shorter than the message", "up", GOOD[:19] + b"\x19" + GOOD[20:], "frame"),
    ]


def negatives() -> list[dict[str, str]]:
    """Every negative vector."""
    rows = [*damaged(), *strangers(), *misframed()]
    for name, item, expect in BAD_ITEMS:
        payload = bytes.fromhex("a7" + HEAD + "19 8000" + item)
        rows.append((name, "up", signed(payload, UP), expect))
    rows += [
        (name, "up", signed(bytes.fromhex(hexes), UP), expect)
        for name, hexes, expect in BAD_UPLINKS
    ]
    rows += [
        (name, "dn", signed(bytes.fromhex(hexes), DOWN, 5), expect)
        for name, hexes, expect in BAD_DOWNLINKS
    ]
    return [
        {"name": name, "dir": way, "msg": message.hex(), "expect": expect}
        for name, way, message, expect in rows
    ]


if __name__ == "__main__":
    (HERE / "negative.jsonl").write_text("".join(json.dumps(n) + "\n" for n in negatives()))
