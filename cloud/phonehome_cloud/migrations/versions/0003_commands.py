"""Commands, and the configuration that a device should have."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_command()
    _create_device_config()


def downgrade() -> None:
    op.drop_table("device_config")
    op.drop_table("command")


def _create_command() -> None:
    op.create_table(
        "command",
        _device(),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("code", sa.SmallInteger(), nullable=False),
        sa.Column("args", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("repeatable", sa.Boolean(), nullable=False),
        sa.Column("who", sa.String(length=64), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("deadline_at", sa.BigInteger(), nullable=False),
        sa.Column("inc", sa.String(length=8), nullable=True),
        sa.Column("boot", sa.BigInteger(), nullable=True),
        sa.Column("cseq", sa.BigInteger(), nullable=True),
        sa.Column("deadline_ms", sa.BigInteger(), nullable=True),
        sa.Column("sends", sa.Integer(), server_default="0", nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("value", sa.JSON(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        *_keys("command", "device", "number"),
    )
    _index("ix_command_open", "command", ["device", "number"], "ended_at IS NULL", unique=True)
    bound = ["device", "inc", "boot", "cseq"]
    _index("ix_command_bound", "command", bound, "cseq IS NOT NULL", unique=True)
    _index("ix_command_deadline", "command", ["deadline_at"], "ended_at IS NULL")


def _create_device_config() -> None:
    op.create_table(
        "device_config",
        _device(),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("wished", sa.JSON(), nullable=False),
        sa.Column("encoded", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("who", sa.String(length=64), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("reported", sa.BigInteger(), nullable=True),
        sa.Column("judged", sa.JSON(), nullable=True),
        sa.Column("tries", sa.SmallInteger(), nullable=False),
        sa.Column("command", sa.Integer(), nullable=True),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        *_keys("device_config", "device"),
    )
    _index("ix_device_config_due", "device_config", ["due_at"], "due_at IS NOT NULL")


def _device() -> "sa.Column[str]":
    return sa.Column("device", sa.String(length=16), nullable=False)


def _keys(table: str, *columns: str) -> tuple[sa.Constraint, ...]:
    return (
        sa.ForeignKeyConstraint(["device"], ["device.device"], name=f"fk_{table}_device"),
        sa.PrimaryKeyConstraint(*columns, name=f"pk_{table}"),
    )


def _index(name: str, table: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    condition = sa.text(where)
    op.create_index(
        name, table, columns, unique=unique, sqlite_where=condition, postgresql_where=condition
    )
