"""What is only appended has no foreign key, and transitions are found by their ticket alone."""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

_APPENDED = ("fault_event", "ticket_event")


def upgrade() -> None:
    op.drop_index("ix_fault_event_fault", "fault_event")
    for table in _APPENDED:
        with op.batch_alter_table(table) as batch:
            batch.drop_constraint(f"fk_{table}_device", type_="foreignkey")


def downgrade() -> None:
    for table in _APPENDED:
        with op.batch_alter_table(table) as batch:
            batch.create_foreign_key(f"fk_{table}_device", "device", ["device"], ["device"])
    op.create_index("ix_fault_event_fault", "fault_event", ["device", "spn", "fmi"])
