"""The tables of the receiver, written once for SQLite and PostgreSQL.

Every key starts with the device, and so does every query of the hot path: nothing of one device
is ever joined to another's, so the tables can be distributed by that column. There are no
sequences: keys are what the device sent (incarnation, boot, seq), a hash, or a number counted
inside the device.

Devices are 16 and incarnations 8 lower-case hex digits. `_at` is unix ms UTC on the receiver's
clock or, for `event_at`, as reconstructed from anchors; other `_ms` are the device's uptime.
"""

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
    Text,
    and_,
    false,
)

from . import service_tables  # noqa: F401 - for the metadata alone
from .columns import PERSONAL, Bytes, metadata
from .columns import device_key as device_key_column
from .desk_tables import api_token, archive, receiver
from .enrolling_tables import claim, claim_code, enrollment
from .message_tables import message
from .order_tables import command, config_secret, device_config
from .telling_tables import (
    contact_wish,
    effect,
    effect_attempt,
    suppression,
    webhook,
    webhook_secret,
)
from .unverified_tables import unverified

__all__ = [
    "anchor",
    "api_token",
    "archive",
    "claim",
    "claim_code",
    "command",
    "config_secret",
    "contact_wish",
    "device",
    "device_config",
    "device_event",
    "device_key",
    "effect",
    "effect_attempt",
    "enrollment",
    "fault",
    "fault_event",
    "manifest",
    "message",
    "metadata",
    "quarantine",
    "receiver",
    "record",
    "security_event",
    "session",
    "suppression",
    "ticket",
    "ticket_event",
    "unverified",
    "webhook",
    "webhook_secret",
]

device = Table(
    "device",
    metadata,
    Column("device", String(16), primary_key=True),
    Column("product", String(24)),
    Column("label", Text, nullable=False, server_default="", info=PERSONAL),
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),  # NULL while it may speak; its keys are gone then
    Column("code_hash", Bytes(32)),  # of the code on its label: core.labels
)

