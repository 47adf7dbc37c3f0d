"""What makes unix MicroPython a board at a cable: littlefs on a file of the host, and `machine`.

Arguments: the file, how many programs and erases the flash survives (-1: all), `ro` or `rw`.
The prompt comes behind it (micropython -i). machine.reset() ends the program with RESET, and the
flash with CUT; whoever started it starts it again.
"""

import os
import sys
import time

import vfs

RESET = 10
CUT = 11
BLOCK = 4096


class Flash:
    """A block device in a file; after so many programs and erases the power is gone."""

    def __init__(self, path, left, is_read_only):
        self._file = open(path, "r+b")  # noqa: SIM115 - open as long as the power is on
        self._left = left
        self._is_read_only = is_read_only
        self._blocks = os.stat(path)[6] // BLOCK

    def readblocks(self, block, buf, offset=0):
        self._file.seek(block * BLOCK + offset)
        self._file.readinto(buf)

    def writeblocks(self, block, buf, offset=0):
        self._count()
        self._file.seek(block * BLOCK + offset)
        self._file.write(buf)
        self._file.flush()

    def ioctl(self, op, arg):
        if op == 4:
            return self._blocks
        if op == 5:
            return BLOCK
        if op == 6:
            self._count()
        return 0

    def _count(self):
        if self._is_read_only:
            raise OSError(30)
        if self._left == 0:
            print("CUT")
            die(CUT)
        self._left -= 1


class Machine:
    """The module `machine`, as far as a cable sees it."""

    PWRON_RESET, WDT_RESET = 1, 3

    def __init__(self, unique):
        self._unique = unique

    def unique_id(self):
        return self._unique

    def reset_cause(self):
        return self.PWRON_RESET

    def reset(self):
        die(RESET)


def die(code):
    """End this program at once: at a prompt SystemExit would only end the line."""
    os.system("kill -" + ("USR2" if code == CUT else "USR1") + " $PPID")
    time.sleep(10)


def mount(path, left, is_read_only):
    """Have the flash as the only file system, formatted where it is none, as _boot.py does."""
    flash = Flash(path, left, is_read_only)
    try:
        root = vfs.VfsLfs2(flash, readsize=32, progsize=256, lookahead=32)
    except OSError:
        vfs.VfsLfs2.mkfs(flash)
        root = vfs.VfsLfs2(flash, readsize=32, progsize=256, lookahead=32)
    vfs.umount("/")
    vfs.mount(root, "/")


sys.modules["machine"] = Machine(bytes.fromhex(sys.argv[4]))
mount(sys.argv[1], int(sys.argv[2]), sys.argv[3] == "ro")
sys.path[:] = ["", ".frozen", "/lib"]
os.chdir("/")
for _name in ("boot.py", "main.py"):
    try:
        with open(_name) as _file:
            _text = _file.read()
    except OSError:
        continue
    try:
        exec(_text, {"__name__": "__main__"})
    except KeyboardInterrupt:
        break
    except Exception as _error:
        sys.print_exception(_error)
