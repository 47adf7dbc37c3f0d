"""Which master key a secret is sealed under."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("device_key", "claim"):
        column = sa.Column("master", sa.String(length=8), server_default="", nullable=False)
        op.add_column(table, column)
    op.create_index("ix_device_key_master", "device_key", ["master"])


def downgrade() -> None:
    op.drop_index("ix_device_key_master", "device_key")
    for table in ("claim", "device_key"):
        op.drop_column(table, "master")
