"""The hash of the code on a device's label."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("device", sa.Column("code_hash", sa.LargeBinary(length=32), nullable=True))


def downgrade() -> None:
    op.drop_column("device", "code_hash")
