"""SQLite sorts the messages of a device when somebody asks: no index to write for each report."""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.drop_index("ix_message_recent", "message")


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.create_index("ix_message_recent", "message", ["device", "received_at", "hash"])
