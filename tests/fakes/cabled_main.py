"""What makes unix MicroPython a board at a cable: littlefs on a file of the host, and `machine`.

Arguments: the file, how many programs and erases the flash survives (-1: all), `ro` or `rw`, the
chip's id, `main` or `prompt`: whether boot.py and main.py run.
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
        # Who reads it cares about the last line.
        self._counts = open(path + ".count", "a")  # noqa: SIM115 - the same
        self._file = open(path, "r+b")  # noqa: SIM115 - open as long as the power is on
        self._left = self._most = left
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

    def note_count(self):
        """Tell the host how many programs and erases there were."""
        self._counts.write(f"{self._most - self._left}\n")
        self._counts.flush()


class Machine:
    """The module `machine`, as far as a cable sees it."""

    PWRON_RESET, WDT_RESET = 1, 3

    def __init__(self, unique, flash):
        self._unique = unique
        self._flash = flash

    def unique_id(self):
        return self._unique

    def reset_cause(self):
        return self.PWRON_RESET

    def reset(self):
        self._flash.note_count()
        die(RESET)


def die(code):
    """End this program at once: at a prompt SystemExit would only end the line."""
    os.system("kill -" + ("USR2" if code == CUT else "USR1") + " $PPID")
    time.sleep(10)


def mount(flash):
    """Have the flash as the only file system, formatted where it is none, as _boot.py does."""
    try:
        root = vfs.VfsLfs2(flash, readsize=32, progsize=256, lookahead=32)
    except OSError:
        vfs.VfsLfs2.mkfs(flash)
        root = vfs.VfsLfs2(flash, readsize=32, progsize=256, lookahead=32)
    vfs.umount("/")
    vfs.mount(root, "/")


try:
    _flash = Flash(sys.argv[1], int(sys.argv[2]), sys.argv[3] == "ro")
    sys.modules["machine"] = Machine(bytes.fromhex(sys.argv[4]), _flash)
    mount(_flash)
    sys.path[:] = ["", ".frozen", "/lib"]
    os.chdir("/")
    # Until here Ctrl-C does nothing: a prompt without the flash would be in the host's own files.
    os.system("stty isig")
except BaseException as _error:
    sys.print_exception(_error)
    die(CUT)
for _name in ("boot.py", "main.py") if sys.argv[5] == "main" else ():
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
