"""The first schema."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    for create in _CREATE:
        create()


def downgrade() -> None:
    for table in reversed(_TABLES):
        op.drop_table(table)


def _where(condition: str) -> Any:
    """The condition of a partial index, for each database."""
    return {f"{name}_where": sa.text(condition) for name in ("sqlite", "postgresql")}


def _api_token() -> None:
    op.create_table(
        "api_token",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_api_token")),
        sa.UniqueConstraint("hash", name=op.f("uq_api_token_hash")),
    )


def _device() -> None:
    op.create_table(
        "device",
        sa.Column("device", sa.String(length=16), nullable=False),
        sa.Column("product", sa.String(length=24), nullable=True),
        sa.Column("label", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("device", name=op.f("pk_device")),
    )


def _anchor() -> None:
    op.create_table(
        "anchor",
        sa.Column("device", sa.String(length=16), nullable=False),
        sa.Column("inc", sa.String(length=8), nullable=False),
        sa.Column("boot", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("slot", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("device_ms", sa.BigInteger(), nullable=False),
        sa.Column("utc_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["device"], ["device.device"], name=op.f("fk_anchor_device")),
        sa.PrimaryKeyConstraint("device", "inc", "boot", "kind", "slot", name=op.f("pk_anchor")),
    )


def _device_event() -> None:
    op.create_table(
        "device_event",
        sa.Column("device", sa.String(length=16), nullable=False),
        sa.Column("inc", sa.String(length=8), nullable=False),
        sa.Column("boot", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("rtype", sa.SmallInteger(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("event_at", sa.BigInteger(), nullable=False),
        sa.Column("uncertainty_ms", sa.BigInteger(), nullable=True),
        sa.Column("time_quality", sa.String(length=12), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device"], ["device.device"], name=op.f("fk_device_event_device")
        ),
        sa.PrimaryKeyConstraint("device", "inc", "boot", "seq", name=op.f("pk_device_event")),
    )


def _device_key() -> None:
    op.create_table(
        "device_key",
        sa.Column("device", sa.String(length=16), nullable=False),
        sa.Column("epoch", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("grace_until_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["device"], ["device.device"], name=op.f("fk_device_key_device")),
        sa.PrimaryKeyConstraint("device", "epoch", name=op.f("pk_device_key")),
    )


def _fault() -> None:
    op.create_table(
        "fault",
        sa.Column("device", sa.String(length=16), nullable=False),
        sa.Column("spn", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("fmi", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("inc", sa.String(length=8), nullable=False),
        sa.Column("inc_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("boot", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("occurrence", sa.SmallInteger(), nullable=False),
        sa.Column("event_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["device"], ["device.device"], name=op.f("fk_fault_device")),
        sa.PrimaryKeyConstraint("device", "spn", "fmi", name=op.f("pk_fault")),
    )


def _fault_event() -> None:
    op.create_table(
        "fault_event",
        sa.Column("device", sa.String(length=16), nullable=False),
        sa.Column("inc", sa.String(length=8), nullable=False),
        sa.Column("boot", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("spn", sa.Integer(), nullable=False),
        sa.Column("fmi", sa.SmallInteger(), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("occurrence", sa.SmallInteger(), nullable=False),
        sa.Column("severity", sa.SmallInteger(), nullable=False),
        sa.Column("channel", sa.SmallInteger(), nullable=True),
        sa.Column("exp", sa.SmallInteger(), nullable=True),
        sa.Column("value", sa.BigInteger(), nullable=True),
        sa.Column("limit", sa.BigInteger(), nullable=True),
        sa.Column("failing_ms", sa.BigInteger(), nullable=True),
        sa.Column("frame", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("context", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("event_at", sa.BigInteger(), nullable=False),
        sa.Column("uncertainty_ms", sa.BigInteger(), nullable=True),
        sa.Column("time_quality", sa.String(length=12), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("ticket", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["device"], ["device.device"], name=op.f("fk_fault_event_device")),
        sa.PrimaryKeyConstraint("device", "inc", "boot", "seq", name=op.f("pk_fault_event")),
    )


def _fault_event_indexes() -> None:
    op.create_index("ix_fault_event_fault", "fault_event", ["device", "spn", "fmi"])
    op.create_index("ix_fault_event_ticket", "fault_event", ["device", "ticket"])


def _manifest() -> None:
    op.create_table(
        "manifest",
        sa.Column("device", sa.String(length=16), nullable=False),
        sa.Column("manifest", sa.String(length=8), nullable=False),
        sa.Column("channels", sa.JSON(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["device"], ["device.device"], name=op.f("fk_manifest_device")),
        sa.PrimaryKeyConstraint("device", "manifest", name=op.f("pk_manifest")),
    )


def _message() -> None:
    op.create_table(
        "message",
        sa.Column("device", sa.String(length=16), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=16), nullable=False),
        sa.Column("inc", sa.String(length=8), nullable=False),
        sa.Column("boot", sa.BigInteger(), nullable=False),
        sa.Column("now_ms", sa.BigInteger(), nullable=False),
        sa.Column("utc_ms", sa.BigInteger(), nullable=True),
        sa.Column("utc_quality", sa.SmallInteger(), nullable=True),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("transport", sa.String(length=8), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["device"], ["device.device"], name=op.f("fk_message_device")),
        sa.PrimaryKeyConstraint("device", "hash", name=op.f("pk_message")),
    )


def _message_indexes() -> None:
    op.create_index("ix_message_recent", "message", ["device", "received_at", "hash"])


def _quarantine() -> None:
    op.create_table(
        "quarantine",
        sa.Column("device", sa.String(length=16), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=16), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("transport", sa.String(length=8), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("boot", sa.BigInteger(), nullable=True),
        sa.Column("seq", sa.BigInteger(), nullable=True),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["device"], ["device.device"], name=op.f("fk_quarantine_device")),
        sa.PrimaryKeyConstraint("device", "hash", name=op.f("pk_quarantine")),
    )


def _quarantine_indexes() -> None:
    op.create_index("ix_quarantine_recent", "quarantine", ["device", "received_at"])


def _record() -> None:
    op.create_table(
        "record",
        sa.Column("device", sa.String(length=16), nullable=False),
        sa.Column("inc", sa.String(length=8), nullable=False),
        sa.Column("boot", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(length=16), nullable=False),
        sa.Column("rtype", sa.SmallInteger(), nullable=False),
        sa.Column("ms", sa.BigInteger(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("message", sa.LargeBinary(length=16), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("late", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("digested_at", sa.BigInteger(), nullable=True),
        sa.Column("digest_failure", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["device"], ["device.device"], name=op.f("fk_record_device")),
        sa.PrimaryKeyConstraint("device", "inc", "boot", "seq", name=op.f("pk_record")),
    )


def _record_indexes() -> None:
    op.create_index(
        "ix_record_waiting", "record", ["received_at", "device"], **_where("digested_at IS NULL")
    )


def _security_event() -> None:
    op.create_table(
        "security_event",
        sa.Column("device", sa.String(length=16), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=16), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device"], ["device.device"], name=op.f("fk_security_event_device")
        ),
        sa.PrimaryKeyConstraint("device", "hash", name=op.f("pk_security_event")),
    )


def _session() -> None:
    op.create_table(
        "session",
        sa.Column("device", sa.String(length=16), nullable=False),
        sa.Column("inc", sa.String(length=8), nullable=False),
        sa.Column("boot", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("newest", sa.Boolean(), nullable=False),
        sa.Column("inc_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("first_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("last_now_ms", sa.BigInteger(), nullable=False),
        sa.Column("upper_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("lower_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("last_server_ms", sa.BigInteger(), nullable=True),
        sa.Column("build", sa.String(length=16), nullable=False),
        sa.Column("manifest", sa.String(length=8), nullable=True),
        sa.Column("next_seq", sa.BigInteger(), nullable=True),
        sa.Column("dropped", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.SmallInteger(), nullable=True),
        sa.Column("conn", sa.BigInteger(), nullable=True),
        sa.Column("agent", sa.String(length=32), nullable=True),
        sa.Column("platform", sa.String(length=48), nullable=True),
        sa.Column("reset_cause", sa.SmallInteger(), nullable=True),
        sa.Column("config_version", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["device"], ["device.device"], name=op.f("fk_session_device")),
        sa.PrimaryKeyConstraint("device", "inc", "boot", name=op.f("pk_session")),
    )


def _session_indexes() -> None:
    op.create_index(
        "ix_session_newest", "session", ["device", "inc"], unique=True, **_where("newest")
    )


def _ticket() -> None:
    op.create_table(
        "ticket",
        sa.Column("device", sa.String(length=16), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("spn", sa.Integer(), nullable=False),
        sa.Column("fmi", sa.SmallInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("severity", sa.SmallInteger(), nullable=False),
        sa.Column("product", sa.String(length=24), nullable=True),
        sa.Column("code", sa.String(length=16), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("event_at", sa.BigInteger(), nullable=False),
        sa.Column("last_event_at", sa.BigInteger(), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("occurrences", sa.Integer(), nullable=False),
        sa.Column("reopened", sa.Integer(), server_default="0", nullable=False),
        sa.Column("recovered_at", sa.BigInteger(), nullable=True),
        sa.Column("resolve_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["device"], ["device.device"], name=op.f("fk_ticket_device")),
        sa.PrimaryKeyConstraint("device", "number", name=op.f("pk_ticket")),
    )


def _ticket_indexes() -> None:
    op.create_index("ix_ticket_due", "ticket", ["resolve_at"], **_where("resolve_at IS NOT NULL"))
    op.create_index("ix_ticket_fault", "ticket", ["device", "spn", "fmi"])
    op.create_index(
        "ix_ticket_one_open",
        "ticket",
        ["device", "spn", "fmi"],
        unique=True,
        **_where("ended_at IS NULL"),
    )
    op.create_index(
        "ix_ticket_open_recent",
        "ticket",
        [
            sa.literal_column("updated_at DESC"),
            sa.literal_column("device DESC"),
            sa.literal_column("number DESC"),
        ],
        **_where("ended_at IS NULL"),
    )
    op.create_index(
        "ix_ticket_recent",
        "ticket",
        [
            sa.literal_column("updated_at DESC"),
            sa.literal_column("device DESC"),
            sa.literal_column("number DESC"),
        ],
    )


def _ticket_event() -> None:
    op.create_table(
        "ticket_event",
        sa.Column("device", sa.String(length=16), nullable=False),
        sa.Column("ticket", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("n", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("from_state", sa.String(length=16), nullable=True),
        sa.Column("to_state", sa.String(length=16), nullable=True),
        sa.Column("rule", sa.String(length=32), nullable=True),
        sa.Column("evidence", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["device"], ["device.device"], name=op.f("fk_ticket_event_device")
        ),
        sa.PrimaryKeyConstraint("device", "ticket", "n", name=op.f("pk_ticket_event")),
    )


_TABLES = (  # noqa: SIM905 - one on each line would be a page
    "api_token device anchor device_event device_key fault fault_event "
    "manifest message quarantine record security_event session ticket ticket_event"
).split()
_CREATE = (
    _api_token,
    _device,
    _anchor,
    _device_event,
    _device_key,
    _fault,
    _fault_event,
    _fault_event_indexes,
    _manifest,
    _message,
    _message_indexes,
    _quarantine,
    _quarantine_indexes,
    _record,
    _record_indexes,
    _security_event,
    _session,
    _session_indexes,
    _ticket,
    _ticket_indexes,
    _ticket_event,
)
