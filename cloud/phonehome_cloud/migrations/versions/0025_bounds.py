"""Bounds on time lie in their key on SQLite: all of a boot are read together, for each event."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _write_anew(with_rowid=False)


def downgrade() -> None:
    _write_anew(with_rowid=True)


def _write_anew(*, with_rowid: bool) -> None:
    if op.get_bind().dialect.name != "sqlite":
        return
    key = "device", "inc", "boot", "kind", "slot"
    op.create_table(
        "anchor_anew",
        sa.Column("device", sa.String(length=16), nullable=False),
        sa.Column("inc", sa.String(length=8), nullable=False),
        sa.Column("boot", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("slot", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("device_ms", sa.BigInteger(), nullable=False),
        sa.Column("utc_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["device"], ["device.device"], name=op.f("fk_anchor_device")),
        sa.PrimaryKeyConstraint(*key, name=op.f("pk_anchor")),
        sqlite_with_rowid=with_rowid,
    )
    op.execute(
        "INSERT INTO anchor_anew SELECT * FROM anchor ORDER BY device, inc, boot, kind, slot"
    )
    op.drop_table("anchor")
    op.rename_table("anchor_anew", "anchor")
