"""Files of the archive belong to the backups that name them: copied once, looked for with them."""

import contextlib

import pytest

from phonehome_cloud import archiving, backups
from phonehome_cloud.errors import StoreRefusedError
from phonehome_cloud.store.database import Database
from tests.cloud.running import settings
from tests.cloud.test_archive import archived, in_files, in_table, receiver
from tests.cloud.test_serving import command
from tests.fakes.bases import base_url
from tests.fakes.store import MASTER

__all__ = ["receiver"]  # the fixture: three old weeks of two devices

pytestmark = pytest.mark.usefixtures("each_database")

A = "safe/a.backup"


@contextlib.contextmanager
def opened(url):
    """A store, as `in_table` takes it."""
    database = Database(url)
    database.open()
    try:
        yield database
    finally:
        database.close()


class Desk:
    """Who makes backups of a store in `folder`, and restores them into another one beside it."""

    def __init__(self, database, folder):
        self._database = database
        self._folder = folder
        self.new = f"sqlite:///{folder / 'new.db'}"
        (folder / "safe").mkdir()

    def back_up(self, name=A, archive="archive"):
        """What it said."""
        said = []
        folder = self._folder / archive if archive else None
        backups.back_up(self._database, self._folder / name, said.append, folder)
        return " ".join(said)

    def restore(self, *, verify=True, archive=None):
        """Into the new store; what it said."""
        said = []
        config = settings(self._folder, STORE_URL=self.new, MASTER_KEY=MASTER.hex())
        folder = self._folder / archive if archive else None
        backups.restore(config, self._folder / A, said.append, verify=verify, archive=folder)
        return " ".join(said)

    def check(self, name=A):
        """Read it from end to end."""
        backups.check(self._folder / name, lambda _: None)


@pytest.fixture
def desk(receiver, tmp_path):
    """Somebody with a receiver whose old weeks are in three files."""
    archived(receiver, tmp_path / "archive")
    return Desk(receiver.database, tmp_path)


async def test_a_backup_brings_the_archive_along(receiver, desk, tmp_path):
    """After the loss of database and archive everything is there again: the restored store and the
    copies together have every message, and the way back works with them.
    """
    before = sorted(in_table(receiver) + in_files(tmp_path / "archive"))
    assert "3 files with 180 messages, 3 of them new" in desk.back_up()
    (tmp_path / "archive").rename(tmp_path / "lost")
    assert "3 files with 180 messages: whole" in desk.restore()
    with opened(desk.new) as database:
        archiving.restore(database, tmp_path / "safe/archive", [], lambda _: None)
        receiver.database, old = database, receiver.database
        assert sorted(in_table(receiver)) == before
        receiver.database = old


async def test_each_file_is_copied_once(desk, tmp_path):
    """The next backup brings only what is new, and what was moved away for room is not missed."""
    desk.back_up()
    copies = tmp_path / "safe/archive"
    kept = {path.name: path.stat().st_mtime_ns for path in copies.iterdir()}
    min((tmp_path / "archive").glob("*.parquet")).unlink()
    assert "3 files with 180 messages, 0 of them new" in desk.back_up("safe/b.backup")
    assert {path.name: path.stat().st_mtime_ns for path in copies.iterdir()} == kept
    for name in (A, "safe/b.backup"):
        desk.check(name)


@pytest.mark.parametrize("harm", ["missing", "damaged"])
async def test_a_restore_that_verifies_misses_a_file_first(desk, tmp_path, harm):
    """Missing or damaged, it is named before anything is written; a folder that has it helps."""
    desk.back_up()
    file = min((tmp_path / "safe/archive").glob("*.parquet"))
    if harm == "missing":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:-1] + b"x")
    for reading in (desk.check, desk.restore):
        with pytest.raises(StoreRefusedError, match=f"{file.name} is {harm}"):
            reading()
    assert not (tmp_path / "new.db").exists()
    assert "verified" in desk.restore(archive="archive")


async def test_who_does_not_verify_is_reminded(desk):
    """In an emergency the database comes first; what it needs beside itself is said."""
    assert "180 messages are in the archive and not in it" in desk.back_up(archive=None)
    assert "180 messages are in the archive and not in it" in desk.restore(verify=False)


async def test_a_damaged_archive_makes_no_backup(desk, tmp_path):
    """Who asked for the files gets all of them or an error, never a backup that lacks one; nor are
    the files themselves their own copies.
    """
    with pytest.raises(StoreRefusedError, match="somewhere else"):
        desk.back_up("a.backup")
    file = min((tmp_path / "archive").glob("*.parquet"))
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    with pytest.raises(StoreRefusedError, match=f"{file.name} is damaged"):
        desk.back_up()
    assert not (tmp_path / A).exists()
    assert not (tmp_path / "a.backup").exists()


async def test_the_commands_take_the_folder(receiver, desk, tmp_path):
    """As an operator says it, from the store to the new one."""
    url = base_url(tmp_path, "phonehome.db")
    words = ("backup", "--archive", "archive", A)
    code, said, errors = await command(tmp_path, *words, STORE_URL=url)
    assert (code, "3 of them new" in said) == (0, True), errors
    (tmp_path / "safe/archive").rename(tmp_path / "tapes")
    more = {"STORE_URL": desk.new, "MASTER_KEY": MASTER.hex()}
    words = ("restore", "--verify", "--archive", "tapes", A)
    code, said, errors = await command(tmp_path, *words, **more)
    assert (code, "whole" in said, "verified" in said) == (0, True, True), errors


async def test_a_restored_store_overwrites_no_file_of_the_time_after_its_backup(
    receiver, tmp_path
):
    """A run that knows nothing of a file, whose week has more than the table, takes a new name."""
    folder = tmp_path / "archive"
    desk = Desk(receiver.database, tmp_path)
    desk.back_up(archive=None)
    archived(receiver, folder)
    before = in_files(folder)
    desk.restore()
    with opened(desk.new) as database, database.engine.begin() as connection:
        first = "SELECT min(received_at) FROM message"
        connection.exec_driver_sql(f"DELETE FROM message WHERE received_at = ({first})")
    with opened(desk.new) as database:
        archiving.archive(database, folder, 30, lambda _: None)
    assert set(before) <= set(in_files(folder))
    assert sum(path.name.endswith("-2.parquet") for path in folder.iterdir()) == 1
