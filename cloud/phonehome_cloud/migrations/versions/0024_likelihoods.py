"""What outcomes taught about evidence of causes."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "likelihood",
        sa.Column("product", sa.String(length=24), nullable=False),
        sa.Column("spn", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("fmi", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("cause", sa.String(length=24), nullable=False),
        sa.Column("evidence", sa.String(length=24), nullable=False),
        sa.Column("there", sa.Float(), nullable=False),
        sa.Column("absent", sa.Float(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "product", "spn", "fmi", "cause", "evidence", name=op.f("pk_likelihood")
        ),
    )
    op.add_column("outcome", sa.Column("seen", sa.JSON(), server_default="{}", nullable=False))


def downgrade() -> None:
    op.drop_column("outcome", "seen")
    op.drop_table("likelihood")
