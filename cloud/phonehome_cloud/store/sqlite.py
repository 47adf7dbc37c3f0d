"""SQLite in one file: checked before it is touched, synced at each commit."""

import os
import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.pool import QueuePool

from phonehome_cloud.errors import StoreRefusedError

from .columns import from_json, to_json

BUSY_TIMEOUT_MS = 5000
# The kernel has the file in its cache anyway: with 2, 4, 6, 8 or 32 MiB a report costs the same.
# The digest takes 1 us a record more than with 8 (of 71), 3 with 2. Each connection may fill it.
CACHE_KIB = 4 * 1024
# Pages in the log before they go to their places: devices in any order write the same index pages
# again and again. A report costs 4 us less than with SQLite's 1000; the log has up to 32 MB.
CHECKPOINT_PAGES = 8000

_HEADER = b"SQLite format 3\x00"
_DAMAGED = frozenset((sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB))


def make_engine(url: URL, connections: int) -> Engine:
    """An engine whose every connection is durable and patient."""
    engine = create_engine(
        url,
        json_serializer=to_json,
        json_deserializer=from_json,
        poolclass=QueuePool,
        pool_size=connections,
        connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT_MS / 1000},
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def check_file(path: Path) -> None:
    """StoreRefusedError for a damaged database file, which is only read."""
    if not path.exists() or path.stat().st_size == 0:
        return
    with path.open("rb") as file:
        head = file.read(len(_HEADER))
    problem = _find_damage(path) if head == _HEADER else "its header is not SQLite's"
    if problem:
        raise StoreRefusedError(
            f"{path} is damaged ({problem}); nothing was changed. "
            "Restore a backup, or move the file away to start empty."
        )


def check_folder(folder: Path) -> None:
    """StoreRefusedError when SQLite could not write in the folder of its file."""
    if not os.access(folder, os.W_OK):
        raise StoreRefusedError(
            f"{folder} cannot be written to: is it read-only, or somebody else's?"
        )


def is_damage(error: BaseException | None) -> bool:
    """Whether an error of the driver says that the file is no longer a database."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _DAMAGED


def _find_damage(path: Path) -> str | None:
    """The first thing SQLite's own check finds wrong in a file, or None."""
    # Nobody has the file open when there is no log beside it; "immutable" then makes none.
    has_log = path.with_name(path.name + "-wal").exists()
    how = "mode=ro" if has_log else "immutable=1"
    connection = sqlite3.connect(f"file:{quote(str(path.resolve()))}?{how}", uri=True)
    try:
        answer: str = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.DatabaseError as error:
        return str(error)
    finally:
        connection.close()
    return None if answer == "ok" else " ".join(answer.split())


def _prepare(connection: Any, _record: object) -> None:
    """Durable, checked, patient: an ack may only follow a commit that is on the disk."""
    connection.isolation_level = None  # we say BEGIN ourselves
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        f"cache_size=-{CACHE_KIB}",
        f"wal_autocheckpoint={CHECKPOINT_PAGES}",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: Connection) -> None:
    """Take the write lock at once, so that no transaction fails half way; readers take none."""
    reads = connection.get_execution_options().get("phonehome_read", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