# state: active, next (written to the device, not seen yet) or grace (until grace_until_at).
device_key = Table(
    "device_key",
    metadata,
    device_key_column(),
    Column("epoch", SmallInteger, primary_key=True, autoincrement=False),
    Column("state", String(8), nullable=False),
    # AES-256-GCM under the master key: nonce (12) and ciphertext, bound to device and epoch.
    Column("sealed", Bytes, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("grace_until_at", BigInteger),
    # Sealed, too: what the device derives this key with; NULL for a key that was handed over.
    Column("salt", Bytes),
    # The id of that master key (store.masters); empty: from before rows named it.
    Column("master", String(8), nullable=False, server_default=""),
)
Index("ix_device_key_master", device_key.c.master)

# One boot of one incarnation. last_now_ms and last_seen_at never move for late traffic.
session = Table(
    "session",
    metadata,
    device_key_column(),
    Column("inc", String(8), primary_key=True),
    Column("boot", BigInteger, primary_key=True, autoincrement=False),
    # True on the highest boot of its incarnation: one row says which traffic is late.
    Column("newest", Boolean, nullable=False),
    # When the incarnation was first heard: orders incarnations of a device.
    Column("inc_seen_at", BigInteger, nullable=False),
    Column("first_seen_at", BigInteger, nullable=False),
    Column("last_seen_at", BigInteger, nullable=False),
    Column("last_now_ms", BigInteger, nullable=False),
    # How many bounds of each kind were taken: count % 30 is the next slot in `anchor`.
    Column("upper_count", BigInteger, nullable=False, server_default="0"),
    Column("lower_count", BigInteger, nullable=False, server_default="0"),
    Column("last_server_ms", BigInteger),
    Column("build", String(16), nullable=False),
    Column("manifest", String(8)),
    Column("next_seq", BigInteger),
    Column("dropped", BigInteger),
    # 1 online, 0 offline (state topic, a hint only), NULL never said; conn pairs them.
    Column("state", SmallInteger),
    Column("conn", BigInteger),
    # From the hello record, by the digest.
    Column("agent", String(32)),
    Column("platform", String(48)),
    Column("reset_cause", SmallInteger),
    Column("config_version", BigInteger),
)
Index(
    "ix_session_newest",
    session.c.device,
    session.c.inc,
    unique=True,
    sqlite_where=session.c.newest,
    postgresql_where=session.c.newest,
)

# Few devices ever drop anything: what they dropped is summed over this.
Index(
    "ix_session_dropping",
    session.c.dropped,
    sqlite_where=and_(session.c.newest, session.c.dropped > 0),
    postgresql_where=and_(session.c.newest, session.c.dropped > 0),
)

# The newest 30 upper (0) and lower (1) bounds of a boot: at uptime device_ms it was not later /
# not earlier than utc_ms; upper ones of couriers are apart (2). Rings of slots, so nothing has to
# be deleted. They lie in their key: all of a boot are read for each event.
anchor = Table(
    "anchor",
    metadata,
    device_key_column(),
    Column("inc", String(8), primary_key=True),
    Column("boot", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", SmallInteger, primary_key=True, autoincrement=False),
    Column("slot", SmallInteger, primary_key=True, autoincrement=False),
    Column("device_ms", BigInteger, nullable=False),
    Column("utc_ms", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# (device, origin incarnation, boot, seq) is the identity of a record for ever; what comes under it
# again is compared by its bytes. The foreign key is that of its message, which it is written
# beside: one for each record was a quarter of what PostgreSQL does for it.
record = Table(
    "record",
    metadata,
    Column("device", String(16), primary_key=True),
    Column("inc", String(8), primary_key=True),
    Column("boot", BigInteger, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("rtype", SmallInteger, nullable=False),
    Column("ms", BigInteger, nullable=False),
    Column("raw", Bytes, nullable=False),
    Column("message", Bytes(16), nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("late", Boolean, nullable=False, server_default=false()),
    # NULL while the digest owes it an answer; digest_failure says why it got none.
    Column("digested_at", BigInteger),
    Column("digest_failure", Text),
)
Index(
    "ix_record_waiting",
    record.c.device,
    record.c.received_at,
    sqlite_where=record.c.digested_at.is_(None),
    postgresql_where=record.c.digested_at.is_(None),
)

# Dead letters: few, and looked for by people.
Index(
    "ix_record_dead",
    record.c.received_at,
    record.c.device,
    sqlite_where=record.c.digest_failure.is_not(None),
    postgresql_where=record.c.digest_failure.is_not(None),
)

# Authentic but unreadable: a whole message, or one record of it (then seq is set).
quarantine = Table(
    "quarantine",
    metadata,
    device_key_column(),
    Column("hash", Bytes(16), primary_key=True),
    Column("reason", String(32), nullable=False),
    Column("detail", Text, nullable=False),
    Column("transport", String(8), nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("boot", BigInteger),
    Column("seq", BigInteger),
    Column("raw", Bytes, nullable=False),
)
Index("ix_quarantine_recent", quarantine.c.device, quarantine.c.received_at)
Index("ix_quarantine_newest", quarantine.c.received_at, quarantine.c.device, quarantine.c.hash)

# kind: state_lost, id_collision, path_mismatch. The hash of kind and detail makes repeats one row.
security_event = Table(
    "security_event",
    metadata,
    device_key_column(),
    Column("hash", Bytes(16), primary_key=True),
    Column("kind", String(24), nullable=False),
    Column("first_at", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("detail", JSON, nullable=False),
)

# Channel catalogs that devices sent: {channel: [name, unit]} for one manifest id of one device.
manifest = Table(
    "manifest",
    metadata,
    device_key_column(),
    Column("manifest", String(8), primary_key=True),
    Column("channels", JSON, nullable=False),
    Column("received_at", BigInteger, nullable=False),
)

# Where a fault of a device stands: the newest transition by (inc_seen_at, boot, seq).
fault = Table(
    "fault",
    metadata,
    device_key_column(),
    Column("spn", Integer, primary_key=True, autoincrement=False),
    Column("fmi", SmallInteger, primary_key=True, autoincrement=False),
    Column("inc", String(8), nullable=False),
    Column("inc_seen_at", BigInteger, nullable=False),
    Column("boot", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("occurrence", SmallInteger, nullable=False),
    Column("event_at", BigInteger, nullable=False),
)

# Every transition, once, with its time window and the ticket that it touched. No foreign key, as
# ticket_event: who adds holds the device (PostgreSQL took 8 of 66 us a record to look for it).
fault_event = Table(
    "fault_event",
    metadata,
    Column("device", String(16), primary_key=True),
    Column("inc", String(8), primary_key=True),
    Column("boot", BigInteger, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("spn", Integer, nullable=False),
    Column("fmi", SmallInteger, nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("occurrence", SmallInteger, nullable=False),
    Column("severity", SmallInteger, nullable=False),
    Column("channel", SmallInteger),
    # value and limit are integers times 10**exp in the channel's unit.
    Column("exp", SmallInteger),
    Column("value", BigInteger),
    Column("limit", BigInteger),
    Column("failing_ms", BigInteger),
    # Whether its record has a freeze frame (store.frames reads it there).
    Column("has_frame", Boolean, nullable=False, server_default=false()),
    Column("context", JSON(none_as_null=True)),
    Column("event_at", BigInteger, nullable=False),
    Column("uncertainty_ms", BigInteger),
    Column("time_quality", String(12), nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("late", Boolean, nullable=False),
    Column("ticket", Integer),
)
Index("ix_fault_event_ticket", fault_event.c.device, fault_event.c.ticket)

# What else a device told about itself: hello (1), crash (4), log (5), result (6), as JSON.
device_event = Table(
    "device_event",
    metadata,
    device_key_column(),
    Column("inc", String(8), primary_key=True),
    Column("boot", BigInteger, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("rtype", SmallInteger, nullable=False),
    Column("body", JSON, nullable=False),
    Column("event_at", BigInteger, nullable=False),
    Column("uncertainty_ms", BigInteger),
    Column("time_quality", String(12), nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("late", Boolean, nullable=False),
    # Of a crash (core.fingerprint): what is equal is the same crash, on whatever device.
    Column("fingerprint", String(24)),
)
Index(
    "ix_device_event_fingerprint",
    device_event.c.fingerprint,
    device_event.c.event_at,
    sqlite_where=device_event.c.fingerprint.is_not(None),
    postgresql_where=device_event.c.fingerprint.is_not(None),
)

# Its public id is "<device>-<number>" (core.tickets.ticket_id): an id that carries the device.
ticket = Table(
    "ticket",
    metadata,
    device_key_column(),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("spn", Integer, nullable=False),
    Column("fmi", SmallInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("severity", SmallInteger, nullable=False),
    Column("product", String(24)),
    Column("code", String(16)),
    Column("title", Text, nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    # The first and the newest confirmation, in event time.
    Column("event_at", BigInteger, nullable=False),
    Column("last_event_at", BigInteger, nullable=False),
    Column("late", Boolean, nullable=False),
    Column("occurrences", Integer, nullable=False),
    Column("reopened", Integer, nullable=False, server_default="0"),
    # Set while the device proved recovery and the off-rule is running: resolve then.
    Column("recovered_at", BigInteger),
    Column("resolve_at", BigInteger),
    # NULL exactly in the open states (core.tickets.OPEN_STATES).
    Column("ended_at", BigInteger),
    # How many rows ticket_event has for it: the next one's n.
    Column("events", Integer, nullable=False),
)
Index(
    "ix_ticket_one_open",
    ticket.c.device,
    ticket.c.spn,
    ticket.c.fmi,
    unique=True,
    sqlite_where=ticket.c.ended_at.is_(None),
    postgresql_where=ticket.c.ended_at.is_(None),
)
Index("ix_ticket_fault", ticket.c.device, ticket.c.spn, ticket.c.fmi)
Index(
    "ix_ticket_open_recent",
    ticket.c.updated_at.desc(),
    ticket.c.device.desc(),
    ticket.c.number.desc(),
    sqlite_where=ticket.c.ended_at.is_(None),
    postgresql_where=ticket.c.ended_at.is_(None),
)
Index(
    "ix_ticket_recent",
    ticket.c.updated_at.desc(),
    ticket.c.device.desc(),
    ticket.c.number.desc(),
)
Index(
    "ix_ticket_due",
    ticket.c.resolve_at,
    sqlite_where=ticket.c.resolve_at.is_not(None),
    postgresql_where=ticket.c.resolve_at.is_not(None),
)

# Append-only; kind is one of the HISTORY_ words of core.tickets.
ticket_event = Table(
    "ticket_event",
    metadata,
    Column("device", String(16), primary_key=True),
    Column("ticket", Integer, primary_key=True, autoincrement=False),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    # "device", "rule" or "token:<name>"
    Column("who", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("from_state", String(16)),
    Column("to_state", String(16)),
    Column("rule", String(32)),
    Column("evidence", JSON(none_as_null=True), info=PERSONAL),
    Column("text", Text, info=PERSONAL),
)
