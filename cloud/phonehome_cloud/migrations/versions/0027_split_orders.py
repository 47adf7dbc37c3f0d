"""An action may have several orders, one for each who packs some of its parts."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_KEYS = {
    "part_order": ("device", "ticket", "action", "number"),
    "part_order_event": ("device", "ticket", "action", "number", "event"),
}


def upgrade() -> None:
    for table, key in _KEYS.items():
        with op.batch_alter_table(table) as batch:
            batch.add_column(
                sa.Column("number", sa.SmallInteger(), server_default="1", nullable=False)
            )
            batch.drop_constraint(f"pk_{table}", type_="primary")
            batch.create_primary_key(f"pk_{table}", list(key))


def downgrade() -> None:
    for table, key in _KEYS.items():
        op.execute(f"DELETE FROM {table} WHERE number > 1")  # noqa: S608 - names of our schema
        with op.batch_alter_table(table) as batch:
            batch.drop_constraint(f"pk_{table}", type_="primary")
            batch.create_primary_key(f"pk_{table}", [name for name in key if name != "number"])
            batch.drop_column("number")
