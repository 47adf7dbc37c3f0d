"""The tables of what leaves the receiver: effects, webhooks, and who wants no letters.

An effect is keyed by the occasion that it is about, so that the same one twice is one effect; it
names its device and ticket without referring to them, and outlives both.
"""

from sqlalchemy import JSON, BigInteger, Column, Index, Integer, SmallInteger, String, Table, Text

from .columns import PERSONAL, Bytes, device_key, metadata

_KEY = 200  # core.telling.effect, and the id of a webhook behind it

# kind, weight and state: core.telling.effect. leased_until is set while some receiver sends it:
# when that one is gone, another takes it then.
effect = Table(
    "effect",
    metadata,
    Column("key", String(_KEY), primary_key=True),
    Column("kind", String(8), nullable=False),
    Column("recipient", String(80), nullable=False),
    Column("template", String(64), nullable=False),
    Column("data", JSON, nullable=False, info=PERSONAL),
    Column("attachments", JSON, nullable=False, info=PERSONAL),
    Column("weight", String(8), nullable=False),
    Column("device", String(16)),
    Column("ticket", Integer),
    Column("created_at", BigInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("state", String(10), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("leased_until", BigInteger),
    Column("failure", Text, info=PERSONAL),
    Column("ended_at", BigInteger),
    # The key of the digest that carries it.
    Column("digest", String(_KEY)),
)
_WAITS = effect.c.state == "waiting"
Index("ix_effect_due", effect.c.due_at, sqlite_where=_WAITS, postgresql_where=_WAITS)
Index("ix_effect_state", effect.c.state, effect.c.created_at, effect.c.key)
Index("ix_effect_newest", effect.c.created_at, effect.c.key)
# What somebody was sent lately, for caps and digests.
Index("ix_effect_recipient", effect.c.recipient, effect.c.state, effect.c.ended_at)
Index("ix_effect_ticket", effect.c.device, effect.c.ticket)

# How each try went; one that was killed has no row, and its number is missing.
effect_attempt = Table(
    "effect_attempt",
    metadata,
    Column("key", String(_KEY), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("took_ms", Integer, nullable=False),
    Column("outcome", String(10), nullable=False),
    Column("reason", Text, nullable=False, info=PERSONAL),
)

# Under which name a letter goes: the left side of its Message-ID, 160 random bits, so that who
# never saw a letter cannot say that it came back. `address` is the SHA-256 of where it went.
posted = Table(
    "posted",
    metadata,
    Column("key", String(_KEY), primary_key=True),
    Column("name", String(40), nullable=False, unique=True),
    Column("address", Bytes(32), nullable=False, info=PERSONAL),
    Column("at", BigInteger, nullable=False),
)

# Whom letters about a ticket do not reach. due_at: a person is to hear of it.
unreachable = Table(
    "unreachable",
    metadata,
    device_key(),
    Column("ticket", Integer, primary_key=True, autoincrement=False),
    Column("recipient", String(80), primary_key=True),
    Column("reason", Text, nullable=False, info=PERSONAL),
    Column("at", BigInteger, nullable=False),
    Column("due_at", BigInteger),
)
_NEWS = unreachable.c.due_at.is_not(None)
Index("ix_unreachable_due", unreachable.c.due_at, sqlite_where=_NEWS, postgresql_where=_NEWS)

# Where events go. `audience` is the one that an effect to supplier:ID or sales means, NULL for
# those that subscribe to `events`: types, or starts of types that end with a full stop.
webhook = Table(
    "webhook",
    metadata,
    Column("webhook", String(16), primary_key=True),
    Column("url", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("events", JSON, nullable=False),
    Column("audience", String(80), unique=True),
    Column("disabled_at", BigInteger),
    Column("disabled_because", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", String(64), nullable=False),
)

# All of those that have not expired sign: the new one and, for a while, the one before it.
webhook_secret = Table(
    "webhook_secret",
    metadata,
    Column("webhook", String(16), primary_key=True),
    Column("number", SmallInteger, primary_key=True, autoincrement=False),
    # AES-256-GCM under the master key of this id, bound to the webhook and the number.
    Column("sealed", Bytes, nullable=False),
    Column("master", String(8), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
)
Index("ix_webhook_secret_master", webhook_secret.c.master)

# How somebody wants to be told: minutes of their day, letters a day. NULL: as the settings say.
contact_wish = Table(
    "contact_wish",
    metadata,
    Column("recipient", String(80), primary_key=True),
    Column("daily_cap", SmallInteger),
    Column("quiet_from", SmallInteger),
    Column("quiet_until", SmallInteger),
    Column("unsubscribed_at", BigInteger),
    Column("changed_at", BigInteger, nullable=False),
)

# An address, in lower case, that no letter goes to: its server says that it does not exist.
suppression = Table(
    "suppression",
    metadata,
    Column("address", String(254), primary_key=True, info=PERSONAL),
    Column("reason", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)
