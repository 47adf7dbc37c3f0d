"""Device keys: sealed in the database, and derived for who has to check what they signed."""

from collections.abc import Container
from collections.abc import Set as AbstractSet
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, delete, exists, select, update

from phonehome_cloud.core.arrivals import DeviceKey
from phonehome_cloud.errors import StoreRefusedError
from phonehome_wire.keys import down_key, up_key

from .bulk import fetch_of
from .dialects import insert
from .schema import device, device_key
from .vault import Vault

ACTIVE: Final = "active"
NEXT: Final = "next"
GRACE: Final = "grace"
GRACE_MS: Final = 30 * 86_400_000
_LAST_EPOCH: Final = 255


def key_binding(dev: str, epoch: int) -> str:
    """The name under which the key of a device and epoch is sealed."""
    return f"device key {dev} {epoch}"


def salt_binding(dev: str, epoch: int) -> str:
    """The name under which the salt of a rotation to this epoch is sealed."""
    return f"salt of the device key {dev} {epoch}"


def add_key(
    connection: Connection,
    vault: Vault,
    dev: str,
    epoch: int,
    key: bytes,
    now_at: int,
    state: str = ACTIVE,
    salt: bytes | None = None,
) -> None:
    """Store a device's key of one epoch; an older one of that epoch is replaced.

    `salt` is what the device derives it with, for a key that is made by rotation.
    """
    sealer = vault.sealer()
    row = {
        "device": dev,
        "epoch": epoch,
        "state": state,
        "sealed": sealer.seal(key_binding(dev, epoch), key),
        "master": sealer.master,
        "created_at": now_at,
        "grace_until_at": None,
        "salt": None if salt is None else sealer.seal(salt_binding(dev, epoch), salt),
    }
    statement = insert(connection, device_key).values(row)
    connection.execute(
        statement.on_conflict_do_update(index_elements=["device", "epoch"], set_=row)
    )


def states(connection: Connection, dev: str) -> dict[int, str]:
    """The state of each key of a device, by epoch."""
    query = select(device_key.c.epoch, device_key.c.state).where(device_key.c.device == dev)
    return {row.epoch: row.state for row in connection.execute(query)}


def free_epoch(connection: Connection, dev: str) -> int:
    """The epoch for a new key: that of one nobody spoke under yet, else the one after the last."""
    known = states(connection, dev)
    waiting = [epoch for epoch, state in known.items() if state == NEXT]
    following = max(known, default=0) + 1
    return waiting[0] if waiting else following if following <= _LAST_EPOCH else _lowest(known)


def _lowest(known: Container[int]) -> int:
    return next(epoch for epoch in range(1, _LAST_EPOCH) if epoch not in known)


def read_key(connection: Connection, vault: Vault, dev: str, epoch: int) -> bytes | None:
    """The key of a device and epoch, for wrapping it again; None when it is gone."""
    query = select(device_key).where(device_key.c.device == dev, device_key.c.epoch == epoch)
    row = connection.execute(query).first()
    return None if row is None else open_key(vault, row)


def open_key(vault: Vault, row: Row[Any]) -> bytes:
    """The key in a row of device_key; StoreRefusedError without its master key."""
    return vault.open(key_binding(row.device, row.epoch), row.sealed, row.master)


def delete_keys(connection: Connection, dev: str) -> int:
    """Forget every key of a device, which revokes it; returns how many there were."""
    return connection.execute(delete(device_key).where(device_key.c.device == dev)).rowcount


def activate(connection: Connection, dev: str, epoch: int, now_at: int) -> None:
    """The device spoke under its next key: that is the active one now, the old gets 30 days."""
    of_device = device_key.c.device == dev
    connection.execute(
        update(device_key)
        .where(of_device, device_key.c.state == ACTIVE)
        .where(exists().where(of_device, device_key.c.epoch == epoch, device_key.c.state == NEXT))
        .values(state=GRACE, grace_until_at=now_at + GRACE_MS)
    )
    connection.execute(
        update(device_key)
        .where(of_device, device_key.c.epoch == epoch, device_key.c.state == NEXT)
        .values(state=ACTIVE)
    )


Found = dict[bytes, DeviceKey | StoreRefusedError]  # by kid


def find_keys(
    connection: Connection, vault: Vault, kids: AbstractSet[bytes], now_at: int
) -> Found:
    """The keys that may sign under these kids: active, next, or in their grace; one that is
    sealed under a master key that is not given is an error in its place.
    """
    found: Found = {}
    devices = {kid[:-1].hex() for kid in kids}
    for row in fetch_of(connection, _of_devices, device_key.c.device, devices):
        raw_dev = bytes.fromhex(row.device)
        kid = raw_dev + bytes((row.epoch,))
        if kid in kids and _may_sign(row, now_at):
            found[kid] = _derive(vault, row, raw_dev, kid)
    return found


def _of_devices(of_devices: Any) -> Select[Any]:
    """Not a join: PostgreSQL would read all devices while it believes that they are few."""
    its_device = select(device.c.revoked_at).where(device.c.device == device_key.c.device)
    revoked_at = its_device.scalar_subquery().label("revoked_at")
    return select(device_key, revoked_at).where(of_devices)


def _may_sign(row: Row[Any], now_at: int) -> bool:
    is_over = row.state == GRACE and now_at > (row.grace_until_at or 0)
    return row.revoked_at is None and not is_over


def _derive(
    vault: Vault, row: Row[Any], raw_dev: bytes, kid: bytes
) -> DeviceKey | StoreRefusedError:
    try:
        key = open_key(vault, row)
    except StoreRefusedError as error:
        return error
    ways = up_key(key, raw_dev), down_key(key, raw_dev)
    return DeviceKey(row.device, row.epoch, row.state, kid, *ways)
