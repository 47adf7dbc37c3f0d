"""The tables of who and what: owners, appliances, technicians, parts, suppliers, desks, links.

An owner's id is drawn at random, so that what is left of it in a history after an erasure names
nobody. Technicians, parts and suppliers go by the numbers that people gave them. Dates (bought_at,
warranty_until, contract_until) are 00:00 UTC of their day; the last day of a warranty counts.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    false,
)

from .columns import PERSONAL, Bytes, device_key, metadata

owner = Table(
    "owner",
    metadata,
    Column("owner", String(16), primary_key=True),  # hex digits
    # What the books of the service call them: an import finds them by it.
    Column("number", String(64), unique=True, info=PERSONAL),
    Column("name", Text, nullable=False, info=PERSONAL),
    Column("mail", Text, info=PERSONAL),
    Column("phone", String(16), info=PERSONAL),  # E.164
    Column("language", String(8), nullable=False),
    Column("street", Text, nullable=False, server_default="", info=PERSONAL),
    Column("postcode", String(12), nullable=False, server_default="", info=PERSONAL),
    Column("city", Text, nullable=False, server_default="", info=PERSONAL),
    Column("country", String(2), nullable=False, server_default=""),
    Column("zone", String(64), nullable=False),
    # {consent: {"at": ms, "by": who wrote it down}}: core.people.consents
    Column("consents", JSON, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)
Index("ix_owner_mail", owner.c.mail)

# A device in somebody's home; its product is that of the device.
appliance = Table(
    "appliance",
    metadata,
    device_key(),
    Column("owner", String(16), ForeignKey("owner.owner")),
    Column("owned_at", BigInteger),
    Column("serial", String(64)),
    Column("bought_at", BigInteger),
    Column("warranty_until", BigInteger),
    # The number of a service contract, how long it is good, and what it consents to.
    Column("contract", String(64)),
    Column("contract_until", BigInteger),
    Column("grants", JSON, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)
Index("ix_appliance_owner", appliance.c.owner)
Index(
    "ix_appliance_serial",
    appliance.c.serial,
    sqlite_where=appliance.c.serial.is_not(None),
    postgresql_where=appliance.c.serial.is_not(None),
)

# Somebody has claimed an appliance that has an owner, who is asked; one at a time.
transfer = Table(
    "transfer",
    metadata,
    device_key(),
    Column("to_owner", String(16), ForeignKey("owner.owner"), nullable=False),
    Column("asked_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)
Index("ix_transfer_to_owner", transfer.c.to_owner)

technician = Table(
    "technician",
    metadata,
    Column("technician", String(32), primary_key=True),
    Column("name", Text, nullable=False, info=PERSONAL),
    Column("mail", Text, info=PERSONAL),
    Column("calendar", Text, info=PERSONAL),  # the address that invitations go to
    Column("phone", String(16), info=PERSONAL),
    Column("language", String(8), nullable=False),
    Column("zone", String(64), nullable=False),
    Column("skills", JSON, nullable=False),
    # Starts of "country-postcode": "DE-10" is every postcode of Germany that starts with 10.
    Column("area", JSON, nullable=False),
    Column("hours", Text, nullable=False),  # core.people.hours
    Column("updated_at", BigInteger, nullable=False),
)

# While a technician is away: [from_at, until_at).
leave = Table(
    "leave",
    metadata,
    Column("technician", String(32), ForeignKey("technician.technician"), primary_key=True),
    Column("from_at", BigInteger, primary_key=True, autoincrement=False),
    Column("until_at", BigInteger, nullable=False),
    CheckConstraint("until_at > from_at", name="ck_leave_until_at"),
)

supplier = Table(
    "supplier",
    metadata,
    Column("supplier", String(32), primary_key=True),
    Column("name", Text, nullable=False),
    Column("mail", Text),
    Column("hook", String(64)),  # the webhook that takes its orders
    Column("language", String(8), nullable=False),
    Column("lead_days", Integer, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

part = Table(
    "part",
    metadata,
    Column("part", String(64), primary_key=True),
    Column("title", Text, nullable=False),
    Column("price_cents", BigInteger),  # hundredths of the currency; NULL: nobody said
    Column("currency", String(3), nullable=False),
    Column("supplier", String(32), ForeignKey("supplier.supplier")),
    Column("lead_days", Integer),  # NULL: as the supplier's
    Column("discontinued", Boolean, nullable=False, server_default=false()),
    Column("updated_at", BigInteger, nullable=False),
)
Index("ix_part_supplier", part.c.supplier)

# How many lie where: in the depot ("") or in the van of a technician. What is reserved is still
# there. The constraints hold when two take the last one at the same time.
stock = Table(
    "stock",
    metadata,
    Column("part", String(64), ForeignKey("part.part"), primary_key=True),
    Column("van", String(32), primary_key=True, server_default=""),
    Column("pieces", Integer, nullable=False),
    Column("reserved", Integer, nullable=False, server_default="0"),
    CheckConstraint("reserved >= 0", name="ck_stock_reserved"),
    CheckConstraint("pieces >= reserved", name="ck_stock_pieces"),
)
Index("ix_stock_van", stock.c.van)

reservation = Table(
    "reservation",
    metadata,
    Column("reservation", String(16), primary_key=True),  # hex digits
    Column("part", String(64), nullable=False),
    Column("van", String(32), nullable=False),
    Column("pieces", Integer, nullable=False),
    Column("device", String(16)),
    Column("ticket", Integer),
    Column("reserved_at", BigInteger, nullable=False),
    CheckConstraint("pieces > 0", name="ck_reservation_pieces"),
)
Index("ix_reservation_stock", reservation.c.part, reservation.c.van)
Index("ix_reservation_ticket", reservation.c.device, reservation.c.ticket)

# "service" and "sales": who answers, when. Holidays are days as in 2026-12-25.
desk = Table(
    "desk",
    metadata,
    Column("desk", String(16), primary_key=True),
    Column("mail", Text),
    Column("phone", String(16)),
    Column("language", String(8), nullable=False),
    Column("zone", String(64), nullable=False),
    Column("hours", Text, nullable=False),
    Column("holidays", JSON, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

# A page that is opened by who holds the link. 256 random bits, of which only a hash is here.
link = Table(
    "link",
    metadata,
    Column("hash", Bytes(32), primary_key=True),
    Column("purpose", String(16), nullable=False),
    Column("subject", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("spent_at", BigInteger),
)
Index("ix_link_expires", link.c.expires_at)
Index("ix_link_subject", link.c.subject)
