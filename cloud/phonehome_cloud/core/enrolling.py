"""Who gets a key in the field (WIRE.md 5 B): the decision, and the signed answer; pure.

pending ──approve──> approved ──┐
   │  └────deny────> denied     ├──> issued ──first valid report──> active
on the list, or with a code ────┘
"""

import os
from collections.abc import Container
from dataclasses import dataclass, field
from typing import Final

from phonehome_wire.encoder import Encoder
from phonehome_wire.enrollment import EnrollReply, EnrollRequest, put_enroll_reply
from phonehome_wire.envelope import ALG_HMAC_256, PAYLOAD_OFFSET, make_kid, seal
from phonehome_wire.keys import down_key, up_key
from phonehome_wire.rekeying import claim_kek
from phonehome_wire.wrapping import IV_BYTES, wrap_key

PENDING: Final = "pending"
APPROVED: Final = "approved"
DENIED: Final = "denied"
ISSUED: Final = "issued"
ACTIVE: Final = "active"
STATES: Final = (PENDING, APPROVED, DENIED, ISSUED, ACTIVE)

# Verdicts beside ISSUED, PENDING and DENIED.
REPEATED: Final = "repeated"
KNOWN: Final = "known"
REVOKED: Final = "revoked"
EXPIRED: Final = "expired"
USED_UP: Final = "used-up"
WRONG_CODE: Final = "code"
CROWDED: Final = "crowded"

REPEAT_MS: Final = 86_400_000  # so long the same nonce earns the same key
MAX_PENDING: Final = 1000  # per claim: what one leaked secret can put before people
_REPLY_ROOM_BYTES = 512  # a reply has 214


@dataclass(frozen=True, slots=True)
class ClaimKey:
    """A claim as both sides sign with it."""

    claim: str
    kid: bytes
    secret: bytes = field(repr=False)
    up: bytes = field(repr=False)
    down: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Claim:
    """What a claim allows, and how often it still does."""

    claim: str
    product: str
    label: str
    devices: Container[str]
    max_uses: int
    used: int
    expires_at: int
    revoked_at: int | None


@dataclass(frozen=True, slots=True)
class Enrollment:
    """The newest question of a device."""

    claim: str
    nonce: bytes
    state: str
    issued_at: int | None
    epoch: int | None


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known about who asks.

    `has_code` is None without a code, `has_key` says that the key it was given is still there,
    `is_known` that it has or had an active one; `outstanding` are keys of the claim that other
    devices were given and have not used, `waiting` those who wait for approval.
    """

    enrollment: Enrollment | None
    is_known: bool
    has_key: bool
    has_code: bool | None
    outstanding: int
    waiting: int


def make_claim_key(claim: str, secret: bytes) -> ClaimKey:
    """The keys of a claim from its secret."""
    name = bytes.fromhex(claim)
    return ClaimKey(claim, make_kid(name, 0), secret, up_key(secret, name), down_key(secret, name))


def judge(claim: Claim, request: EnrollRequest, standing: Standing, now_at: int) -> str:
    """ISSUED or REPEATED when a key goes out, else why none does."""
    if claim.revoked_at is not None:
        return REVOKED
    last = standing.enrollment
    same = last if last is not None and _is_same(last, claim, request) else None
    if same is not None and _may_repeat(same, standing, now_at):
        return REPEATED
    if now_at > claim.expires_at:
        return EXPIRED
    if standing.has_code is False:
        return WRONG_CODE
    if last is not None and last.state == DENIED:
        return DENIED
    is_approved = same is not None and same.state in {APPROVED, ISSUED}
    if not is_approved and not _is_expected(claim, request, standing):
        return _put_off(last, standing)
    if claim.used + standing.outstanding >= claim.max_uses:
        return USED_UP
    return ISSUED


def _is_same(last: Enrollment, claim: Claim, request: EnrollRequest) -> bool:
    return last.claim == claim.claim and last.nonce == request.nonce


def _may_repeat(last: Enrollment, standing: Standing, now_at: int) -> bool:
    """Whether the answer to this question was given within a day; the reply may have been lost."""
    is_given = last.state in {ISSUED, ACTIVE} and last.issued_at is not None
    return is_given and standing.has_key and now_at - (last.issued_at or 0) < REPEAT_MS


def _is_expected(claim: Claim, request: EnrollRequest, standing: Standing) -> bool:
    """A new device on the list, or in the hands of an installer; one with a history never is."""
    is_listed = request.device.hex() in claim.devices
    return not standing.is_known and (is_listed or standing.has_code is True)


def _put_off(last: Enrollment | None, standing: Standing) -> str:
    if last is None and standing.waiting >= MAX_PENDING:
        return CROWDED
    return KNOWN if standing.is_known else PENDING


def sign_reply(
    claim: ClaimKey, request: EnrollRequest, epoch: int, key: bytes, now_at: int
) -> bytes:
    """The answer that carries the key, wrapped for this device, nonce and claim."""
    kek = claim_kek(claim.secret, request.nonce, request.device)
    wrapped = wrap_key(kek, os.urandom(IV_BYTES), key)
    buffer = bytearray(_REPLY_ROOM_BYTES)
    encoder = Encoder(buffer, PAYLOAD_OFFSET)
    put_enroll_reply(encoder, EnrollReply(now_at, request.device, request.nonce, wrapped, epoch))
    start, end = seal(buffer, encoder.pos, claim.down, claim.kid, ALG_HMAC_256)
    return bytes(buffer[start:end])
