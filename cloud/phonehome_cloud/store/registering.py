"""Registering a device: once, again with the same key, or anew where somebody says so.

Who provisions a board may lose the answer and ask again: the same key is the same registration,
with a new code for a label that was never printed.
"""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, update

from phonehome_cloud.core.labels import code_hash, draw_code, maybe_code
from phonehome_cloud.errors import ConflictError, NotFoundError

from . import devices, keys
from .schema import device
from .vault import Vault

FIRST_EPOCH: Final = 1
_LAST_EPOCH: Final = 255


@dataclass(frozen=True)
class Registration:
    """The epoch of the key, the code of the label, and whether the device was not known."""

    epoch: int
    code: str
    is_new: bool


def register(
    connection: Connection, vault: Vault, row: Mapping[str, Any], key: bytes, may_replace: bool
) -> Registration:
    """Register a device (device, product, label, created_at) under a key.

    ConflictError when it is known under another key or product, unless it may be replaced; what
    it signed under its old keys is refused from then on.
    """
    name = str(row["device"])
    try:
        known = devices.expect(connection, name)
    except NotFoundError:
        devices.add(connection, dict(row))
        keys.add_key(connection, vault, name, FIRST_EPOCH, key, row["created_at"])
        return Registration(FIRST_EPOCH, _draw(connection, name), is_new=True)
    epoch = _epoch_of(connection, vault, name, key)
    if epoch is not None and known["product"] == row["product"]:
        return Registration(epoch, _draw(connection, name), is_new=False)
    if not may_replace:
        raise ConflictError(f"device {name} is registered already")
    epoch = _replace(connection, vault, row, key)
    return Registration(epoch, _draw(connection, name), is_new=False)


def _epoch_of(connection: Connection, vault: Vault, name: str, key: bytes) -> int | None:
    """The epoch under which a device has exactly this key now; None when it has not."""
    for epoch, state in keys.states(connection, name).items():
        held = keys.read_key(connection, vault, name, epoch) if state == keys.ACTIVE else None
        if held is not None and hmac.compare_digest(held, key):
            return epoch
    return None


def _replace(connection: Connection, vault: Vault, row: Mapping[str, Any], key: bytes) -> int:
    """Another key, product and label; an epoch that the device has not used lately."""
    name = str(row["device"])
    epoch = max(keys.states(connection, name), default=0) % _LAST_EPOCH + 1
    keys.delete_keys(connection, name)
    keys.add_key(connection, vault, name, epoch, key, row["created_at"])
    connection.execute(
        update(device)
        .where(device.c.device == name)
        .values(product=row["product"], label=row["label"], revoked_at=None)
    )
    return epoch


def _draw(connection: Connection, name: str) -> str:
    """A new code for the label; the one before counts no longer."""
    code = draw_code(secrets.choice)
    plain = maybe_code(code) or ""
    connection.execute(
        update(device).where(device.c.device == name).values(code_hash=code_hash(name, plain))
    )
    return code
