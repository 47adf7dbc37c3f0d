"""Claims, enrollment, and the salt of a rotation."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("device_key", sa.Column("salt", sa.LargeBinary(), nullable=True))
    _claim()
    _claim_code()
    _enrollment()


def downgrade() -> None:
    op.drop_table("enrollment")
    op.drop_table("claim_code")
    op.drop_table("claim")
    op.drop_column("device_key", "salt")


def _claim() -> None:
    op.create_table(
        "claim",
        sa.Column("claim", sa.String(length=16), nullable=False),
        sa.Column("product", sa.String(length=24), nullable=False),
        sa.Column("label", sa.Text(), server_default="", nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("devices", sa.JSON(), nullable=False),
        sa.Column("max_uses", sa.Integer(), nullable=False),
        sa.Column("used", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("claim", name=op.f("pk_claim")),
    )


def _claim_code() -> None:
    op.create_table(
        "claim_code",
        sa.Column("claim", sa.String(length=16), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("device", sa.String(length=16), nullable=True),
        sa.PrimaryKeyConstraint("claim", "hash", name=op.f("pk_claim_code")),
    )


def _enrollment() -> None:
    op.create_table(
        "enrollment",
        sa.Column("device", sa.String(length=16), nullable=False),
        sa.Column("claim", sa.String(length=16), nullable=False),
        sa.Column("nonce", sa.LargeBinary(length=16), nullable=False),
        sa.Column("platform", sa.String(length=48), nullable=False),
        sa.Column("build", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("decided_by", sa.String(length=64), nullable=True),
        sa.Column("issued_at", sa.BigInteger(), nullable=True),
        sa.Column("epoch", sa.SmallInteger(), nullable=True),
        sa.PrimaryKeyConstraint("device", name=op.f("pk_enrollment")),
    )
    op.create_index("ix_enrollment_claim", "enrollment", ["claim", "state"])
    op.create_index("ix_enrollment_state", "enrollment", ["state", "device"])
