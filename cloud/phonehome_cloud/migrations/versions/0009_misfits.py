"""Quarantine and dead letters by their age."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_quarantine_newest", "quarantine", ["received_at", "device", "hash"])
    dead = sa.text("digest_failure IS NOT NULL")
    op.create_index(
        "ix_record_dead",
        "record",
        ["received_at", "device"],
        sqlite_where=dead,
        postgresql_where=dead,
    )


def downgrade() -> None:
    op.drop_index("ix_record_dead", "record")
    op.drop_index("ix_quarantine_newest", "quarantine")
