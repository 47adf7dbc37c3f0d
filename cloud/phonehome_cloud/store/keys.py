"""Device keys: sealed in the database, derived once, and cached for intake."""

from collections import OrderedDict
from collections.abc import Callable, Container
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, delete, exists, select, update

from phonehome_cloud.core.arrivals import DeviceKey
from phonehome_wire.keys import down_key, up_key

from .database import Database
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


# Made once: a device that reports every five minutes is looked up for each report, which costs
# 145 us instead of 305.
_KEY = (
    select(device_key)
    .join(device, device.c.device == device_key.c.device)
    .where(device_key.c.device == bindparam("of_device"))
    .where(device_key.c.epoch == bindparam("of_epoch"))
    .where(device.c.revoked_at.is_(None))
)


def find_key(
    connection: Connection, vault: Vault, dev: str, epoch: int, now_at: int
) -> DeviceKey | None:
    """The key of a device and epoch while it may sign: active, next, or in its grace."""
    row = connection.execute(_KEY, {"of_device": dev, "of_epoch": epoch}).first()
    if row is None or (row.state == GRACE and now_at > (row.grace_until_at or 0)):
        return None
    key, raw_dev = open_key(vault, row), bytes.fromhex(dev)
    return DeviceKey(
        dev,
        epoch,
        row.state,
        raw_dev + bytes((epoch,)),
        up_key(key, raw_dev),
        down_key(key, raw_dev),
    )


class KeyCache:
    """Derived keys by kid, read from the database at first use and at most every `ttl_ms`.

    Holds at most `capacity` kids, unknown ones too, so that strangers cost one query each; the one
    used longest ago leaves first. `forget` makes a change of this process count at once.
    """

    def __init__(
        self,
        database: Database,
        vault: Vault,
        clock: Callable[[], int],
        capacity: int = 50_000,
        ttl_ms: int = 60_000,
    ) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._capacity = capacity
        self._ttl_ms = ttl_ms
        self._known: OrderedDict[bytes, tuple[DeviceKey | None, int]] = OrderedDict()

    def recall(self, kid: bytes) -> DeviceKey | None:
        """The key that may sign under this kid, when it was read not long ago; else None."""
        known = self._known.get(kid)
        if known is None or not self._is_fresh(self._clock() - known[1]):
            return None
        return known[0]

    async def find(self, kid: bytes) -> DeviceKey | None:
        """The key that may sign under this kid, or None."""
        known = self._known.get(kid)
        now_at = self._clock()
        if known is not None and self._is_fresh(now_at - known[1]):
            return known[0]
        dev, epoch = kid[:-1].hex(), kid[-1]
        key = await self._database.read(find_key, self._vault, dev, epoch, now_at)
        self._known[kid] = (key, now_at)
        self._known.move_to_end(kid)
        if len(self._known) > self._capacity:
            self._known.popitem(last=False)
        return key

    def _is_fresh(self, age_ms: int) -> bool:
        """What was read in the future was read before somebody set the clock back."""
        return 0 <= age_ms < self._ttl_ms

    def forget(self, dev: str) -> None:
        """Read this device's keys again next time."""
        raw_dev = bytes.fromhex(dev)
        for epoch in range(256):
            self._known.pop(raw_dev + bytes((epoch,)), None)
