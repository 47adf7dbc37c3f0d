"""Under which name a letter went to which address, and whom letters do not reach."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "posted",
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("address", sa.LargeBinary(length=32), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_posted")),
        sa.UniqueConstraint("name", name=op.f("uq_posted_name")),
    )
    op.create_table(
        "unreachable",
        sa.Column("device", sa.String(length=16), nullable=False),
        sa.Column("ticket", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("recipient", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["device"], ["device.device"], name=op.f("fk_unreachable_device_device")
        ),
        sa.PrimaryKeyConstraint("device", "ticket", "recipient", name=op.f("pk_unreachable")),
    )
    due = sa.text("due_at IS NOT NULL")
    op.create_index(
        "ix_unreachable_due", "unreachable", ["due_at"], sqlite_where=due, postgresql_where=due
    )


def downgrade() -> None:
    op.drop_table("unreachable")
    op.drop_table("posted")
