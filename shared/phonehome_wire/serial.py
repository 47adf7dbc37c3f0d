"""Messages as lines of text, for a serial console and whoever stands between (WIRE.md 4.8).

    #PH1 1/6 <base64, 76 characters> <crc16>
    #PH1 6/6 <base64, up to 76 characters> <crc16>
    #PH1 END <sha256[:8]>                           behind the last line of a signed report,
    #PH1 PLAIN <sha256[:8]>                         or of one that nobody signed (see `plain`)
    #PH1 DONE <reports> <records> <crc16>           behind the last report of an export

What is typed to a device are the same numbered lines without their mark. The checksum covers all
of a line between the mark and itself, so that a line cannot pass for its neighbour.
"""

from binascii import a2b_base64, b2a_base64, hexlify
from hashlib import sha256

from .compat import const
from .errors import RefusedError

MARK = "#PH1 "
END = "END"
PLAIN = "PLAIN"
DONE = "DONE"
LINE_BYTES = const(57)  # 76 characters: the line of MIME, and short enough for any line editor
MAX_LINE_CHARS = const(90)  # "999/999 ", 76 of base64, " 29b1", and one to spare
DIGEST_BYTES = const(8)

# What was taken of a message: how many lines it has, how many came, their bytes.
NOTHING = (0, 0, b"")


def crc16(text: str) -> int:
    """CRC-16/CCITT-FALSE of a text of ASCII; finds every error of up to 16 bits in a row."""
    crc = 0xFFFF
    for char in text:
        x = (crc >> 8) ^ ord(char)
        x ^= x >> 4
        crc = ((crc << 8) ^ (x << 12) ^ (x << 5) ^ x) & 0xFFFF
    return crc


def line_count(message: "bytes | bytearray | memoryview") -> int:
    """How many numbered lines a message takes."""
    return (len(message) + LINE_BYTES - 1) // LINE_BYTES


def numbered_line(message: "bytes | bytearray | memoryview", i: int) -> str:
    """Line `i` of 1..line_count(message), without a mark; at most 90 characters."""
    part = message[(i - 1) * LINE_BYTES : i * LINE_BYTES]
    text = "%d/%d %s" % (i, line_count(message), b2a_base64(part).decode().strip())
    return checked(text)


def closing_line(message: "bytes | bytearray | memoryview", is_signed: bool) -> str:
    """The line behind those of a message, without a mark."""
    return "%s %s" % (END if is_signed else PLAIN, digest(message))


def done_line(reports: int, records: int) -> str:
    """The last line of an export, without a mark."""
    return checked("%s %d %d" % (DONE, reports, records))


def digest(message: "bytes | bytearray | memoryview") -> str:
    """The first 8 bytes of the SHA-256 of a message in hex."""
    return hexlify(sha256(message).digest()[:DIGEST_BYTES]).decode()


def checked(text: str) -> str:
    """A text with its checksum behind it."""
    return "%s %04x" % (text, crc16(text))


def check(text: str) -> str:
    """The text before its checksum. RefusedError "line" or "crc"."""
    body, _, crc = text.rpartition(" ")
    if len(crc) != 4 or not body:
        raise RefusedError("line", "want '<i>/<n> <base64> <crc16>', got %.40r" % text)
    if crc != "%04x" % crc16(body):
        raise RefusedError("crc", "a damaged line: it says %s, it is %04x" % (crc, crc16(body)))
    return body


def join(held: tuple, text: str, max_bytes: int) -> tuple:
    """Add a numbered line to what is held of a message (NOTHING at first); see `is_whole`.

    A line 1 always begins anew. RefusedError "line", "crc", "order" (a line is missing, came
    twice or is of another message) or "length" (more than `max_bytes`); what was held is then of
    no use.
    """
    numbers, _, code = check(text).partition(" ")
    first, _, last = numbers.partition("/")
    i, total = read_number(first), read_number(last)
    if not 0 < i <= total:
        raise RefusedError("line", "want a line of 1/n to n/n, got %s" % numbers)
    part = _decode(code)
    before, taken, data = held if i > 1 else (total, 0, b"")
    if total != before or i != taken + 1:
        raise RefusedError("order", "line %s behind line %d of %d" % (numbers, taken, before))
    if total > (max_bytes + LINE_BYTES - 1) // LINE_BYTES or len(data) + len(part) > max_bytes:
        raise RefusedError("length", "%d lines are more than %d bytes" % (total, max_bytes))
    if i < total and len(part) != LINE_BYTES:
        raise RefusedError("line", "line %s is short of %d bytes" % (numbers, LINE_BYTES))
    return total, i, data + part


def is_whole(held: tuple) -> bool:
    """True when nothing is missing."""
    total: int = held[0]
    return total > 0 and total == held[1]


def read_number(text: str) -> int:
    """A number of up to six digits as it is written here. RefusedError "line"."""
    if not 0 < len(text) <= 6 or text.strip("0123456789") or (text[0] == "0" and text != "0"):
        raise RefusedError("line", "want a number, got %.40r" % text)
    return int(text)


def _decode(code: str) -> bytes:
    """Base64 as `numbered_line` writes it, and in no other way. RefusedError "line"."""
    try:
        part = a2b_base64(code)
    except ValueError:
        part = b""
    if not part or len(part) > LINE_BYTES or b2a_base64(part).decode().strip() != code:
        raise RefusedError("line", "%.40r is not up to 76 characters of base64" % code)
    return bytes(part)
