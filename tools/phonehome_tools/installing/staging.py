"""An archive of what is new beside the old files, checked by reading it back, then the switch.

Until the switch the board boots what it had. What an installation that was cut short has sent is
not sent again.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final

from phonehome_tools.cable.board import Board
from phonehome_tools.cable.errors import CableError, RefusedError, ScriptError
from phonehome_tools.cable.files import (
    Stored,
    append_file,
    digest,
    read_file,
    read_hashes,
    read_space,
    read_stored,
    send_files,
)
from phonehome_tools.installing.bundle import APP_PATHS, OWNED, Bundle
from phonehome_tools.installing.switching import (
    MAIN_NEW,
    MAIN_PATH,
    MARK,
    NEW,
    TODO,
    finish_script,
    pack,
    switch_script,
)

# A whole agent is 120 files, each some commits of littlefs, some of them an erase.
_SWITCH_S: Final = 240.0
# A file that is replaced is there twice for a moment, and the agent wants to write its records.
_SPARE_BLOCKS: Final = 8
_FOLDER_BLOCKS: Final = 2
# A file of an eighth of a block or less is part of its folder, which is two blocks and is split
# where it is half full; its entry has a name and some words.
_INLINE_PART: Final = 8
_FOLDER_COST: Final = 4
_ENTRY_BYTES: Final = 64
_ENOSPC, _EROFS = 28, 30
_FORGET: Final = """
import os
for p in {paths!r}:
    try:
        os.remove(p)
    except OSError:
        pass
