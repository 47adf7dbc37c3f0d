"""`archive`: raw messages that are old, week by week into Parquet files, and back.

The order of steps makes a kill harmless: file, manifest, the row that says that the file owns its
messages, then their deletion from the table by the keys in the file. Before the row a file counts
for nothing and is written anew; after it the deletion is finished by the next run.
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from .clock import now_ms
from .errors import ConflictError, NotFoundError, StoreRefusedError
from .store import archives, parquet
from .store.archives import Entry
from .store.database import Database
from .store.dialects import hold_turn
from .store.partitions import drop_partition

Say = Callable[[str], None]

DAY_MS = 86_400_000


@dataclass(frozen=True)
class Manifest:
    """What is said about a file beside it: enough to check it and to find a message."""

    file: str
    sha256: str
    rows: int
    devices: int
    week_at: int
    received_from: int
    received_to: int
    made_at: int


@dataclass
class _Counts:
    """What a week has, counted as it is written."""

    devices: int = 0
    received_from: int = 0
    received_to: int = 0
    _last: str = ""

    def pass_on(self, batches: Iterator[Sequence[Any]]) -> Iterator[Sequence[Any]]:
        """The batches, which are ordered by device."""
        for rows in batches:
            for row in rows:
                self.devices += row.device != self._last
                self._last = row.device
            times = [row.received_at for row in rows]
            self.received_from = min(self.received_from or times[0], *times)
            self.received_to = max(self.received_to, *times)
            yield rows


def archive(database: Database, folder: Path, days: int, say: Say) -> None:
    """Move every whole week that ended `days` ago into a file of `folder`.

    Raises ConflictError while another run does, StoreRefusedError for a file that is damaged.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _alone(database, folder):
        for entry in database.write_now(archives.load_uncleared):
            _clear(database, folder, entry, say)
        for week_at in database.write_now(archives.load_weeks, now_ms() - days * DAY_MS):
            entry = _write(database, folder, week_at)
            database.write_now(archives.book, entry)
            _clear(database, folder, entry, say)


def check(folder: Path, say: Say) -> None:
    """Read every file of an archive against its manifest; StoreRefusedError for the first bad."""
    paths = sorted(folder.glob("messages-*.json"))
    if not paths:
        say(f"{folder}: no file of an archive")
    for path in paths:
        manifest = read_manifest(path)
        file = folder / manifest.file
        expect_whole(file, manifest.sha256)
        rows = sum(len(batch) for batch in parquet.read_file(file))
        if rows != manifest.rows:
            raise StoreRefusedError(f"{file} has {rows} messages, its manifest {manifest.rows}")
        say(f"{file}: {rows} messages of {manifest.devices} devices: whole")


def restore(database: Database, folder: Path, files: Sequence[str], say: Say) -> None:
    """Put the messages of these files back; all files of the folder when none is named.

    A file that is back in whole gets `.restored` behind its name: the table owns its messages.
    """
    names = files or sorted(path.name for path in folder.glob("messages-*.parquet"))
    with _alone(database, folder):
        for name in names:
            _restore(database, folder, Path(name).name, say)


def read_manifest(path: Path) -> Manifest:
    """What is said about a file; StoreRefusedError when that is no manifest."""
    try:
        return Manifest(**json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        raise NotFoundError(f"{path} is missing: a file of an archive is kept with it") from None
    except (ValueError, TypeError) as error:
        raise StoreRefusedError(f"{path} is no manifest: {error}") from None


def expect_whole(file: Path, sha256: str) -> None:
    """StoreRefusedError unless a file is there and is what was written."""
    if not file.exists():
        raise StoreRefusedError(f"{file} is missing, and messages are in it alone; bring it back")
    if parquet.hash_file(file) != sha256:
        raise StoreRefusedError(f"{file} is damaged: bring back a copy; nothing was changed")


def _write(database: Database, folder: Path, week_at: int) -> Entry:
    """One week as of this moment in a file with its manifest, both synced."""
    week = f"{datetime.fromtimestamp(week_at / 1000, UTC):%Y%m%d}"
    name = database.read_now(_free_name, folder, week, week_at)
    path, partial, counts = folder / name, folder / (name + ".part"), _Counts()
    rows = database.read_now(_write_rows, partial, week_at, counts)
    partial.replace(path)
    entry = Entry(name, week_at, rows, parquet.hash_file(path), now_ms())
    about = Manifest(
        *(name, entry.sha256, rows, counts.devices, week_at),
        *(counts.received_from, counts.received_to, entry.made_at),
    )
    _write_manifest(folder, about)
    return entry


def _free_name(connection: Connection, folder: Path, week: str, week_at: int) -> str:
    """A name that nothing of value has: a file that a killed run left has nothing that the table
    has not, one from after the backup that this store was restored from may have.
    """
    number = archives.last_number(connection, week_at)
    while True:
        number += 1
        name = f"messages-{week}-{number}.parquet"
        if not (folder / name).exists() or _is_in_table(connection, folder / name):
            return name


def _is_in_table(connection: Connection, file: Path) -> bool:
    return all(archives.has_all(connection, rows) for rows in parquet.read_file(file))


def _write_rows(connection: Connection, path: Path, week_at: int, counts: _Counts) -> int:
    return parquet.write_file(path, counts.pass_on(archives.stream_week(connection, week_at)))


def _write_manifest(folder: Path, about: Manifest) -> None:
    path = (folder / about.file).with_suffix(".json")
    partial = path.with_suffix(".part")
    partial.write_text(json.dumps(asdict(about), indent=1) + "\n")
    parquet.sync(partial)
    partial.replace(path)
    parquet.sync(folder)


def _clear(database: Database, folder: Path, entry: Entry, say: Say) -> None:
    """Delete from the table what is in a file."""
    file = folder / entry.file
    expect_whole(file, entry.sha256)
    for rows in parquet.read_file(file):
        database.write_now(archives.clear, rows)
    database.write_now(archives.mark_cleared, entry.file, now_ms())
    database.write_now(drop_partition, entry.week_at)
    say(f"{file}: {entry.rows} messages")


def _restore(database: Database, folder: Path, name: str, say: Say) -> None:
    file = folder / name
    manifest = read_manifest(file.with_suffix(".json"))
    expect_whole(file, manifest.sha256)
    # Killed in the middle, the next archive run takes out again what came back.
    database.write_now(archives.mark_cleared, name, None)
    try:
        back = sum(database.write_now(archives.put_back, rows) for rows in parquet.read_file(file))
    except IntegrityError as error:
        fix = "restore the backup that knows them first"
        raise StoreRefusedError(f"{file} has devices that this store has not; {fix}") from error
    database.write_now(archives.forget, name)
    for path in (file, file.with_suffix(".json")):
        path.rename(path.with_name(path.name + ".restored"))
    say(f"{file}: {back} of {manifest.rows} messages came back")


@contextlib.contextmanager
def _alone(database: Database, folder: Path) -> Iterator[None]:
    """No other run on this folder or this database; ConflictError when there is one."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with database.engine.connect() as connection, hold_turn(connection, "archive"):
            yield
    except BlockingIOError:
        raise ConflictError(f"{folder} is being archived to by another process") from None
    finally:
        os.close(descriptor)
