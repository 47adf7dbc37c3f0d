"""A folder of small files: the only place that knows how this file system is kept whole.

A whole file is written under another name, closed and renamed, because only that survives a power
cut between any two bytes. Appending is open, write, close; a torn tail is the reader's business.
"""

import os

from phonehome_wire.compat import const

_NEW = ".new"
_ENOENT = const(2)
_ENOSPC = const(28)


def _sync_nothing() -> None:
    """Boards whose file system is synced by closing the file."""


class Folder:
    """Files in one folder, made if it is not there; methods raise OSError as the system does."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.commits = 0  # changes written to flash since the start
        self._sync = getattr(os, "sync", _sync_nothing)
        _make_folders(path)

    def names(self) -> list:
        """Names of the files, sorted; a whole file whose writing was cut short is not one."""
        return sorted(name for name in os.listdir(self.path) if not name.endswith(_NEW))

    def read(self, name: str) -> bytes:
        """The whole file, or b"" when there is none."""
        try:
            with open(self._at(name), "rb") as file:
                return file.read()
        except OSError:
            return b""  # absent, or as good as absent: the caller counts what it misses

    def append(self, name: str, data: bytes) -> None:
        """Put data behind what is there, or start the file with it."""
        with open(self._at(name), "ab") as file:
            _write_all(file, data)
        self.commits += 1
        self._sync()

    def write(self, name: str, data: bytes) -> None:
        """Make this the whole file, at a third of the wear; cut short it may be anything."""
        with open(self._at(name), "wb") as file:
            _write_all(file, data)
        self.commits += 1
        self._sync()

    def replace(self, name: str, *parts) -> None:
        """Make these bytes the whole file: afterwards it is either the old one or the new one."""
        with open(self._at(name + _NEW), "wb") as file:
            for data in parts:
                _write_all(file, data)
        os.rename(self._at(name + _NEW), self._at(name))
        self.commits += 1
        self._sync()

    def rename(self, name: str, new: str) -> None:
        """Give the file another name, which no file has."""
        os.rename(self._at(name), self._at(new))
        self.commits += 1
        self._sync()

    def remove(self, name: str) -> None:
        """Delete the file; no error when there is none."""
        try:
            os.remove(self._at(name))
        except OSError as error:
            if error.errno != _ENOENT:
                raise
            return
        self.commits += 1
        self._sync()

    def free_kb(self) -> int:
        """Free space in KiB, or 0 when the system does not say."""
        try:
            facts = os.statvfs(self.path)
        except (AttributeError, OSError):
            return 0
        return facts[1] * facts[4] >> 10

    def _at(self, name: str) -> str:
        return self.path + "/" + name


def _write_all(file, data: bytes) -> None:
    """Some ports report a full disk as a short write instead of an error."""
    if file.write(data) != len(data):
        raise OSError(_ENOSPC, "short write")


def _make_folders(path: str) -> None:
    """Make the folder and those above it."""
    made = ""
    for part in path.split("/"):
        made += part
        if part and part != ".":
            try:
                os.mkdir(made)
            except OSError:
                pass  # exists, or the first write will say what is wrong
        made += "/"
