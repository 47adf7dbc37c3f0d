"""Orders of parts say where they go: to the owner, or to the depot for a visit."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "part_order",
        sa.Column("destination", sa.String(length=8), server_default="owner", nullable=False),
    )


def downgrade() -> None:
    op.drop_column("part_order", "destination")
