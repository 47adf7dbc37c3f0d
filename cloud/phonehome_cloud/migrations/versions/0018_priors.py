"""What outcomes taught about the causes of faults."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "prior",
        sa.Column("product", sa.String(length=24), nullable=False),
        sa.Column("spn", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("fmi", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("cause", sa.String(length=24), nullable=False),
        sa.Column("weight", sa.Float(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("product", "spn", "fmi", "cause", name=op.f("pk_prior")),
    )
    op.create_table(
        "outcome",
        sa.Column("device", sa.String(length=16), nullable=False),
        sa.Column("ticket", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=48), nullable=False),
        sa.Column("product", sa.String(length=24), nullable=False),
        sa.Column("spn", sa.Integer(), nullable=False),
        sa.Column("fmi", sa.SmallInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.String(length=64), nullable=False),
        sa.Column("how", sa.String(length=12), nullable=False),
        sa.Column("shares", sa.JSON(), nullable=False),
        sa.Column("held", sa.JSON(), nullable=False),
        sa.Column("held_at", sa.BigInteger(), nullable=True),
        sa.Column("change", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device"], ["device.device"], name=op.f("fk_outcome_device_device")
        ),
        sa.PrimaryKeyConstraint("device", "ticket", "key", name=op.f("pk_outcome")),
    )
    op.create_index("ix_outcome_fault", "outcome", ["product", "spn", "fmi", sa.text("at DESC")])
    due = sa.text("held_at IS NOT NULL")
    op.create_index(
        "ix_outcome_held", "outcome", ["held_at"], sqlite_where=due, postgresql_where=due
    )


def downgrade() -> None:
    op.drop_table("outcome")
    op.drop_table("prior")
