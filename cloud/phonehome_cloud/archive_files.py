"""The archive's files that a backup names: copied beside it once, and looked for with it.

A file never changes once it is named, so one folder of copies serves all backups beside it, and
each copies only what is new. Its hash is in the backup's own rows.
"""

import contextlib
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from .archiving import Say, expect_whole
from .errors import StoreRefusedError
from .store import parquet, snapshots
from .store.archives import Entry

BESIDE: Final = "archive"  # the folder of copies, beside the backups


def named_in(backup: Path) -> list[Entry]:
    """The files that a backup names; none for one of a version that had no archive."""
    columns = ", ".join(Entry.__slots__)
    with contextlib.closing(snapshots.opened(backup)) as connection:
        known = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'archive'"
        if connection.execute(known).fetchone() is None:
            return []
        query = f"SELECT {columns} FROM archive ORDER BY file"  # noqa: S608 - names of ours
        return [Entry(*row) for row in connection.execute(query)]


def copy(entries: Sequence[Entry], source: Path, target: Path, say: Say) -> None:
    """Bring every file and its manifest into a folder; StoreRefusedError for one that is missing
    or damaged. Killed in between, what is there is whole, and the next run goes on.
    """
    if source.resolve() == target.resolve():
        raise StoreRefusedError(
            f"{target} would be a copy of itself: write the backup somewhere else"
        )
    target.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = [entry for entry in entries if not _is_copied(entry, source, target)]
    for entry in new:
        expect_whole(source / entry.file, entry.sha256)
        _copy_one(source, target, str(Path(entry.file).with_suffix(".json")))
        _copy_one(source, target, entry.file)
        expect_whole(target / entry.file, entry.sha256)
    parquet.sync(target)
    say(f"{target}: {_total(entries)}, {len(new)} of them new")


def check(entries: Sequence[Entry], folder: Path, say: Say) -> None:
    """Read every file in a folder against the backup; StoreRefusedError for the first bad one."""
    for entry in entries:
        file = folder / entry.file
        if not file.exists():
            raise StoreRefusedError(
                f"{file} is missing, and {entry.rows} messages of this backup are in it alone; "
                "name the folder that has it by --archive"
            )
        expect_whole(file, entry.sha256)
    if entries:
        say(f"{folder}: {_total(entries)}: whole")


def remind(entries: Sequence[Entry], say: Say) -> None:
    """Say what a backup needs beside itself."""
    if entries:
        say(f"{_total(entries)} are in the archive and not in it: see --archive")


def _is_copied(entry: Entry, source: Path, target: Path) -> bool:
    """By its size: reading years of messages for each backup would take longer than the backup."""
    there, here = target / entry.file, source / entry.file
    return there.exists() and (not here.exists() or _size(there) == _size(here))


def _size(path: Path) -> int:
    return path.stat().st_size


def _copy_one(source: Path, target: Path, name: str) -> None:
    partial = target / (name + ".part")
    try:
        shutil.copyfile(source / name, partial)
    except FileNotFoundError:
        raise StoreRefusedError(f"{source / name} is missing; bring it back") from None
    parquet.sync(partial)
    partial.replace(target / name)


def _total(entries: Sequence[Entry]) -> str:
    return f"{len(entries)} files with {sum(entry.rows for entry in entries)} messages"
