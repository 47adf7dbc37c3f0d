"""What became of the questions of new devices: waiting, decided, answered, in use."""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, and_, func, select, update

from phonehome_cloud.core import enrolling as core
from phonehome_cloud.errors import ConflictError, NotFoundError
from phonehome_wire.enrollment import EnrollRequest

from . import claims, keys
from .bulk import fetch_of
from .dialects import insert
from .schema import device, device_key, enrollment
from .vault import Vault

_KEY_BYTES = 32
_PUT_OFF = (core.PENDING, core.KNOWN)


@dataclass(frozen=True, slots=True)
class Decision:
    """Why, and the key when there is one."""

    reason: str
    epoch: int = 0
    key: bytes = field(default=b"", repr=False)


def decide(
    connection: Connection, vault: Vault, name: str, request: EnrollRequest, now_at: int
) -> Decision:
    """Answer one authentic question under a claim; what it leads to is stored in this transaction.

    The device may use the key when the transaction is committed.
    """
    claim = claims.lock(connection, name)
    dev = request.device.hex()
    standing = _stand(connection, claim, request)
    reason = core.judge(claim, request, standing, now_at)
    if reason == core.REPEATED and standing.enrollment is not None:
        epoch = standing.enrollment.epoch or 0
        return Decision(reason, epoch, keys.read_key(connection, vault, dev, epoch) or b"")
    if reason == core.ISSUED:
        return _issue(connection, vault, claim, request, now_at)
    if reason in _PUT_OFF:
        _save(connection, name, request, now_at, state=core.PENDING)
    return Decision(reason)


def note_active(connection: Connection, dev: str, epoch: int) -> None:
    """A device spoke under its next key: if it came from a claim, one use of that is burned."""
    of_key = (enrollment.c.device == dev, enrollment.c.epoch == epoch)
    name = connection.execute(
        select(enrollment.c.claim).where(*of_key, enrollment.c.state == core.ISSUED)
    ).scalar()
    if name is not None:
        connection.execute(update(enrollment).where(*of_key).values(state=core.ACTIVE))
        claims.count_use(connection, name)


def settle(connection: Connection, dev: str, state: str, who: str, now_at: int) -> RowMapping:
    """Somebody approves or denies a device that waits; returns its row.

    NotFoundError when it never asked, ConflictError when it has its key already.
    """
    row = expect(connection, dev)
    if row["state"] in {core.ISSUED, core.ACTIVE}:
        raise ConflictError(f"device {dev} has been given a key: revoke the device instead")
    connection.execute(
        update(enrollment)
        .where(enrollment.c.device == dev)
        .values(state=state, decided_at=now_at, decided_by=who)
    )
    return expect(connection, dev)


def expect(connection: Connection, dev: str) -> RowMapping:
    """The newest question of a device; NotFoundError."""
    query = select(enrollment).where(enrollment.c.device == dev)
    row = connection.execute(query).mappings().first()
    if row is None:
        raise NotFoundError(f"device {dev} never asked to be enrolled")
    return row


def list_after(
    connection: Connection, state: str | None, after: str, limit: int
) -> Sequence[RowMapping]:
    """The next `limit` questions in a state (None: any), by device, after the device `after`."""
    query = select(enrollment).where(enrollment.c.device > after)
    if state is not None:
        query = query.where(enrollment.c.state == state)
    return connection.execute(query.order_by(enrollment.c.device).limit(limit)).mappings().all()


def _stand(connection: Connection, claim: core.Claim, request: EnrollRequest) -> core.Standing:
    dev = request.device.hex()
    query = select(enrollment).where(enrollment.c.device == dev).with_for_update()
    row = connection.execute(query).first()
    last = None
    if row is not None:
        last = core.Enrollment(row.claim, row.nonce, row.state, row.issued_at, row.epoch)
    states = keys.states(connection, dev)
    revoked = select(device.c.device).where(
        device.c.device == dev, device.c.revoked_at.is_not(None)
    )
    has_code = None
    if request.code is not None:
        has_code = claims.holds_code(connection, claim.claim, request.code, dev)
    return core.Standing(
        last,
        keys.ACTIVE in states.values() or connection.execute(revoked).first() is not None,
        last is not None and last.epoch in states,
        has_code,
        _count_outstanding(connection, claim.claim, dev),
        _count_waiting(connection, claim.claim),
    )


def _count_outstanding(connection: Connection, name: str, dev: str) -> int:
    """Keys of a claim that other devices were given and may still begin to use."""
    same_key = and_(
        device_key.c.device == enrollment.c.device, device_key.c.epoch == enrollment.c.epoch
    )
    query = (
        select(func.count())
        .select_from(enrollment.join(device_key, same_key))
        .where(enrollment.c.claim == name, enrollment.c.state == core.ISSUED)
        .where(enrollment.c.device != dev, device_key.c.state == keys.NEXT)
    )
    return int(connection.execute(query).scalar_one())


def _count_waiting(connection: Connection, name: str) -> int:
    query = select(func.count()).where(
        enrollment.c.claim == name, enrollment.c.state == core.PENDING
    )
    return int(connection.execute(query).scalar_one())


def _issue(
    connection: Connection,
    vault: Vault,
    claim: core.Claim,
    request: EnrollRequest,
    now_at: int,
) -> Decision:
    """Register the device unless it is, and make its next key; one that was revoked may speak."""
    dev = request.device.hex()
    row = {"device": dev, "product": claim.product, "label": claim.label, "created_at": now_at}
    connection.execute(insert(connection, device).values(row).on_conflict_do_nothing())
    connection.execute(update(device).where(device.c.device == dev).values(revoked_at=None))
    epoch = keys.free_epoch(connection, dev)
    key = secrets.token_bytes(_KEY_BYTES)
    keys.add_key(connection, vault, dev, epoch, key, now_at, keys.NEXT)
    if request.code is not None:
        claims.burn_code(connection, claim.claim, request.code, dev)
    _save(connection, claim.claim, request, now_at, core.ISSUED, issued_at=now_at, epoch=epoch)
    return Decision(core.ISSUED, epoch, key)


def _save(
    connection: Connection,
    name: str,
    request: EnrollRequest,
    now_at: int,
    state: str,
    **more: Any,
) -> None:
    """Make this the newest question of its device; who decided about the same one is kept."""
    row = {
        "claim": name,
        "nonce": request.nonce,
        "platform": request.platform,
        "build": request.build.hex(),
        "state": state,
        "asked_at": now_at,
        "issued_at": None,
        "epoch": None,
        **more,
    }
    if state == core.PENDING:
        row |= {"decided_at": None, "decided_by": None}
    statement = insert(connection, enrollment).values(device=request.device.hex(), **row)
    connection.execute(statement.on_conflict_do_update(index_elements=["device"], set_=row))


def load_claims(connection: Connection, devices: Collection[str]) -> dict[str, str]:
    """The claim that each of these devices was enrolled with: its batch."""
    rows = fetch_of(connection, _claims, enrollment.c.device, devices)
    return {row.device: row.claim for row in rows}


def _claims(of_devices: Any) -> Select[Any]:
    return select(enrollment.c.device, enrollment.c.claim).where(of_devices)
