"""Claims: what a batch of boards shows to get keys in the field. Their secrets are sealed."""

import hashlib
import secrets
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, select, update

from phonehome_cloud.core.enrolling import Claim, ClaimKey, make_claim_key
from phonehome_cloud.errors import ConflictError, NotFoundError

from .schema import claim, claim_code
from .vault import Vault

SECRET_BYTES: Final = 32
_ID_BYTES = 8
# Without what people confuse; 8 of them are 40 bits, and a wrong one is expensive.
_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_CODE_CHARS = 8

_SHOWN = tuple(column for column in claim.c if column.name not in {"sealed", "master"})


def add(connection: Connection, vault: Vault, row: dict[str, Any]) -> tuple[str, bytes]:
    """Make a claim of these columns; returns its id and its secret, which is told this once."""
    name, secret = secrets.token_hex(_ID_BYTES), secrets.token_bytes(SECRET_BYTES)
    sealer = vault.sealer()
    sealed = {"sealed": sealer.seal(claim_binding(name), secret), "master": sealer.master}
    connection.execute(claim.insert().values(claim=name, **sealed, **row))
    return name, secret


def expect(connection: Connection, name: str) -> RowMapping:
    """The row of a claim without its secret; NotFoundError."""
    row = connection.execute(select(*_SHOWN).where(claim.c.claim == name)).mappings().first()
    if row is None:
        raise NotFoundError(f"no claim {name}")
    return row


def list_after(connection: Connection, after: str, limit: int) -> Sequence[RowMapping]:
    """The next `limit` claims, by id, after the id `after` ("" for the first)."""
    query = select(*_SHOWN).where(claim.c.claim > after).order_by(claim.c.claim).limit(limit)
    return connection.execute(query).mappings().all()


def revoke(connection: Connection, name: str, now_at: int) -> None:
    """End a claim: nobody gets a key with it any more. Revoking twice changes nothing."""
    expect(connection, name)
    connection.execute(
        update(claim)
        .where(claim.c.claim == name, claim.c.revoked_at.is_(None))
        .values(revoked_at=now_at)
    )


def add_code(connection: Connection, name: str, now_at: int) -> str:
    """A new one-time code of a claim, told this once; ConflictError when the claim has ended."""
    row = expect(connection, name)
    if row["revoked_at"] is not None or now_at > row["expires_at"]:
        raise ConflictError(f"claim {name} has ended: make another one")
    code = "".join(secrets.choice(_ALPHABET) for _ in range(_CODE_CHARS))
    values = {"claim": name, "hash": _digest(name, code), "created_at": now_at}
    connection.execute(claim_code.insert().values(values))
    return code


def holds_code(connection: Connection, name: str, code: str, dev: str) -> bool:
    """Whether this is a code of the claim that nobody but this device came with."""
    query = select(claim_code.c.device).where(
        claim_code.c.claim == name, claim_code.c.hash == _digest(name, code)
    )
    row = connection.execute(query).first()
    return row is not None and row.device in (None, dev)


def burn_code(connection: Connection, name: str, code: str, dev: str) -> None:
    """The code is this device's from now on."""
    connection.execute(
        update(claim_code)
        .where(claim_code.c.claim == name, claim_code.c.hash == _digest(name, code))
        .values(device=dev)
    )


def find_key(connection: Connection, vault: Vault, name: str) -> ClaimKey | None:
    """What a claim that was not revoked signs with; None when there is none."""
    columns = claim.c.sealed, claim.c.master
    query = select(*columns).where(claim.c.claim == name, claim.c.revoked_at.is_(None))
    row = connection.execute(query).first()
    if row is None:
        return None
    return make_claim_key(name, vault.open(claim_binding(name), row.sealed, row.master))


def lock(connection: Connection, name: str) -> Claim:
    """A claim as the decision sees it, locked so that its uses are counted once."""
    query = select(*_SHOWN).where(claim.c.claim == name).with_for_update()
    row = connection.execute(query).one()
    return Claim(
        row.claim,
        row.product,
        row.label,
        frozenset(row.devices),
        row.max_uses,
        row.used,
        row.expires_at,
        row.revoked_at,
    )


def count_use(connection: Connection, name: str) -> None:
    """A device spoke under a key of this claim for the first time."""
    connection.execute(update(claim).where(claim.c.claim == name).values(used=claim.c.used + 1))


def _digest(name: str, code: str) -> bytes:
    """What is stored of a code; installers type dashes and small letters as they like."""
    plain = code.upper().replace("-", "").replace(" ", "")
    return hashlib.sha256(f"{name} {plain}".encode()).digest()


def claim_binding(name: str) -> str:
    """The name under which the secret of a claim is sealed."""
    return f"claim {name}"
