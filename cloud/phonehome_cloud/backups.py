"""`backup` and `restore`: the whole store in one file, and back into an empty one."""

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

from sqlalchemy import Connection, make_url, select

from . import archive_files, migrations
from .clock import now_ms
from .config import Config
from .errors import StoreRefusedError
from .mastering import given_keyring
from .store import snapshots
from .store.columns import metadata
from .store.database import Database
from .store.resealing import check_masters, needs_master
from .store.snapshots import Content
from .store.vault import Vault

Say = Callable[[str], None]


def back_up(database: Database, path: Path, say: Say, archive: Path | None = None) -> None:
    """Write an open database at this version's schema to a new file, while receivers go on.

    The archive's files that it names are copied from the folder `archive` to one beside it before
    it has its name. Killed at any moment, there is no file of that name. Raises StoreRefusedError,
    OSError.
    """
    with snapshots.begun(path) as partial:
        if database.is_sqlite:
            snapshots.copy_file(Path(database.url.database or ""), partial)
        else:
            with database.engine.connect() as connection:
                snapshots.copy_rows(_at_one_moment(connection), partial)
        about = {
            "made_at": str(now_ms()),
            "store": database.url.get_backend_name(),
            "version": version("phonehome"),
        }
        found = snapshots.write_manifest(partial, about)
        entries = archive_files.named_in(partial)
        if archive is not None:
            archive_files.copy(entries, archive, _beside(path), say)
    if archive is None:
        archive_files.remind(entries, say)
    say(f"{path}: {_total(found)}; the master key is not in it")


def check(path: Path, say: Say, archive: Path | None = None) -> None:
    """Read a backup from end to end, and the files that it names in the folder `archive` or else
    beside it; StoreRefusedError unless all of it is what it was.
    """
    about, found = snapshots.check_backup(path)
    archive_files.check(archive_files.named_in(path), archive or _beside(path), say)
    say(f"{path}: {_total(found)}, schema {about['revision']}, made by {about['version']}: whole")


def restore(
    config: Config, path: Path, say: Say, *, verify: bool, archive: Path | None = None
) -> None:
    """Fill the empty store of the settings from a backup, which is checked first.

    `verify` looks for the archive's files, too, as `check` does, and compares every table with the
    backup afterwards. StoreRefusedError when the store is
    not empty, the backup is damaged or newer, or its master key is missing: nothing is written.
    """
    about, _ = snapshots.check_backup(path)
    migrations.check_known(about["revision"])
    entries = archive_files.named_in(path)
    if verify:
        archive_files.check(entries, archive or _beside(path), say)
    with tempfile.TemporaryDirectory(prefix="phonehome-restore-") as folder:
        copy = Path(folder) / "backup.db"
        wanted = _copy_upgraded(config, path, copy)
        store = make_url(config.store.url)
        if store.get_backend_name() == "sqlite":
            _restore_file(copy, Path(store.database or ""))
        else:
            _restore_rows(copy, config.store.url)
    say(f"restored {_total(wanted)} into {store.render_as_string()}")
    if verify:
        _compare(config, wanted)
        say("verified: every table has the rows of the backup")
    else:
        archive_files.remind(entries, say)


def _copy_upgraded(config: Config, path: Path, copy: Path) -> dict[str, Content]:
    """Make a plain database of a backup at this version's schema, which its master key opens."""
    shutil.copyfile(path, copy)
    copy.chmod(0o600)
    snapshots.strip_manifest(copy)
    with _opened(f"sqlite:///{copy}") as database:
        migrations.prepare(database)
        if database.write_now(needs_master):
            with _opened(config.store.url, is_touched=False) as target:
                ring = given_keyring(config, target)
            database.write_now(check_masters, Vault(ring))
        return database.write_now(snapshots.sum_tables)


def _restore_file(copy: Path, target: Path) -> None:
    """A file of its own, beside which nothing of an older database is left."""
    for beside in (target.with_name(target.name + end) for end in ("-wal", "-shm", "-journal")):
        if beside.exists() and not target.exists():
            raise StoreRefusedError(f"{beside} belongs to another database: move it away")
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with snapshots.begun(target) as partial:
        snapshots.copy_file(copy, partial)


def _restore_rows(copy: Path, url: str) -> None:
    """All of it in one transaction: killed half way, the tables are as empty as before."""
    with _opened(url) as database, _opened(f"sqlite:///{copy}") as source:
        migrations.upgrade(database)
        with source.engine.connect() as rows:
            database.write_now(_fill, rows)


def _fill(connection: Connection, rows: Connection) -> None:
    tables = metadata.sorted_tables
    full = [t.name for t in tables if connection.execute(select(t).limit(1)).first()]
    if full:
        raise StoreRefusedError(
            f"the database is not empty ({', '.join(full)}); nothing was changed. "
            "Restore into a new one, then point store.url at it."
        )
    snapshots.transfer(rows, connection)


def _compare(config: Config, wanted: dict[str, Content]) -> None:
    with _opened(config.store.url) as database:
        found = database.write_now(snapshots.sum_tables)
    if found != wanted:
        raise StoreRefusedError(f"it was not restored: {snapshots.difference(wanted, found)}")


@contextlib.contextmanager
def _opened(url: str, *, is_touched: bool = True) -> Iterator[Database]:
    database = Database(url)
    try:
        if is_touched:
            database.open()
        yield database
    finally:
        database.close()


def _beside(path: Path) -> Path:
    return path.parent / archive_files.BESIDE


def _at_one_moment(connection: Connection) -> Connection:
    return connection.execution_options(isolation_level="REPEATABLE READ")


def _total(found: dict[str, Content]) -> str:
    rows = sum(content.rows for content in found.values())
    return f"{rows} rows in {len(found)} tables"
