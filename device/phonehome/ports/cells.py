"""Which retained memory this board has; needed once a boot, and so is only one of the kinds."""

import sys

from phonehome_wire.compat import const

_FILE = "retained.bin"
# Scratch 4 is the watchdog's own mark.
_SCRATCHES = (0, 1, 2, 3, 5, 6, 7)
_RP2040_SCRATCH = const(0x4005800C)
_RP2350_SCRATCH = const(0x400D800C)


def cells_of(machine, folder, platform: str):
    """The cells of a board by its `sys.platform`; on a computer a file in the folder."""
    if platform == "rp2":
        from .wordcells import WordCells

        is_later = "RP2350" in getattr(sys.implementation, "_machine", "")
        first = _RP2350_SCRATCH if is_later else _RP2040_SCRATCH
        return WordCells(machine.mem32, [first + 4 * i for i in _SCRATCHES])
    from .blockcells import BackupCells, BlockCells, FileCells

    if platform == "esp32":
        memory = machine.RTC().memory
        return BlockCells(memory, memory)
    if hasattr(machine, "mem_backup"):
        return BackupCells(machine.mem_backup())
    return FileCells(folder, _FILE)
