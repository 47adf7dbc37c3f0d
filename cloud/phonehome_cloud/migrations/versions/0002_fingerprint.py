"""Crashes by their fingerprint."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("device_event", sa.Column("fingerprint", sa.String(length=24), nullable=True))
    op.create_index(
        "ix_device_event_fingerprint",
        "device_event",
        ["fingerprint", "event_at"],
        sqlite_where=sa.text("fingerprint IS NOT NULL"),
        postgresql_where=sa.text("fingerprint IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_device_event_fingerprint", "device_event")
    op.drop_column("device_event", "fingerprint")
