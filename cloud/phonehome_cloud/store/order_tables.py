"""The tables of what devices are told to do: commands, and the configuration each should have."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
)

from .columns import Bytes, device_key, metadata

# state: core.orders. A command is bound to (inc, boot, cseq) when it is sent; deadline_ms is the
# device's uptime there. ended_at is NULL exactly while it may still be sent.
command = Table(
    "command",
    metadata,
    device_key(),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("code", SmallInteger, nullable=False),
    # The arguments as they are signed: CBOR, NULL for none.
    Column("args", Bytes),
    Column("state", String(12), nullable=False),
    # May be given to a later boot when the one that it was sent to ended without a result.
    Column("repeatable", Boolean, nullable=False),
    # "token:<name>", or "config" for those that the receiver gives by itself.
    Column("who", String(64), nullable=False),
    Column("asked_at", BigInteger, nullable=False),
    Column("deadline_at", BigInteger, nullable=False),
    Column("inc", String(8)),
    Column("boot", BigInteger),
    Column("cseq", BigInteger),
    Column("deadline_ms", BigInteger),
    Column("sends", Integer, nullable=False, server_default="0"),
    Column("sent_at", BigInteger),
    # Of the result record: RESULT_*, and whatever value it carried, with texts for map keys.
    Column("status", SmallInteger),
    Column("value", JSON(none_as_null=True)),
    Column("ended_at", BigInteger),
)
Index(
    "ix_command_open",
    command.c.device,
    command.c.number,
    unique=True,
    sqlite_where=command.c.ended_at.is_(None),
    postgresql_where=command.c.ended_at.is_(None),
)
# A cseq means one command; this is where its result finds it.
Index(
    "ix_command_bound",
    command.c.device,
    command.c.inc,
    command.c.boot,
    command.c.cseq,
    unique=True,
    sqlite_where=command.c.cseq.is_not(None),
    postgresql_where=command.c.cseq.is_not(None),
)
Index(
    "ix_command_deadline",
    command.c.deadline_at,
    sqlite_where=command.c.ended_at.is_(None),
    postgresql_where=command.c.ended_at.is_(None),
)

# The configuration that a device should have. state: core.configs. due_at is when the receiver
# looks at it again, NULL when only the device can change something.
device_config = Table(
    "device_config",
    metadata,
    device_key(),
    Column("version", BigInteger, nullable=False),
    # As they were asked for, {name: number}, and as they are sent, {key: [name, number]}.
    Column("wished", JSON, nullable=False),
    Column("encoded", JSON, nullable=False),  # null for the value of a secret
    Column("state", String(12), nullable=False),
    Column("who", String(64), nullable=False),
    Column("asked_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    # The version that the device says it runs under; NULL before it said one.
    Column("reported", BigInteger),
    # What the last result said of each key, {key: PUSHED_*}.
    Column("judged", JSON(none_as_null=True)),
    Column("tries", SmallInteger, nullable=False),
    # The number of the newest command that carries it.
    Column("command", Integer),
    Column("due_at", BigInteger),
)
Index(
    "ix_device_config_due",
    device_config.c.due_at,
    sqlite_where=device_config.c.due_at.is_not(None),
    postgresql_where=device_config.c.due_at.is_not(None),
)

# What is secret in the configuration of a device: {key: text} as JSON, AES-256-GCM under the
# master key of this id, bound to the device.
config_secret = Table(
    "config_secret",
    metadata,
    device_key(),
    Column("sealed", Bytes, nullable=False),
    Column("master", String(8), nullable=False),
)
