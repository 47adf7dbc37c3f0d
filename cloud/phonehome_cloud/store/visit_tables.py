"""The tables of visits: what was proposed, whose time is taken, when somebody is home.

A visit is an action of a ticket and has its key: (device, ticket, action). Times are as in
`schema`.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
)

from .columns import PERSONAL, Bytes, device_key, metadata

# state: core.visiting.states. technician, start_at and end_at are the time that is held for it
# while it is proposed, that of the appointment while it is booked, and stay when it was closed.
visit = Table(
    "visit",
    metadata,
    device_key(),
    Column("ticket", Integer, primary_key=True, autoincrement=False),
    Column("action", Integer, primary_key=True, autoincrement=False),
    # Of its calendar entry, for ever; 128 random bits, so who knows it was told.
    Column("uid", String(64), nullable=False, unique=True),
    # What was sent last; rises with every change that calendars are told.
    Column("sequence", Integer, nullable=False),
    Column("state", String(12), nullable=False),
    # {"appliance", "fault", "code"}: what it is about, as the product file says it; "words" has
    # that in other languages, "terms" what it costs whom (core.acting.pricing), "sensors" the
    # title and unit of each channel.
    Column("about", JSON, nullable=False),
    # What it needs (core.visiting.slots.Need); parts are [{"part", "title", "count", "price" in
    # hundredths, "reservation" of store.stock or NULL, "van" of whom it is kept in}].
    Column("skills", JSON, nullable=False),
    Column("minutes", Integer, nullable=False),
    Column("parts", JSON, nullable=False),
    Column("parts_at", BigInteger, nullable=False),
    Column("zone", String(64), nullable=False),
    Column("area", String(64), nullable=False, info=PERSONAL),
    # Which of the rounds of proposals is in force; those of earlier ones are void.
    Column("round", Integer, nullable=False),
    Column("technician", String(64)),
    Column("start_at", BigInteger),
    Column("end_at", BigInteger),
    # As it was believed when it was booked, and what the technician found.
    Column("p_home", Float),
    Column("was_home", Boolean),
    # How it was closed: core.visiting.closing.Closing.
    Column("closing", JSON(none_as_null=True), info=PERSONAL),
    # Of the newest calendar reply that counted.
    Column("reply_sequence", Integer),
    Column("reply_at", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)
Index("ix_visit_technician", visit.c.technician, visit.c.start_at)
Index("ix_visit_state", visit.c.state, visit.c.start_at)

proposal = Table(
    "proposal",
    metadata,
    device_key(),
    Column("ticket", Integer, primary_key=True, autoincrement=False),
    Column("action", Integer, primary_key=True, autoincrement=False),
    Column("round", Integer, primary_key=True, autoincrement=False),
    Column("place", SmallInteger, primary_key=True, autoincrement=False),
    Column("technician", String(64), nullable=False),
    Column("start_at", BigInteger, nullable=False),
    Column("end_at", BigInteger, nullable=False),
    Column("p_home", Float, nullable=False),
)

# A technician's time, quarter by quarter of an hour: the primary key is what keeps two visits from
# the same one, on both databases and under any concurrency.
booking = Table(
    "booking",
    metadata,
    Column("technician", String(64), primary_key=True),
    Column("cell_at", BigInteger, primary_key=True, autoincrement=False),
    Column("device", String(16), nullable=False),
    Column("ticket", Integer, nullable=False),
    Column("action", Integer, nullable=False),
)
Index("ix_booking_visit", booking.c.device, booking.c.ticket, booking.c.action)

# When people use an appliance, in the cells of core.visiting.presence; only with their consent,
# and gone when they withdraw it. From since_at until until_at it was looked at; inc, boot and seq
# are those of the last heartbeat that was read.
presence = Table(
    "presence",
    metadata,
    device_key(),
    Column("uses", JSON, nullable=False, info=PERSONAL),
    Column("since_at", BigInteger, nullable=False),
    Column("until_at", BigInteger, nullable=False),
    Column("inc", String(8)),
    Column("boot", BigInteger),
    Column("seq", BigInteger),
)

# Mails of the mailbox that were read, by the hash of their Message-ID, and what came of each.
calendar_reply = Table(
    "calendar_reply",
    metadata,
    Column("hash", Bytes(32), primary_key=True),
    Column("read_at", BigInteger, nullable=False),
    Column("outcome", String(120), nullable=False),
)
Index("ix_calendar_reply_read", calendar_reply.c.read_at)
