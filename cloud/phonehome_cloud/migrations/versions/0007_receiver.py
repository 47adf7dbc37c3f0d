"""Receivers that are alive, and the boots that have dropped records."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "receiver",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_receiver")),
    )
    dropping = sa.text("newest AND dropped > 0")
    op.create_index(
        "ix_session_dropping",
        "session",
        ["dropped"],
        sqlite_where=dropping,
        postgresql_where=dropping,
    )


def downgrade() -> None:
    op.drop_index("ix_session_dropping", "session")
    op.drop_table("receiver")
