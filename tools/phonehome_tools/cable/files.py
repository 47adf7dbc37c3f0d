"""Files of a board: their hashes, and new ones over the line.

Bytes travel as base64, because Ctrl-C is one of them, in pieces that are answered by a dot once
they are written: a board that erases flash hears nothing.
"""

import base64
import hashlib
import re
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from phonehome_tools.cable.board import SERIAL_ERRORS, Board
from phonehome_tools.cable.errors import ScriptError

# 248 characters: the input buffer of an ESP32 behind a UART has room for 260.
PIECE_BYTES: Final = 186
# USB makes the host wait instead of losing bytes: 1024 characters.
RP2_PIECE_BYTES: Final = 768
# A file is closed that often: what is written then survives the end of power.
_SEGMENT_BYTES: Final = 12288
_ANSWER_S: Final = 15.0  # a piece is written in ms; a flash that has to be tidied takes a while
_ENOENT: Final = 2
_END: Final = b"\x04"
_HASHED: Final = re.compile(r"^([0-9a-f]{64}) (\d+) (.+)$", re.MULTILINE)
_WALK: Final = """
import os, hashlib, binascii
b = bytearray(512)
m = memoryview(b)
def walk(p):
    try:
        s = os.stat(p)
    except OSError:
        return
    if s[0] & 0x4000:
        for e in os.ilistdir(p):
            walk(p + '/' + e[0])
        return
    h = hashlib.sha256()
    with open(p, 'rb') as f:
        while True:
            n = f.readinto(b)
            if not n:
                break
            h.update(m[:n])
    print(binascii.hexlify(h.digest()).decode(), s[6], p)
for p in {paths!r}:
    walk(p)
"""
_TAKE: Final = """
import sys, binascii
i = sys.stdin.buffer
for p, n in {files!r}:
    with open(p, {mode!r}) as f:
        while n:
            c = min(n, {piece})
            if f.write(binascii.a2b_base64(i.read((c + 2) // 3 * 4))) != c:
                raise OSError(28)
            n -= c
            if n:
                print('.', end='')
    print('.', end='')
"""
_SPACE: Final = """
import os
s = os.statvfs('/')
print((s[1], s[2], s[3]))
"""


def digest(data: bytes) -> str:
    """What a file is compared by."""
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True)
class Stored:
    """A file of a board: SHA-256 as hex, and bytes."""

    digest: str
    size: int


def read_stored(board: Board, paths: Iterable[str]) -> dict[str, Stored]:
    """These files, and all files in these folders, by path; what is not there is left out."""
    said = board.run(_WALK.format(paths=list(paths))).replace("\r", "")
    return {path: Stored(found, int(size)) for found, size, path in _HASHED.findall(said)}


def read_hashes(board: Board, paths: Iterable[str]) -> dict[str, str]:
    """The same, SHA-256 alone."""
    return {path: stored.digest for path, stored in read_stored(board, paths).items()}


def read_space(board: Board) -> tuple[int, int, int]:
    """(bytes of a block, blocks, free blocks) of the board's file system."""
    block, blocks, free = board.ask(_SPACE)
    return int(block), int(blocks), int(free)


def read_file(board: Board, path: str) -> bytes | None:
    """A small file, or None when there is none."""
    try:
        return bytes(board.ask(f"with open({path!r}, 'rb') as f: print(repr(f.read()))"))
    except ScriptError as error:
        if error.errno == _ENOENT:
            return None
        raise


def piece_bytes(platform: str) -> int:
    """How much of a file a board of this platform takes at once."""
    return RP2_PIECE_BYTES if platform == "rp2" else PIECE_BYTES


def send_files(board: Board, files: Mapping[str, bytes]) -> None:
    """Write small files whose folders are there; ScriptError, GoneError."""
    _send(board, list(files.items()), "wb", lambda _: None, PIECE_BYTES)


def append_file(
    board: Board, path: str, data: bytes, progress: Callable[[int], None], size: int
) -> None:
    """Put data behind what a file has, in pieces of `size` bytes of which `progress` hears.

    Whatever ends it early, what was written before the last segment stays; ScriptError, GoneError.
    """
    segments = [data[at : at + _SEGMENT_BYTES] for at in range(0, len(data), _SEGMENT_BYTES)]
    _send(board, [(path, segment) for segment in segments], "ab", progress, size)


def _send(
    board: Board,
    files: list[tuple[str, bytes]],
    mode: str,
    progress: Callable[[int], None],
    size: int,
) -> None:
    sizes = [(path, len(data)) for path, data in files]
    try:
        board.transport.exec_raw_no_follow(_TAKE.format(files=sizes, mode=mode, piece=size))
        for _, data in files:
            for at in range(0, len(data) or 1, size):
                piece = data[at : at + size]
                board.transport.serial.write(base64.b64encode(piece))
                _expect_dot(board)
                progress(len(piece))
        _said, complaint = board.transport.follow(_ANSWER_S)
    except SERIAL_ERRORS as error:
        raise board.gone(error) from error
    if complaint:
        raise ScriptError(complaint.decode(errors="replace"))


def _expect_dot(board: Board) -> None:
    """Wait until a piece is written; ScriptError when the script has ended instead."""
    deadline = time.monotonic() + _ANSWER_S
    serial: Any = board.transport.serial
    while time.monotonic() < deadline:
        heard = serial.read(1)
        if heard == b".":
            return
        if heard == _END:
            complaint = board.transport.read_until(1, _END, timeout=_ANSWER_S)
            raise ScriptError(complaint.rstrip(_END).decode(errors="replace"))
    with suppress(*SERIAL_ERRORS):
        serial.write(b"\x03")
    raise board.gone(TimeoutError(f"no answer within {_ANSWER_S:.0f} s"))
