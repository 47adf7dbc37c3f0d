"""The next key of a device that has one (WIRE.md 5, rotation): made here, derived there.

The salt is kept beside the key as long as the key before may still sign, so that whoever speaks
under that one can be told again, with the same words.
"""

import secrets
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from phonehome_cloud.errors import ConflictError
from phonehome_wire.registry import COMMAND_ROTATE_KEY
from phonehome_wire.rekeying import SALT_BYTES, rotated_key

from .keys import ACTIVE, GRACE, NEXT, Vault, add_key, salt_binding
from .schema import device_key

ARG_EPOCH: Final = 0
ARG_SALT: Final = 1
_LAST_EPOCH = 255


@dataclass(frozen=True, slots=True)
class Rotation:
    """A key that a device is to derive: `code` and `args` of the command that says how."""

    device: str
    epoch: int
    created_at: int
    salt: bytes = field(repr=False)

    code: int = COMMAND_ROTATE_KEY

    @property
    def args(self) -> dict[int, Any]:
        """Secret: to be sealed to the device, never shown."""
        return {ARG_EPOCH: self.epoch, ARG_SALT: self.salt}


def issue_rotation(connection: Connection, vault: Vault, dev: str, now_at: int) -> Rotation:
    """The next key of a device, made unless it is there: asked again it is the same.

    ConflictError when the device has no active key, waits for one from a claim, or has used up
    its epochs.
    """
    rows = _rows(connection, dev, is_locked=True)
    active = next((row for row in rows.values() if row.state == ACTIVE), None)
    if active is None:
        raise ConflictError(f"device {dev} has no active key to derive another one from")
    following = rows.get(active.epoch + 1)
    if following is not None:
        if following.salt is None:
            raise ConflictError(f"device {dev} is being enrolled anew: wait for its first report")
        return _rotation(vault, following)
    if active.epoch >= _LAST_EPOCH:
        raise ConflictError(f"device {dev} has used key epoch {_LAST_EPOCH}: enroll it anew")
    key = vault.open(dev, active.epoch, active.sealed)
    epoch, salt = active.epoch + 1, secrets.token_bytes(SALT_BYTES)
    derived = rotated_key(key, bytes.fromhex(dev), epoch, salt)
    add_key(connection, vault, dev, epoch, derived, now_at, NEXT, salt)
    return Rotation(dev, epoch, now_at, salt)


def find_rotation(connection: Connection, vault: Vault, dev: str, epoch: int) -> Rotation | None:
    """What a device that speaks under `epoch` has to be told again: it missed the key after it."""
    rows = _rows(connection, dev)
    spoken, following = rows.get(epoch), rows.get(epoch + 1)
    if spoken is None or following is None or following.salt is None:
        return None
    is_behind = (spoken.state, following.state) in {(ACTIVE, NEXT), (GRACE, ACTIVE)}
    return _rotation(vault, following) if is_behind else None


def _rows(connection: Connection, dev: str, is_locked: bool = False) -> dict[int, Row[Any]]:
    query = select(device_key).where(device_key.c.device == dev)
    query = query.with_for_update() if is_locked else query
    return {row.epoch: row for row in connection.execute(query)}


def _rotation(vault: Vault, row: Row[Any]) -> Rotation:
    salt = vault.open_as(salt_binding(row.device, row.epoch), row.salt)
    return Rotation(row.device, row.epoch, row.created_at, salt)
