"""The tables of what is done about a ticket: each row belongs to one action of one ticket.

`action` is the number of the action within its ticket. `due_at` is when a worker looks at a row
again, NULL when nothing but an outcome can change it; `ended_at` is NULL while it goes on. Amounts
are in the smallest unit of their currency.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    Text,
)

from .columns import PERSONAL, Bytes, device_key, metadata


def _ticket() -> Column[int]:
    return Column("ticket", Integer, primary_key=True, autoincrement=False)


def _action() -> Column[int]:
    return Column("action", Integer, primary_key=True, autoincrement=False)


def _order_number() -> Column[int]:
    """Which order of its action it is, from 1."""
    return Column(
        "number", SmallInteger, primary_key=True, autoincrement=False, server_default="1"
    )


def _index_open(table: Table, column: str) -> None:
    """For the lists of what goes on."""
    open_: ColumnElement[bool] = table.c.ended_at.is_(None)
    name = f"ix_{table.name}_open"
    Index(name, table.c[column], sqlite_where=open_, postgresql_where=open_)


def _index_due(table: Table) -> None:
    due: ColumnElement[bool] = table.c.due_at.is_not(None)
    Index(f"ix_{table.name}_due", table.c.due_at, sqlite_where=due, postgresql_where=due)


# A numbered step of an article. state: core.acting.steps; by: "owner" or "device".
step = Table(
    "step",
    metadata,
    device_key(),
    _ticket(),
    _action(),
    Column("step", SmallInteger, primary_key=True, autoincrement=False),
    Column("state", String(12), nullable=False),
    # When the device can confirm it: {"sensor", "channel", "exp", "min", "max", "within_s", and
    # "code" of the command that reads sensors again}.
    Column("proof", JSON(none_as_null=True)),
    # From when on what the device says counts, and until when.
    Column("opened_at", BigInteger),
    Column("until_at", BigInteger),
    Column("by", String(8)),
    Column("evidence", JSON(none_as_null=True)),
    # The number of the newest command that had the device read again.
    Column("command", Integer),
    Column("due_at", BigInteger),
    Column("ended_at", BigInteger),
)
_index_due(step)

# A command that shall mend something. state: core.acting.remote.
remote_fix = Table(
    "remote_fix",
    metadata,
    device_key(),
    _ticket(),
    _action(),
    Column("state", String(12), nullable=False),
    Column("code", SmallInteger, nullable=False),
    Column("args", Bytes),  # as they are signed
    # How the appliance says that it is idle: {"code", "key", "min", "max"}; NULL: it needs not be.
    Column("idle", JSON(none_as_null=True)),
    # The number of the newest command that was given for it: the question, or the fix.
    Column("command", Integer),
    Column("before", JSON(none_as_null=True)),
    Column("after", JSON(none_as_null=True)),
    Column("asked_at", BigInteger, nullable=False),
    Column("until_at", BigInteger, nullable=False),
    Column("due_at", BigInteger),
    Column("ended_at", BigInteger),
)
_index_due(remote_fix)

# Parts on their way, one row for each who packs some of them. state: core.acting.part_orders;
# source: "stock" or "supplier".
part_order = Table(
    "part_order",
    metadata,
    device_key(),
    _ticket(),
    _action(),
    _order_number(),
    Column("state", String(12), nullable=False),
    Column("source", String(8), nullable=False),
    Column("supplier", String(64)),
    # "owner", or "depot" for what a visit brings along.
    Column("destination", String(8), nullable=False, server_default="owner"),
    # [{"part", "title", "count", "price", and "reservation" for what our own depot keeps}]
    Column("lines", JSON, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("payer", String(12), nullable=False),
    Column("ordered_at", BigInteger, nullable=False),
    # Until then it may be cancelled without asking anybody: nobody was told of it.
    Column("cancel_until_at", BigInteger, nullable=False),
    Column("expected_at", BigInteger),
    Column("tracking", Text, info=PERSONAL),
    Column("reason", Text, info=PERSONAL),
    Column("due_at", BigInteger),
    Column("ended_at", BigInteger),
)
_index_due(part_order)
_index_open(part_order, "ordered_at")

# What a supplier said of an order, once each by the id that it gave its message.
part_order_event = Table(
    "part_order_event",
    metadata,
    device_key(),
    _ticket(),
    _action(),
    _order_number(),
    Column("event", String(64), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("detail", JSON(none_as_null=True), info=PERSONAL),
)

# The owner's word that an action helped, while the appliance holds the fault. state:
# core.acting.assurances; times: how often they said so; until_at: by then it must have shown.
assurance = Table(
    "assurance",
    metadata,
    device_key(),
    _ticket(),
    _action(),
    Column("state", String(12), nullable=False),
    Column("times", SmallInteger, nullable=False),
    Column("said_at", BigInteger, nullable=False),
    Column("until_at", BigInteger, nullable=False),
    Column("due_at", BigInteger),
)
_index_due(assurance)

# A replacement that makes more sense than a repair. state: core.acting.leads.
lead = Table(
    "lead",
    metadata,
    device_key(),
    _ticket(),
    _action(),
    Column("state", String(12), nullable=False),
    Column("owner", String(16)),
    # Texts for people: why no repair makes sense.
    Column("reasons", JSON, nullable=False),
    Column("product", String(24)),
    Column("age_days", Integer),
    Column("offered_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
)
Index("ix_lead_recent", lead.c.offered_at.desc(), lead.c.device, lead.c.ticket, lead.c.action)

# Who works the desk: an API token of the same name logs in. level 1 is asked first.
operator = Table(
    "operator",
    metadata,
    Column("operator", String(64), primary_key=True),
    Column("mail", Text, nullable=False),
    Column("skills", JSON, nullable=False),
    Column("level", SmallInteger, nullable=False),
    Column("capacity", SmallInteger, nullable=False),
    Column("away_until_at", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("removed_at", BigInteger),
)

# A ticket in the hands of a person; NULL operator: nobody has room, it waits in the open.
assignment = Table(
    "assignment",
    metadata,
    device_key(),
    _ticket(),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("action", Integer),
    Column("operator", String(64)),
    Column("skills", JSON, nullable=False),
    Column("level", SmallInteger, nullable=False),
    Column("is_urgent", Boolean, nullable=False),
    Column("assigned_at", BigInteger, nullable=False),
    # By then somebody must have looked, and by then it must be done; both in business hours.
    Column("respond_by_at", BigInteger, nullable=False),
    Column("resolve_by_at", BigInteger, nullable=False),
    Column("responded_at", BigInteger),
    Column("due_at", BigInteger),
    Column("ended_at", BigInteger),
    Column("outcome", String(12)),
)
_index_due(assignment)
_index_open(assignment, "respond_by_at")
Index(
    "ix_assignment_operator",
    assignment.c.operator,
    sqlite_where=assignment.c.ended_at.is_(None),
    postgresql_where=assignment.c.ended_at.is_(None),
)

# The owner wants to be called at a time of their choice.
callback = Table(
    "callback",
    metadata,
    device_key(),
    _ticket(),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("state", String(12), nullable=False),
    Column("call_at", BigInteger, nullable=False),
    Column("phone", Text, nullable=False, info=PERSONAL),
    Column("asked_at", BigInteger, nullable=False),
    Column("who", String(64)),  # who called
    Column("due_at", BigInteger),
    Column("ended_at", BigInteger),
)
_index_due(callback)
_index_open(callback, "call_at")
