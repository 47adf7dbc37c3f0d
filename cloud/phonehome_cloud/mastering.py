"""The master key for the receiver, and the commands that replace it."""

import secrets
import time
from collections.abc import Callable
from pathlib import Path

from .config import Config
from .errors import ConfigError, StoreRefusedError, StoreUnavailableError
from .store.database import Database
from .store.masters import (
    MASTER_BYTES,
    FileKeyring,
    FixedKeyring,
    Keyring,
    master_id,
    parse_masters,
    write_masters,
)
from .store.resealing import check_masters, count_masters, reseal, unused
from .store.vault import UNNAMED, Vault

Say = Callable[[str], None]

# Younger keys are not everywhere yet: a receiver may be about to seal under the one before.
_SETTLED_S = 60.0
_PATIENCE_S = 60.0
_PAUSE_S = 0.2


def open_keyring(config: Config, database: Database) -> Keyring:
    """The master keys of the settings, or of their file.

    The file is made at the first start, but only beside an SQLite database: where several
    receivers share one, each would make its own. Raises ConfigError and StoreRefusedError.
    """
    path = _key_file(config, database)
    if config.keys.master is not None or not database.is_sqlite or path.exists():
        return given_keyring(config, database)
    return FileKeyring(path, is_made=True)


def given_keyring(config: Config, database: Database) -> Keyring:
    """The master keys that are there; ConfigError when there are none."""
    if config.keys.master is not None:
        return FixedKeyring(*parse_masters(config.keys.master.reveal().split(",")))
    path = _key_file(config, database)
    if not path.exists():
        fix = "restore it, or make one by `keys rotate` and give it to every receiver"
        raise ConfigError([f"keys.file = '{path}': there is no master key; {fix}"])
    return FileKeyring(path, is_made=False)


def list_masters(config: Config, database: Database, say: Say) -> None:
    """Say which master keys there are, and how many rows each of them seals."""
    vault = Vault(open_keyring(config, database))
    counts = database.write_now(count_masters)
    for place, master in enumerate(vault.masters):
        say(f"{master} {'seals' if place == 0 else 'opens'}, {counts.pop(master, 0)} rows")
    for master, rows in sorted(counts.items()):
        say(f"{master or 'not named yet'} {'' if master == UNNAMED else 'MISSING'}, {rows} rows")


def rotate(config: Config, database: Database, say: Say) -> None:
    """Seal everything under the first master key; draw a new one when that is done already.

    A run that was killed is finished by the next one. Only in a file can a key be drawn.
    """
    if config.keys.master is None and not _key_file(config, database).exists():
        _make_first(config, database, say)
        return
    ring = open_keyring(config, database)
    vault = Vault(ring)
    database.write_now(check_masters, vault)
    first, *older = vault.masters
    if not older or not database.write_now(count_masters).keys() - {first}:
        _draw(ring, database, say)
    rows = reseal(_patient(database), vault)
    say(f"sealed {rows} rows again, under {vault.masters[0]}")


def retire(config: Config, database: Database, say: Say) -> None:
    """Take the master keys out of the file that seal nothing any more."""
    ring = open_keyring(config, database)
    idle = database.write_now(unused, Vault(ring))
    if not isinstance(ring, FileKeyring):
        say(f"nothing is sealed under: {', '.join(idle) or 'none'}; take them out of the setting")
        return
    if idle and time.time() - ring.path.stat().st_mtime < _SETTLED_S:
        raise StoreRefusedError(f"{ring.path} has just changed; wait {_SETTLED_S:.0f} s")
    if idle:
        write_masters(ring.path, [m for m in ring.masters if master_id(m) not in idle])
    say(f"taken out of {ring.path}: {', '.join(idle) or 'none'}")


def _key_file(config: Config, database: Database) -> Path:
    beside = database.url.database if database.is_sqlite else None
    folder = Path(beside or "phonehome.db").parent
    return Path(config.keys.file) if config.keys.file else folder / "master.key"


def _make_first(config: Config, database: Database, say: Say) -> None:
    path = _key_file(config, database)
    if any(database.write_now(count_masters).values()):
        raise StoreRefusedError(f"{path} is missing, and the database needs it; restore it")
    ring = FileKeyring(path, is_made=True)
    say(f"made {path} with the master key {master_id(ring.masters[0])}")


def _draw(ring: Keyring, database: Database, say: Say) -> None:
    """Put a new master key in front of those in the file, where one machine reads it."""
    if not isinstance(ring, FileKeyring):
        fix = "set it to NEW,OLD at every receiver and restart them first"
        raise ConfigError([f"keys.master: everything is sealed under its first key; {fix}"])
    if not database.is_sqlite:
        fix = "put a new one in front of it, as its first line, at every receiver first"
        raise ConfigError([f"keys.file: everything is sealed under its first key; {fix}"])
    masters = (secrets.token_bytes(MASTER_BYTES), *ring.masters)
    write_masters(ring.path, masters)
    say(f"drew the master key {master_id(masters[0])} into {ring.path}: keep a copy of that")


def _patient(database: Database) -> Callable[..., object]:
    """Transactions that are tried again while intake has the database."""

    def write(*args: object) -> object:
        give_up_at = time.monotonic() + _PATIENCE_S
        while True:
            try:
                return database.write_now(*args)  # type: ignore[arg-type]
            except StoreUnavailableError:
                if time.monotonic() > give_up_at:
                    raise
                time.sleep(_PAUSE_S)

    return write
