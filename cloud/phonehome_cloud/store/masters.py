"""Master keys: where they come from, and which of them seals.

The first one seals; all of them open. So a key is replaced in three steps that may each take as
long as they like: put the new one in front, seal everything again, take the old one away.
"""

import contextlib
import hmac
import logging
import os
import secrets
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final, Protocol

from phonehome_cloud.errors import StoreRefusedError

_LOG = logging.getLogger(__name__)

MASTER_BYTES: Final = 32
_PURPOSE: Final = b"phonehome master key id"
_PUBLIC_BITS: Final = 0o077


def master_id(master: bytes) -> str:
    """What rows and logs call a master key: 8 hex digits that tell nothing about it."""
    return hmac.digest(master, _PURPOSE, sha256).hex()[:8]


def parse_masters(lines: Sequence[str]) -> tuple[bytes, ...]:
    """The keys in some lines of 64 hex digits; ValueError unless there is at least one."""
    masters = tuple(bytes.fromhex(line) for line in lines if line.strip())
    if not masters or any(len(master) != MASTER_BYTES for master in masters):
        raise ValueError
    return masters


class Keyring(Protocol):
    """Where master keys are found, the one that seals first."""

    @property
    def masters(self) -> tuple[bytes, ...]:
        """All of them, as they are now."""


class FixedKeyring:
    """Master keys that were given by the settings: a restart changes them."""

    def __init__(self, *masters: bytes) -> None:
        self.masters = masters


class FileKeyring:
    """Master keys in a file, one line each; read again when the file has changed.

    `is_made` says whether a missing file may be made, with one new key and mode 0600.
    """

    def __init__(self, path: Path, *, is_made: bool) -> None:
        self.path = path
        if is_made and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_masters(path, (secrets.token_bytes(MASTER_BYTES),), is_new=True)
            _LOG.warning("made the master key %s: keep a copy apart from the database", path)
        self._stamp = self._stat()
        self._masters = read_masters(path)
        if path.stat().st_mode & _PUBLIC_BITS:
            _LOG.warning("others can read the master key %s: chmod 600 it", path)

    @property
    def masters(self) -> tuple[bytes, ...]:
        """What the file holds now."""
        stamp = self._stat()
        if stamp != self._stamp:
            self._masters, self._stamp = read_masters(self.path), stamp
        return self._masters

    def _stat(self) -> tuple[int, int, int]:
        try:
            found = self.path.stat()
        except OSError as error:
            raise StoreRefusedError(
                f"{self.path}: {error.strerror}; restore the master key"
            ) from None
        return found.st_ino, found.st_mtime_ns, found.st_size


def read_masters(path: Path) -> tuple[bytes, ...]:
    """The keys in a file; StoreRefusedError when it holds anything else, and it is left alone."""
    try:
        return parse_masters(path.read_text("ascii").splitlines())
    except (ValueError, OSError):
        raise StoreRefusedError(
            f"{path} does not hold 64 hex digits in each line; restore the master key"
        ) from None


def write_masters(path: Path, masters: Sequence[bytes], *, is_new: bool = False) -> None:
    """Put these keys into a file of mode 0600: all of them or, when killed, what was there.

    `is_new` leaves a file alone that somebody else made meanwhile.
    """
    beside = path.with_name(f"{path.name}.{os.getpid()}.new")
    with contextlib.suppress(FileNotFoundError):
        beside.unlink()
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.writelines(master.hex() + "\n" for master in masters)
        file.flush()
        os.fsync(file.fileno())
    if is_new:
        with contextlib.suppress(FileExistsError):
            os.link(beside, path)
        beside.unlink()
    else:
        beside.replace(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
