"""Another master key: everything that is sealed is sealed again under it, while reports come in.

One short transaction after the other; killed between two of them, the next run does what is left.
What a receiver seals meanwhile is sealed under the new key or found by the last walk.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, Row, Table, func, select, tuple_, update

from phonehome_cloud.errors import StoreRefusedError

from .claims import claim_binding
from .hooks import hook_binding
from .keys import key_binding, salt_binding
from .schema import claim, config_secret, device_key, webhook_secret
from .secrets import secret_binding
from .vault import UNNAMED, Vault

_BATCH = 200  # 2 ms of AES and one commit: intake never waits long for the write lock


@dataclass(frozen=True, slots=True)
class _Sealed:
    """A table of sealed rows: its key, and under which name each of its columns is sealed."""

    table: Table
    key: tuple[Column[Any], ...]
    names: dict[str, Callable[[Row[Any]], str]]


_SEALED = (
    _Sealed(
        device_key,
        (device_key.c.device, device_key.c.epoch),
        {
            "sealed": lambda row: key_binding(row.device, row.epoch),
            "salt": lambda row: salt_binding(row.device, row.epoch),
        },
    ),
    _Sealed(claim, (claim.c.claim,), {"sealed": lambda row: claim_binding(row.claim)}),
    _Sealed(
        config_secret,
        (config_secret.c.device,),
        {"sealed": lambda row: secret_binding(row.device)},
    ),
    _Sealed(
        webhook_secret,
        (webhook_secret.c.webhook, webhook_secret.c.number),
        {"sealed": lambda row: hook_binding(row.webhook, row.number)},
    ),
)
Write = Callable[..., Any]  # store.database.Database.write_now


def check_masters(connection: Connection, vault: Vault) -> None:
    """StoreRefusedError when something stored is sealed under a master key that is not given."""
    for kind in _SEALED:
        for row in _one_of_each(connection, kind.table):
            vault.open(kind.names["sealed"](row), row.sealed, row.master)


def needs_master(connection: Connection) -> bool:
    """Whether anything is sealed at all."""
    return any(_one_of_each(connection, kind.table) for kind in _SEALED)


def count_masters(connection: Connection) -> Counter[str]:
    """How many rows are sealed under each master key, by its id."""
    found: Counter[str] = Counter()
    for kind in _SEALED:
        master = kind.table.c.master
        query = select(master, func.count()).group_by(master)
        found.update(dict(connection.execute(query).tuples().all()))
    return found


def reseal(write: Write, vault: Vault) -> int:
    """Seal everything under the first master key; returns how many rows were not.

    `write` runs a function as one transaction.
    """
    total = 0
    while done := sum(_walk(write, vault, kind) for kind in _SEALED):
        total += done
    return total


def _walk(write: Write, vault: Vault, kind: _Sealed) -> int:
    after: tuple[Any, ...] | None = None
    total = 0
    while rows := write(_reseal_some, vault, kind, after):
        total += len(rows)
        after = tuple(getattr(rows[-1], column.name) for column in kind.key)
    return total


def _reseal_some(
    connection: Connection, vault: Vault, kind: _Sealed, after: tuple[Any, ...] | None
) -> list[Row[Any]]:
    """Reseal the next rows that need it, by key; returns them as they were."""
    sealer = vault.sealer()
    query = select(kind.table).where(kind.table.c.master != sealer.master)
    if after is not None:
        query = query.where(tuple_(*kind.key) > tuple_(*after))
    query = query.order_by(*kind.key).limit(_BATCH).with_for_update()
    rows = list(connection.execute(query))
    for row in rows:
        values: dict[str, Any] = {"master": sealer.master}
        for column, name in kind.names.items():
            sealed = getattr(row, column)
            if sealed is not None:
                secret = vault.open(name(row), sealed, row.master)
                values[column] = sealer.seal(name(row), secret)
        same = (column == getattr(row, column.name) for column in kind.key)
        connection.execute(update(kind.table).where(*same).values(values))
    return rows


def _one_of_each(connection: Connection, table: Table) -> list[Row[Any]]:
    """One row for each master key: found by leaps over the index, however many rows there are."""
    found: list[Row[Any]] = []
    query = select(table).order_by(table.c.master).limit(1)
    row = connection.execute(query).first()
    while row is not None:
        found.append(row)
        row = connection.execute(query.where(table.c.master > row.master)).first()
    return found


def unused(connection: Connection, vault: Vault) -> list[str]:
    """The ids of master keys behind the first that nothing is sealed under.

    StoreRefusedError while there are rows that do not name theirs: it could be any.
    """
    counts = count_masters(connection)
    if counts[UNNAMED]:
        raise StoreRefusedError(
            f"{counts[UNNAMED]} rows do not name their master key yet: run `keys rotate` first"
        )
    return [master for master in vault.masters[1:] if not counts[master]]
