"""What is secret in a pushed configuration, sealed."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "config_secret",
        sa.Column("device", sa.String(length=16), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("master", sa.String(length=8), nullable=False),
        sa.ForeignKeyConstraint(
            ["device"], ["device.device"], name=op.f("fk_config_secret_device")
        ),
        sa.PrimaryKeyConstraint("device", name=op.f("pk_config_secret")),
    )


def downgrade() -> None:
    op.drop_table("config_secret")
