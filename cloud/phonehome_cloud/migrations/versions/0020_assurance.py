"""What owners said that helped, while their appliance still held the fault."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "assurance",
        sa.Column("device", sa.String(length=16), nullable=False),
        sa.Column("ticket", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("action", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("times", sa.SmallInteger(), nullable=False),
        sa.Column("said_at", sa.BigInteger(), nullable=False),
        sa.Column("until_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["device"], ["device.device"], name=op.f("fk_assurance_device_device")
        ),
        sa.PrimaryKeyConstraint("device", "ticket", "action", name=op.f("pk_assurance")),
    )
    due = sa.text("due_at IS NOT NULL")
    op.create_index(
        "ix_assurance_due", "assurance", ["due_at"], sqlite_where=due, postgresql_where=due
    )


def downgrade() -> None:
    op.drop_table("assurance")
