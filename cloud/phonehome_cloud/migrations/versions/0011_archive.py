"""What was archived; and raw messages in one partition a week, on PostgreSQL."""

import time

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_WEEK_MS = 7 * 86_400_000
_AHEAD = 4
_COLUMNS = "device, hash, inc, boot, now_ms, utc_ms, utc_quality, received_at, transport, raw"


def upgrade() -> None:
    op.create_table(
        "archive",
        sa.Column("file", sa.String(length=64), nullable=False),
        sa.Column("week_at", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("cleared_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("file", name=op.f("pk_archive")),
    )
    if op.get_bind().dialect.name == "postgresql":
        _partition()


def downgrade() -> None:
    op.drop_table("archive")
    if op.get_bind().dialect.name == "postgresql":
        _rename()
        op.execute("CREATE TABLE message (LIKE message_before INCLUDING DEFAULTS)")
        _dress("device, hash")
        _move()


def _partition() -> None:
    """A unique index of partitions has to name what they are split by: that a message is there
    once is seen to by whoever inserts, who has locked its device's session first.
    """
    _rename()
    op.execute(
        "CREATE TABLE message (LIKE message_before INCLUDING DEFAULTS)"
        " PARTITION BY RANGE (received_at)"
    )
    _dress("device, hash, received_at")
    op.execute("CREATE TABLE message_rest PARTITION OF message DEFAULT")
    this_week = time.time_ns() // 1_000_000 // _WEEK_MS * _WEEK_MS
    for week in range(this_week, this_week + (_AHEAD + 1) * _WEEK_MS, _WEEK_MS):
        name = f"message_{time.strftime('%Y%m%d', time.gmtime(week // 1000))}"
        bounds = f"FROM ({week}) TO ({week + _WEEK_MS})"
        op.execute(f"CREATE TABLE {name} PARTITION OF message FOR VALUES {bounds}")
    _move()


def _rename() -> None:
    op.execute("DROP INDEX ix_message_recent")
    op.execute("ALTER TABLE message RENAME TO message_before")
    op.execute("ALTER TABLE message_before DROP CONSTRAINT pk_message")


def _dress(key: str) -> None:
    op.execute(f"ALTER TABLE message ADD CONSTRAINT pk_message PRIMARY KEY ({key})")
    op.execute(
        "ALTER TABLE message ADD CONSTRAINT fk_message_device"
        " FOREIGN KEY (device) REFERENCES device (device)"
    )
    op.create_index("ix_message_recent", "message", ["device", "received_at", "hash"])


def _move() -> None:
    op.execute(f"INSERT INTO message ({_COLUMNS}) SELECT {_COLUMNS} FROM message_before")  # noqa: S608 - fixed names
    op.execute("DROP TABLE message_before")
