"""Retained memory in one block: the ESP32's RTC memory, backup memory, a file on a computer."""

from phonehome_wire.compat import const

_BLOCK_BYTES = const(128)


class BlockCells:
    """A block that is read and written as a whole by one function each."""

    size = _BLOCK_BYTES

    def __init__(self, read, write) -> None:
        self._read = read
        self.store = write

    def load(self, buf) -> None:
        """Fill the buffer with what was stored; a length that cannot be when it is too short."""
        data = self._read()
        buf[0] = 0xFF
        for i in range(min(len(buf), len(data))):
            buf[i] = data[i]


class BackupCells(BlockCells):
    """`machine.mem_backup()` of later firmware, which is written byte by byte."""

    def __init__(self, memory) -> None:
        self._memory = memory
        super().__init__(self._all, self._copy)

    def _all(self):
        return self._memory

    def _copy(self, buf) -> None:
        for i, byte in enumerate(buf):
            self._memory[i] = byte


class FileCells(BlockCells):
    """A file, replaced as a whole, in the folder of the agent."""

    def __init__(self, folder, name: str) -> None:
        self._folder = folder
        self._name = name
        super().__init__(self._all, self._replace)

    def _all(self) -> bytes:
        return self._folder.read(self._name)

    def _replace(self, buf) -> None:
        self._folder.replace(self._name, buf)
