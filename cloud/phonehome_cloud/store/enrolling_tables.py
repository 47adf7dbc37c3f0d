"""The tables of enrollment: claims, their one-time codes, and what became of each device.

A claim belongs to a batch and not to a device, so its tables are not keyed by one. Times are as
in `schema`; claims are 16 lower-case hex digits.
"""

from sqlalchemy import JSON, BigInteger, Column, Index, Integer, SmallInteger, String, Table, Text

from .columns import Bytes, metadata

claim = Table(
    "claim",
    metadata,
    Column("claim", String(16), primary_key=True),
    Column("product", String(24), nullable=False),
    Column("label", Text, nullable=False, server_default=""),
    # AES-256-GCM under the master key, bound to the claim.
    Column("sealed", Bytes, nullable=False),
    # The id of that master key; empty: from before rows named it.
    Column("master", String(8), nullable=False, server_default=""),
    # Devices that need nobody's approval.
    Column("devices", JSON, nullable=False),
    Column("max_uses", Integer, nullable=False),
    # Keys of this claim that a device has spoken under.
    Column("used", Integer, nullable=False, server_default="0"),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", String(64), nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
)

# A code is typed by an installer once: `device` is who came with it.
claim_code = Table(
    "claim_code",
    metadata,
    Column("claim", String(16), primary_key=True),
    Column("hash", Bytes(32), primary_key=True),
    Column("created_at", BigInteger, nullable=False),
    Column("device", String(16)),
)

# The newest question of a device, which need not be registered. state: pending, approved, denied
# (by somebody), issued (a key was wrapped for it), active (it spoke under that key).
enrollment = Table(
    "enrollment",
    metadata,
    Column("device", String(16), primary_key=True),
    Column("claim", String(16), nullable=False),
    Column("nonce", Bytes(16), nullable=False),
    Column("platform", String(48), nullable=False),
    Column("build", String(16), nullable=False),
    Column("state", String(8), nullable=False),
    Column("asked_at", BigInteger, nullable=False),
    Column("decided_at", BigInteger),
    Column("decided_by", String(64)),
    Column("issued_at", BigInteger),
    Column("epoch", SmallInteger),
)
Index("ix_enrollment_claim", enrollment.c.claim, enrollment.c.state)
Index("ix_enrollment_state", enrollment.c.state, enrollment.c.device)
