"""What waits for the digest is found by device: a backlog is digested device by device."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_WAITS = sa.text("digested_at IS NULL")


def upgrade() -> None:
    _index("device", "received_at")


def downgrade() -> None:
    _index("received_at", "device")


def _index(*columns: str) -> None:
    op.drop_index("ix_record_waiting", "record")
    op.create_index(
        "ix_record_waiting",
        "record",
        list(columns),
        sqlite_where=_WAITS,
        postgresql_where=_WAITS,
    )
