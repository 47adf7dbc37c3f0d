"""What enrollment and rotation are proven with: the receiver's books, and the files of a board."""

import asyncio
import contextlib
import sqlite3

from phonehome_cloud.store import rotation
from phonehome_cloud.store.database import Database
from phonehome_cloud.store.keys import key_binding
from phonehome_cloud.store.masters import FileKeyring
from phonehome_cloud.store.vault import Vault
from phonehome_wire import registry
from tests.fakes.board import DEVICE

WITHIN_S = 60


class Books:
    """What the receiver has in its database."""

    def __init__(self, receiver) -> None:
        self._file = receiver.folder / "receiver.db"
        self._vault = Vault(FileKeyring(receiver.folder / "master.key", is_made=True))

    def keys(self) -> dict[int, tuple[str, bytes]]:
        """State and key of the device, by epoch."""
        query = "SELECT epoch, state, sealed, master FROM device_key"
        return {
            epoch: (state, self._vault.open(key_binding(DEVICE.hex(), epoch), sealed, master))
            for epoch, state, sealed, master in self._rows(query)
        }

    def rotation(self) -> rotation.Rotation | None:
        """What a device under epoch 1 is to be told."""
        database = Database(f"sqlite:///{self._file}")
        database.open()
        try:
            return database.write_now(rotation.find_rotation, self._vault, DEVICE.hex(), 1)
        finally:
            database.close()

    def lose_key(self, epoch: int) -> None:
        """What a backup from before it does."""
        with contextlib.closing(sqlite3.connect(self._file)) as connection:
            connection.execute("DELETE FROM device_key WHERE epoch = ?", (epoch,))
            connection.commit()

    def session(self) -> tuple[str, int]:
        """Incarnation and boot of the newest session."""
        query = "SELECT inc, boot FROM session WHERE newest ORDER BY inc_seen_at DESC"
        return self._rows(query)[0]

    def confirmed(self) -> list[tuple[int, int]]:
        """(boot, uptime) of each fault record; an id is there once, as it is the primary key."""
        query = f"SELECT boot, ms FROM record WHERE rtype = {registry.RTYPE_FAULT}"
        return self._rows(query)

    def states(self) -> dict[int, str]:
        """The state of each key."""
        return {epoch: state for epoch, (state, _) in self.keys().items()}

    def uses(self) -> int:
        """How often the claim was used."""
        return self._rows("SELECT used FROM claim")[0][0]

    def _rows(self, query: str) -> list:
        with contextlib.closing(sqlite3.connect(self._file)) as connection:
            return connection.execute(query).fetchall()


def key_files(board) -> tuple[bytes, bytes, bool]:
    """ACTIVE, NEXT, and whether a nonce is left."""
    folder = board.flow.parent
    names = ("key", "key.next")
    files = [(folder / name).read_bytes() if (folder / name).exists() else b"" for name in names]
    return files[0], files[1], (folder / "key.nonce").exists()


async def call(receiver, method, path, **request):
    """One call of the desk API."""
    async with receiver.desk() as desk:
        return await desk._call(method, f"/api/v1{path}", **request)


async def until(predicate):
    """Look again until it is true."""
    async with asyncio.timeout(WITHIN_S):
        while not predicate():  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.05)


async def restart(board):
    """A power cut and a new boot."""
    await board.kill()
    await board.start()


async def prove_records(board, books):
    """Every transition that the board told is stored, each under one id."""
    board.break_flow()
    await until(lambda: told_by(board))
    await until(lambda: told_by(board) <= set(books.confirmed()))
    stored = books.confirmed()
    assert len(stored) == len(set(stored))


def told_by(board) -> set[tuple[int, int]]:
    """(boot, uptime) of each transition."""
    told, boot = set(), 0
    for event in board.events:
        if event["event"] == "boot":
            boot = event["boot"]
        elif event["event"] == "transition":
            told.add((boot, event["uptime_ms"]))
    return told
