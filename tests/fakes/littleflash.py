"""The board's own file system, littlefs, on flash in memory that notes every program and erase.

`Flash` is the chip, `LittleFiles` stands for `os` and `open` in phonehome.ports.files, with what
MicroPython's firmware sets: 4096-byte blocks, programs of 256 bytes, four of them as cache.
"""

import sys
from contextlib import contextmanager

from littlefs import LFSConfig, LFSFileFlag, LFSFilesystem, LittleFSError, UserContext, lfs

from phonehome.core import ondemand
from phonehome.ports import files as ports_files

BLOCK_BYTES = 4096
PICO_BLOCKS = 352
DISK_VERSION = 0x00020000
ENOSPC = 28
# As extmod/vfs_lfsx.c and ports/rp2/modules/_boot.py configure it.
GEOMETRY = {
    "block_size": BLOCK_BYTES,
    "prog_size": 256,
    "read_size": 32,
    "cache_size": 1024,
    "lookahead_size": 32,
    "block_cycles": 100,
    "disk_version": DISK_VERSION,
}

_CREATE = LFSFileFlag.wronly | LFSFileFlag.creat
MODES = {
    "rb": LFSFileFlag.rdonly,
    "wb": _CREATE | LFSFileFlag.trunc,
    "ab": _CREATE | LFSFileFlag.append,
}


class Flash(UserContext):
    """A chip whose changes are noted in `changes`: (block, offset, bytes), an erase has None."""

    def __init__(self, blocks=PICO_BLOCKS, image=None):
        super().__init__(
            buffer=bytearray(image) if image else bytearray(b"\xff") * BLOCK_BYTES * blocks
        )
        self.changes = []

    def read(self, cfg, block, off, size):
        start = block * BLOCK_BYTES + off
        return self.buffer[start : start + size]

    def prog(self, cfg, block, off, data):
        self.changes.append((block, off, bytes(data)))
        apply(self.buffer, self.changes[-1])
        return 0

    def erase(self, cfg, block):
        self.changes.append((block, 0, None))
        apply(self.buffer, self.changes[-1])
        return 0


def apply(image, change, part=1.0):
    """Make a change, or the first part of it: power went while the chip was at it."""
    block, off, data = change
    start = block * BLOCK_BYTES + off
    data = b"\xff" * BLOCK_BYTES if data is None else data
    size = int(len(data) * part)
    image[start : start + size] = data[:size]


class LittleFiles:
    """`os` and `open` over a flash that is mounted, never formatted unless `format` says so.

    `calls` are the changes that were asked for: (changes of the flash before, after, {path: what
    the file may hold meanwhile, at last what it holds afterwards}); None stands for no file.
    """

    def __init__(self, flash, is_new=False):
        self.flash = flash
        self.calls = []
        self.full = 0  # how often there was no room
        self._fs = LFSFilesystem()
        count = len(flash.buffer) // BLOCK_BYTES
        self._config = LFSConfig(
            context=flash, block_count=count, **GEOMETRY
        )  # the library keeps none
        if is_new:
            lfs.format(self._fs, self._config)
        lfs.mount(self._fs, self._config)

    def open(self, path, mode="r"):
        """A file as MicroPython opens it: unbuffered."""
        return LittleFile(self, path, mode)

    def listdir(self, path):
        """Names in a folder."""
        handle = self.ask(lfs.dir_open, path)
        names = []
        while (found := lfs.dir_read(self._fs, handle)) is not None:
            names.append(found.name)
        lfs.dir_close(self._fs, handle)
        return [name for name in names if name not in (".", "..")]

    def mkdir(self, path):
        """Make a folder."""
        self.ask(lfs.mkdir, path)

    def remove(self, path):
        """Remove a file."""
        with self.noting({path: [None]}):
            self.ask(lfs.remove, path)

    def rename(self, path, new):
        """Give a file another name, in one step."""
        with self.noting({path: [None], new: [self.content(path)]}):
            self.ask(lfs.rename, path, new)

    def statvfs(self, path):
        """Facts about the file system; those that Folder asks for."""
        used = lfs.fs_size(self._fs)
        count = len(self.flash.buffer) // BLOCK_BYTES
        return (BLOCK_BYTES, BLOCK_BYTES, count, count - used, count - used)

    def content(self, path):
        """What a file holds, None when there is none."""
        try:
            handle = self.ask(lfs.file_open, path, MODES["rb"])
        except OSError:
            return None
        data = self.ask(lfs.file_read, handle, self.ask(lfs.file_size, handle))
        self.ask(lfs.file_close, handle)
        return bytes(data)

    def contents(self, folder):
        """All files of a folder by path; of none where there is no folder."""
        try:
            names = self.listdir(folder)
        except FileNotFoundError:
            return {}
        return {f"{folder}/{name}": self.content(f"{folder}/{name}") for name in names}

    def ask(self, function, *arguments):
        """Call the library; its errors are those of the system."""
        try:
            return function(self._fs, *arguments)
        except LittleFSError as error:
            raise OSError(-error.code, error.name) from None

    @contextmanager
    def noting(self, meanwhile):
        """Note a change of some files; one that failed left what is there."""
        before = len(self.flash.changes)
        try:
            yield
        except OSError as error:
            self.full += error.errno == ENOSPC
            meanwhile = {path: [*after, self.content(path)] for path, after in meanwhile.items()}
            raise
        finally:
            self.calls.append((before, len(self.flash.changes), meanwhile))


class LittleFile:
    """An open file; what is written is there when it is closed."""

    def __init__(self, files, path, mode):
        self._files = files
        self._path = path
        self._is_read = mode == "rb"
        old = files.content(path)
        self._data = (old or b"") if mode == "ab" else b""
        if self._is_read:
            self._handle = files.ask(lfs.file_open, path, MODES[mode])
        else:
            with files.noting({path: [b"" if old is None else old]}):
                self._handle = files.ask(lfs.file_open, path, MODES[mode])

    def read(self):
        """All of it."""
        return bytes(self._files.ask(lfs.file_read, self._handle, 1 << 20))

    def write(self, data):
        """Put data behind; the file keeps its old content until the close."""
        old = self._files.content(self._path)
        with self._files.noting({self._path: [old]}):
            count = self._files.ask(lfs.file_write, self._handle, bytes(data))
        self._data += bytes(data)
        return count

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self._is_read:
            self._files.ask(lfs.file_close, self._handle)
            return
        old = self._files.content(self._path)
        with self._files.noting({self._path: [old if kind else self._data]}):
            self._files.ask(lfs.file_close, self._handle)


@contextmanager
def mounted(files):
    """Let phonehome.ports.files see this file system as the board's."""
    before = ports_files.os
    ports_files.os, ports_files.open = files, files.open
    try:
        yield files
    finally:
        ports_files.os = before
        del ports_files.open


@contextmanager
def remembering():
    """Let the agent keep the modules that a board drops: thousands of boots need them again."""
    forget = ondemand.forget
    _replace_in_all("forget", lambda *_names: None)
    try:
        yield
    finally:
        _replace_in_all("forget", forget)


def _replace_in_all(name, value):
    for module in list(sys.modules.values()):
        if module.__name__.startswith("phonehome.") and hasattr(module, name):
            setattr(module, name, value)
