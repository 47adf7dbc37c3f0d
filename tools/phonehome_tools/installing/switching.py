"""The switch from the old files to the new ones: one rename, and an archive any boot can unpack.

Everything that is new travels in one archive, NEW: a third of the bytes, and of the blocks that
so many small files take, so that a Pico W has room for it beside what it runs. Renamed to TODO it
counts: main.py, which is ours, unpacks TODO before it imports anything, and each step can be done
twice, so a boot after a power cut begins from the top. Where main.py is not ours yet, nobody reads
TODO until ours is renamed into its place, and that is the switch.

    archive = zlib of entries; entry = SIZE PATH LF bytes; SIZE -1 removes, -2 makes a folder
"""

import zlib
from collections.abc import Collection, Mapping
from typing import Final

TODO: Final = "/phonehome.push"
# Files are renamed in their own folder and to a neighbour of their name. Of a rename from one
# metadata pair of littlefs to another a power cut left a board that did not see another file of
# the folder, the archive, until it next wrote something.
SUFFIX: Final = ".new"
NEW: Final = TODO + SUFFIX
MAIN_PATH: Final = "/main.py"
MAIN_NEW: Final = MAIN_PATH + SUFFIX
# main.py with another first line is somebody else's.
MARK: Final = "# main.py by phonehome push"
REMOVE, FOLDER = -1, -2
# A window of 4 KB, which a board has to spare for a moment.
_WINDOW_BITS: Final = 12

FINISH: Final = f"""\
import os


def finish(todo):
    try:
        file = open(todo, "rb")
    except OSError:
        return
    import deflate

    with file:
        archive = deflate.DeflateIO(file, deflate.ZLIB)
        piece = memoryview(bytearray(512))
        while True:
            line = archive.readline()
            if not line:
                break
            size, path = line.decode().split()
            unpack(archive, int(size), path, piece)
    os.remove(todo)


def unpack(archive, left, path, piece):
    if left < 0:
        try:
            (os.remove if left == {REMOVE} else os.mkdir)(path)
        except OSError as error:
            if error.errno not in (2, 17):  # this step was done before the power went
                raise
        return
    with open(path + "{SUFFIX}", "wb") as file:
        while left:
            size = archive.readinto(piece[: min(left, 512)])
            if not size:
                raise OSError(5)
            file.write(piece[:size])
            left -= size
    os.rename(path + "{SUFFIX}", path)
"""

MAIN: Final = f"""\
{MARK}: finishes one that was cut short, then runs app.
{FINISH}

finish("{TODO}")

import phonehome

phonehome.start("app", "phonehome.json", "product.ph")
"""

_SWITCH: Final = """
os.rename({new!r}, {todo!r})
if {is_foreign}:
    os.rename({main_new!r}, {main!r})
finish({todo!r})
"""


def pack(
    files: Mapping[str, bytes], removals: Collection[str] = (), folders: Collection[str] = ()
) -> bytes:
    """The archive: what goes away first, to make room; main.py last."""
    ordered = sorted(files.items(), key=lambda item: (item[0] == MAIN_PATH, item[0]))
    entries = [
        *(_entry(REMOVE, path) for path in sorted(removals)),
        *(_entry(FOLDER, path) for path in sorted(folders)),
        *(_entry(len(data), path) + data for path, data in ordered),
    ]
    packing = zlib.compressobj(9, zlib.DEFLATED, _WINDOW_BITS)
    return packing.compress(b"".join(entries)) + packing.flush()


def switch_script(is_foreign: bool) -> str:
    """The script that switches; `is_foreign`: main.py on the board is not ours."""
    return FINISH + _SWITCH.format(
        new=NEW, todo=TODO, is_foreign=is_foreign, main_new=MAIN_NEW, main=MAIN_PATH
    )


def finish_script() -> str:
    """The script that unpacks what counts already, as main.py does at a boot."""
    return f"{FINISH}\nfinish({TODO!r})\n"


def _entry(size: int, path: str) -> bytes:
    return f"{size} {path}\n".encode()
