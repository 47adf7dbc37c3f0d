"""Visits, their proposals, technicians' time, and when somebody is home."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _visit()
    _proposal()
    _booking()
    _presence()
    _calendar_reply()


def downgrade() -> None:
    for table in ("calendar_reply", "presence", "booking", "proposal", "visit"):
        op.drop_table(table)


def _key() -> list[sa.Column[Any]]:
    return [
        sa.Column("device", sa.String(length=16), nullable=False),
        sa.Column("ticket", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("action", sa.Integer(), autoincrement=False, nullable=False),
    ]


def _of_device(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_device")
    return sa.ForeignKeyConstraint(["device"], ["device.device"], name=name)


def _visit() -> None:
    op.create_table(
        "visit",
        *_key(),
        sa.Column("uid", sa.String(length=64), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("about", sa.JSON(), nullable=False),
        sa.Column("skills", sa.JSON(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("parts", sa.JSON(), nullable=False),
        sa.Column("parts_at", sa.BigInteger(), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("area", sa.String(length=64), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("technician", sa.String(length=64), nullable=True),
        sa.Column("start_at", sa.BigInteger(), nullable=True),
        sa.Column("end_at", sa.BigInteger(), nullable=True),
        sa.Column("p_home", sa.Float(), nullable=True),
        sa.Column("was_home", sa.Boolean(), nullable=True),
        sa.Column("closing", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("reply_sequence", sa.Integer(), nullable=True),
        sa.Column("reply_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        _of_device("visit"),
        sa.PrimaryKeyConstraint("device", "ticket", "action", name=op.f("pk_visit")),
        sa.UniqueConstraint("uid", name=op.f("uq_visit_uid")),
    )
    op.create_index("ix_visit_technician", "visit", ["technician", "start_at"])
    op.create_index("ix_visit_state", "visit", ["state", "start_at"])


def _proposal() -> None:
    op.create_table(
        "proposal",
        *_key(),
        sa.Column("round", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("place", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("technician", sa.String(length=64), nullable=False),
        sa.Column("start_at", sa.BigInteger(), nullable=False),
        sa.Column("end_at", sa.BigInteger(), nullable=False),
        sa.Column("p_home", sa.Float(), nullable=False),
        _of_device("proposal"),
        sa.PrimaryKeyConstraint(
            "device", "ticket", "action", "round", "place", name=op.f("pk_proposal")
        ),
    )


def _booking() -> None:
    op.create_table(
        "booking",
        sa.Column("technician", sa.String(length=64), nullable=False),
        sa.Column("cell_at", sa.BigInteger(), autoincrement=False, nullable=False),
        *_key(),
        sa.PrimaryKeyConstraint("technician", "cell_at", name=op.f("pk_booking")),
    )
    op.create_index("ix_booking_visit", "booking", ["device", "ticket", "action"])


def _presence() -> None:
    op.create_table(
        "presence",
        sa.Column("device", sa.String(length=16), nullable=False),
        sa.Column("uses", sa.JSON(), nullable=False),
        sa.Column("since_at", sa.BigInteger(), nullable=False),
        sa.Column("until_at", sa.BigInteger(), nullable=False),
        sa.Column("inc", sa.String(length=8), nullable=True),
        sa.Column("boot", sa.BigInteger(), nullable=True),
        sa.Column("seq", sa.BigInteger(), nullable=True),
        _of_device("presence"),
        sa.PrimaryKeyConstraint("device", name=op.f("pk_presence")),
    )


def _calendar_reply() -> None:
    op.create_table(
        "calendar_reply",
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("read_at", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.String(length=120), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_calendar_reply")),
    )
    op.create_index("ix_calendar_reply_read", "calendar_reply", ["read_at"])
