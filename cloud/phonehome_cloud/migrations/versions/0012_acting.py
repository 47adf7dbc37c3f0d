"""What is done about a ticket: steps, remote fixes, parts, leads, people."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_TABLES = (
    "operator",
    "assignment",
    "callback",
    "lead",
    "part_order",
    "part_order_event",
    "remote_fix",
    "step",
)


def upgrade() -> None:
    _create_operator()
    _create_assignment()
    _create_callback()
    _create_lead()
    _create_part_order()
    _create_part_order_event()
    _create_remote_fix()
    _create_step()


def downgrade() -> None:
    for name in reversed(_TABLES):
        op.drop_table(name)


def _device() -> sa.Column[str]:
    return sa.Column("device", sa.String(length=16), nullable=False)


def _known(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_device")
    return sa.ForeignKeyConstraint(["device"], ["device.device"], name=name)


def _index_open(table: str, column: str) -> None:
    condition = sa.text("ended_at IS NULL")
    op.create_index(
        f"ix_{table}_open",
        table,
        [column],
        sqlite_where=condition,
        postgresql_where=condition,
    )


def _index_due(table: str) -> None:
    condition = sa.text("due_at IS NOT NULL")
    op.create_index(
        f"ix_{table}_due",
        table,
        ["due_at"],
        sqlite_where=condition,
        postgresql_where=condition,
    )


def _create_operator() -> None:
    op.create_table(
        "operator",
        sa.Column("operator", sa.String(length=64), nullable=False),
        sa.Column("mail", sa.Text(), nullable=False),
        sa.Column("skills", sa.JSON(), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("capacity", sa.SmallInteger(), nullable=False),
        sa.Column("away_until_at", sa.BigInteger()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("removed_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("operator", name=op.f("pk_operator")),
    )


def _create_assignment() -> None:
    op.create_table(
        "assignment",
        _device(),
        sa.Column("ticket", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("action", sa.Integer()),
        sa.Column("operator", sa.String(length=64)),
        sa.Column("skills", sa.JSON(), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("is_urgent", sa.Boolean(), nullable=False),
        sa.Column("assigned_at", sa.BigInteger(), nullable=False),
        sa.Column("respond_by_at", sa.BigInteger(), nullable=False),
        sa.Column("resolve_by_at", sa.BigInteger(), nullable=False),
        sa.Column("responded_at", sa.BigInteger()),
        sa.Column("due_at", sa.BigInteger()),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("outcome", sa.String(length=12)),
        _known("assignment"),
        sa.PrimaryKeyConstraint("device", "ticket", "number", name=op.f("pk_assignment")),
    )
    _index_due("assignment")
    _index_open("assignment", "respond_by_at")
    op.create_index(
        "ix_assignment_operator",
        "assignment",
        ["operator"],
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def _create_callback() -> None:
    op.create_table(
        "callback",
        _device(),
        sa.Column("ticket", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("call_at", sa.BigInteger(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.String(length=64)),
        sa.Column("due_at", sa.BigInteger()),
        sa.Column("ended_at", sa.BigInteger()),
        _known("callback"),
        sa.PrimaryKeyConstraint("device", "ticket", "number", name=op.f("pk_callback")),
    )
    _index_due("callback")
    _index_open("callback", "call_at")


def _create_lead() -> None:
    op.create_table(
        "lead",
        _device(),
        sa.Column("ticket", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("action", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("owner", sa.String(length=16)),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("product", sa.String(length=24)),
        sa.Column("age_days", sa.Integer()),
        sa.Column("offered_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger()),
        _known("lead"),
        sa.PrimaryKeyConstraint("device", "ticket", "action", name=op.f("pk_lead")),
    )
    op.create_index(
        "ix_lead_recent",
        "lead",
        [sa.literal_column("offered_at DESC"), "device", "ticket", "action"],
        unique=False,
    )


def _create_part_order() -> None:
    op.create_table(
        "part_order",
        _device(),
        sa.Column("ticket", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("action", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("source", sa.String(length=8), nullable=False),
        sa.Column("supplier", sa.String(length=64)),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("payer", sa.String(length=12), nullable=False),
        sa.Column("ordered_at", sa.BigInteger(), nullable=False),
        sa.Column("cancel_until_at", sa.BigInteger(), nullable=False),
        sa.Column("expected_at", sa.BigInteger()),
        sa.Column("tracking", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.Column("due_at", sa.BigInteger()),
        sa.Column("ended_at", sa.BigInteger()),
        _known("part_order"),
        sa.PrimaryKeyConstraint("device", "ticket", "action", name=op.f("pk_part_order")),
    )
    _index_due("part_order")
    _index_open("part_order", "ordered_at")


def _create_part_order_event() -> None:
    op.create_table(
        "part_order_event",
        _device(),
        sa.Column("ticket", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("action", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("event", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("detail", sa.JSON()),
        _known("part_order_event"),
        sa.PrimaryKeyConstraint(
            "device", "ticket", "action", "event", name=op.f("pk_part_order_event")
        ),
    )


def _create_remote_fix() -> None:
    op.create_table(
        "remote_fix",
        _device(),
        sa.Column("ticket", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("action", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("code", sa.SmallInteger(), nullable=False),
        sa.Column("args", sa.LargeBinary()),
        sa.Column("idle", sa.JSON()),
        sa.Column("command", sa.Integer()),
        sa.Column("before", sa.JSON()),
        sa.Column("after", sa.JSON()),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("until_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger()),
        sa.Column("ended_at", sa.BigInteger()),
        _known("remote_fix"),
        sa.PrimaryKeyConstraint("device", "ticket", "action", name=op.f("pk_remote_fix")),
    )
    _index_due("remote_fix")


def _create_step() -> None:
    op.create_table(
        "step",
        _device(),
        sa.Column("ticket", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("action", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("step", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("proof", sa.JSON()),
        sa.Column("opened_at", sa.BigInteger()),
        sa.Column("until_at", sa.BigInteger()),
        sa.Column("by", sa.String(length=8)),
        sa.Column("evidence", sa.JSON()),
        sa.Column("command", sa.Integer()),
        sa.Column("due_at", sa.BigInteger()),
        sa.Column("ended_at", sa.BigInteger()),
        _known("step"),
        sa.PrimaryKeyConstraint("device", "ticket", "action", "step", name=op.f("pk_step")),
    )
    _index_due("step")
