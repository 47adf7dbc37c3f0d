"""The next key of a device that has one (WIRE.md 5, rotation): made here, derived there.

The salt is kept beside the key as long as the key before may still sign, so that whoever speaks
under that one can be told again, with the same words.
"""

import secrets
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, Row, or_, select

from phonehome_cloud.errors import ConflictError
from phonehome_wire.downlink import Command
from phonehome_wire.registry import COMMAND_ROTATE_KEY
from phonehome_wire.rekeying import SALT_BYTES, rotated_key

from . import commands
from .keys import ACTIVE, GRACE, NEXT, add_key, open_key, salt_binding
from .schema import command, device_key
from .vault import Vault

WHO: Final = "keys"  # as histories show who asked
WITHIN_MS: Final = 30 * 86_400_000
OFFER_PAUSE_MS: Final = 86_400_000
ARG_EPOCH: Final = 0
ARG_SALT: Final = 1
_LAST_EPOCH = 255


@dataclass(frozen=True, slots=True)
class Rotation:
    """A key that a device is to derive, and the arguments of the command that says how."""

    device: str
    epoch: int
    created_at: int
    salt: bytes = field(repr=False)

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
    key = open_key(vault, active)
    epoch, salt = active.epoch + 1, secrets.token_bytes(SALT_BYTES)
    derived = rotated_key(key, bytes.fromhex(dev), epoch, salt)
    add_key(connection, vault, dev, epoch, derived, now_at, NEXT, salt)
    return Rotation(dev, epoch, now_at, salt)


def order_rotation(
    connection: Connection, vault: Vault, dev: str, who: str, now_at: int
) -> Rotation:
    """Make the next key of a device, and have it told; see issue_rotation."""
    rotation = issue_rotation(connection, vault, dev, now_at)
    if not _asked_since(connection, dev, open_only=True):
        commands.add(connection, _order(dev, who, now_at))
    return rotation


def offer_again(connection: Connection, dev: str, epoch: int, now_at: int) -> None:
    """A device speaks under a key in its grace: have it told about the next one, once a day.

    It used that one, lost what proved it, and went back.
    """
    missed = select(device_key.c.epoch).where(
        device_key.c.device == dev,
        device_key.c.epoch == epoch + 1,
        device_key.c.state == ACTIVE,
        device_key.c.salt.is_not(None),
    )
    if connection.execute(missed).first() is None:
        return
    if not _asked_since(connection, dev, now_at - OFFER_PAUSE_MS):
        commands.add(connection, _order(dev, WHO, now_at))


def _order(dev: str, who: str, now_at: int) -> commands.Order:
    """Without arguments: what is secret in them is not kept among commands. Done twice it changes
    nothing more.
    """
    return commands.Order(dev, COMMAND_ROTATE_KEY, None, True, who, now_at, now_at + WITHIN_MS)


def _asked_since(
    connection: Connection, dev: str, asked_at: int = 0, *, open_only: bool = False
) -> bool:
    """Whether a command to rotate waits, or was given since then."""
    query = select(command.c.number).where(
        command.c.device == dev, command.c.code == COMMAND_ROTATE_KEY
    )
    is_open = command.c.ended_at.is_(None)
    query = query.where(is_open if open_only else or_(is_open, command.c.asked_at >= asked_at))
    return connection.execute(query.limit(1)).first() is not None


def complete(
    connection: Connection, vault: Vault, dev: str, epoch: int, order: Command | None
) -> Command | None:
    """A command as it goes to a device that speaks under `epoch`; None when that is past it."""
    if order is None or order.code != COMMAND_ROTATE_KEY:
        return order
    rotation = find_rotation(connection, vault, dev, epoch)
    if rotation is None:
        return None
    order.args = rotation.args
    return order


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
    salt = vault.open(salt_binding(row.device, row.epoch), row.salt, row.master)
    return Rotation(row.device, row.epoch, row.created_at, salt)