"""


@dataclass(frozen=True)
class Plan:
    """What differs: files to copy by path, how many are as they should be, what goes away.

    `archive` is what travels, of which the board has `waiting` bytes; `growth` is how many blocks
    more the new files take than the old ones.
    """

    copied: Mapping[str, bytes]
    unchanged: int
    removed: tuple[str, ...]
    is_main_ours: bool
    archive: bytes
    waiting: int
    growth: int

    @property
    def is_empty(self) -> bool:
        """Whether the board has everything."""
        return not self.copied and not self.removed

    @property
    def size(self) -> int:
        """Bytes to be sent."""
        return 0 if self.is_empty else len(self.archive) - self.waiting


def look(board: Board, bundle: Bundle, may_replace: bool = False) -> Plan:
    """Compare a board with a bundle; a switch that was cut short is finished first.

    RefusedError when main.py is somebody else's, unless it may be replaced; CableError when the
    board has no application and none comes.
    """
    is_ours = _is_main_ours(board, may_replace)
    _finish_earlier(board, is_ours)
    there = read_stored(board, [*OWNED, *bundle.files, *APP_PATHS, NEW])
    if not bundle.has_app and not any(path in there for path in APP_PATHS):
        raise CableError(f"{board.name}: there is no application yet", "give --app FILE")
    copied = {
        path: data
        for path, data in bundle.files.items()
        if path not in there or there[path].digest != digest(data)
    }
    stale = {path for path in there if path.startswith(tuple(f"{room}/" for room in OWNED))}
    removed = tuple(sorted((stale | set(bundle.replaced)) & set(there) - set(bundle.files)))
    folders = _folders_of(copied) - _folders_of(there)
    archive = pack(
        {path: data for path, data in copied.items() if is_ours or path != MAIN_PATH},
        removed,
        folders,
    )
    return Plan(
        copied=copied,
        unchanged=len(bundle.files) - len(copied),
        removed=removed,
        is_main_ours=is_ours,
        archive=archive,
        waiting=_bytes_waiting(there.get(NEW), archive),
        growth=_growth(board, copied, removed, there) + _FOLDER_BLOCKS * len(folders),
    )


def install(board: Board, plan: Plan, progress: Callable[[int], None], size: int) -> None:
    """Send in pieces of `size` bytes, check, switch, and check again; CableError.

    When the flash is full everything that was sent goes away again.
    """
    if plan.is_empty:
        return
    _expect_space(board, plan)
    try:
        stage(board, plan, progress, size)
    except ScriptError as error:
        raise _cannot_write(board, error) from error
    try:
        board.run(switch_script(is_foreign=not plan.is_main_ours), _SWITCH_S)
    except ScriptError as error:
        text = f"{board.name}: everything is on the board, but unpacking ended: {error}"
        raise CableError(text, "the next boot goes on with it; push again") from error
    _verify(board, plan.copied)


def stage(board: Board, plan: Plan, progress: Callable[[int], None], size: int) -> None:
    """Send the archive, or what is missing of it, and read it back."""
    if not plan.waiting:
        forget(board, NEW)
    append_file(board, NEW, plan.archive[plan.waiting :], progress, size)
    staged = {NEW: plan.archive}
    if not plan.is_main_ours:
        main = plan.copied[MAIN_PATH]
        send_files(board, {MAIN_NEW: main})
        staged[MAIN_NEW] = main
    _verify(board, staged)


def forget(board: Board, *paths: str) -> None:
    """Remove files that may be there."""
    board.run(_FORGET.format(paths=paths))


def _folders_of(paths: Collection[str]) -> set[str]:
    """Every folder above these files, but the root."""
    found = set()
    for path in paths:
        parts = path.split("/")[1:-1]
        found |= {"/" + "/".join(parts[: depth + 1]) for depth in range(len(parts))}
    return found


def _bytes_waiting(stored: Stored | None, archive: bytes) -> int:
    """How much of the archive an earlier try has left on the board."""
    if stored is None or stored.size > len(archive):
        return 0
    return stored.size if stored.digest == digest(archive[: stored.size]) else 0


def _growth(
    board: Board,
    copied: Mapping[str, bytes],
    removed: Collection[str],
    there: Mapping[str, Stored],
) -> int:
    """Blocks that the new files take more than the old ones."""
    block, _, _ = read_space(board)
    gone = [*removed, *(path for path in copied if path in there)]
    new = _blocks([len(data) for data in copied.values()], block)
    return max(new - _blocks([there[path].size for path in gone], block), 0)


def _blocks(sizes: Collection[int], block: int) -> int:
    """Blocks of these files in littlefs, rather too many: small ones lie in their folder's."""
    small = [size for size in sizes if size <= block // _INLINE_PART]
    large = sum(-(-size // block) for size in sizes if size > block // _INLINE_PART)
    return large - (-_FOLDER_COST * sum(size + _ENTRY_BYTES for size in small) // block)


def _is_main_ours(board: Board, may_replace: bool) -> bool:
    main = read_file(board, MAIN_PATH)
    if main is not None and main.startswith(MARK.encode()):
        return True
    if main is not None and main.strip() and not may_replace:
        raise RefusedError(
            f"{board.name}: {MAIN_PATH} was not made by phonehome push and would be replaced",
            "move what it does into FILE of --app FILE, and push with --replace",
        )
    return False


def _finish_earlier(board: Board, is_main_ours: bool) -> None:
    """End a switch that was cut short, or forget one that never was one."""
    if is_main_ours:
        board.run(finish_script(), _SWITCH_S)
    else:
        forget(board, TODO)


_MAKE_ROOM: Final = "remove files of your own, or choose fewer --parts"


def _expect_space(board: Board, plan: Plan) -> None:
    block, _, free = read_space(board)
    wanted = _SPARE_BLOCKS + plan.growth - (-plan.size // block)
    if wanted > free:
        forget(board, NEW)
        raise CableError(
            f"{board.name}: the flash is full: {wanted * block // 1024} KB are wanted beside what "
            f"is there, {free * block // 1024} KB are free; nothing was changed",
            _MAKE_ROOM,
        )


def _cannot_write(board: Board, error: ScriptError) -> CableError:
    if error.errno == _EROFS:
        return CableError(
            f"{board.name}: the flash is read-only; nothing was changed",
            "look for a mount in boot.py, or format the file system",
        )
    if error.errno == _ENOSPC:
        forget(board, NEW, MAIN_NEW)
        return CableError(
            f"{board.name}: the flash is full; what was sent is removed again, nothing changed",
            _MAKE_ROOM,
        )
    return error


def _verify(board: Board, files: Mapping[str, bytes]) -> None:
    there = read_hashes(board, files)
    wrong = sorted(path for path, data in files.items() if there.get(path) != digest(data))
    if wrong:
        raise CableError(
            f"{board.name}: {wrong[0]} and {len(wrong) - 1} more read back wrong",
            "push again; when that does not help the flash is worn out",
        )
