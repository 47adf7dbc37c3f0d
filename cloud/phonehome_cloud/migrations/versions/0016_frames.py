"""Freeze frames stay in their records; a fault event says whether there is one."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "fault_event",
        sa.Column("has_frame", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.execute("UPDATE fault_event SET has_frame = (frame IS NOT NULL)")
    op.drop_column("fault_event", "frame")


def downgrade() -> None:
    op.add_column("fault_event", sa.Column("frame", sa.JSON(none_as_null=True), nullable=True))
    op.drop_column("fault_event", "has_frame")
