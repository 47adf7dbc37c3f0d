"""Records are compared by their bytes, and have no foreign key beside that of their message."""

from collections.abc import Iterable
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_REST = "rtype, ms, raw, message, received_at, late, digested_at, digest_failure"
_INDEXES = (
    ("ix_record_waiting", ["device", "received_at"], sa.text("digested_at IS NULL")),
    ("ix_record_dead", ["received_at", "device"], sa.text("digest_failure IS NOT NULL")),
)


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _write_anew("", [], [])
        return
    op.drop_constraint(op.f("fk_record_device"), "record")
    op.drop_column("record", "hash")


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        connection: Any = op.get_bind().connection.driver_connection
        connection.create_function("hash_of", 1, lambda raw: sha256(raw).digest()[:16])
        column = sa.Column[bytes]("hash", sa.LargeBinary(length=16), nullable=False)
        key = sa.ForeignKeyConstraint(["device"], ["device.device"], name=op.f("fk_record_device"))
        _write_anew("hash_of(raw), ", [column], [key])
        return
    op.add_column("record", sa.Column("hash", sa.LargeBinary(length=16)))
    op.execute("UPDATE record SET hash = substr(sha256(raw), 1, 16)")
    op.alter_column("record", "hash", nullable=False)
    op.create_foreign_key(op.f("fk_record_device"), "record", "device", ["device"], ["device"])


def _write_anew(
    given: str, more: Iterable[sa.Column[Any]], constraints: Iterable[sa.Constraint]
) -> None:
    """The whole table, with `more` columns behind its key and what is `given` in them."""
    op.create_table(
        "record_anew",
        sa.Column("device", sa.String(length=16), nullable=False),
        sa.Column("inc", sa.String(length=8), nullable=False),
        sa.Column("boot", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        *more,
        sa.Column("rtype", sa.SmallInteger(), nullable=False),
        sa.Column("ms", sa.BigInteger(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("message", sa.LargeBinary(length=16), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("late", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("digested_at", sa.BigInteger(), nullable=True),
        sa.Column("digest_failure", sa.Text(), nullable=True),
        *constraints,
        sa.PrimaryKeyConstraint("device", "inc", "boot", "seq", name=op.f("pk_record")),
    )
    rows = f"SELECT device, inc, boot, seq, {given}{_REST} FROM record ORDER BY rowid"  # noqa: S608 - names of our schema
    op.execute(f"INSERT INTO record_anew {rows}")
    op.drop_table("record")
    op.rename_table("record_anew", "record")
    for name, columns, condition in _INDEXES:
        op.create_index(name, "record", columns, sqlite_where=condition)
