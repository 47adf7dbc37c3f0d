"""The tables of looking after tickets: what is due, what was found, what is done about it."""

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
    Text,
)

from .columns import PERSONAL, Bytes, device_key, metadata

# How far the care of a ticket is; one row for each ticket that was ever looked at.
care = Table(
    "care",
    metadata,
    device_key(),
    Column("ticket", Integer, primary_key=True, autoincrement=False),
    # When it shall be considered; NULL while only news can change anything.
    Column("due_at", BigInteger),
    # Rises with every look, so that what came during a consideration is not forgotten by it.
    Column("asked", Integer, nullable=False),
    # Why it could not be considered: it is set aside until the next look.
    Column("failure", Text),
    Column("diagnoses", Integer, nullable=False, server_default="0"),
    Column("actions", Integer, nullable=False, server_default="0"),
    # The n of the action that is under way.
    Column("running", Integer),
    # How many rows of the ticket's history have been told to whom they concern (store.notices).
    Column("told", Integer, nullable=False, server_default="0"),
    # Of the newest diagnosis and its decision: the same again is not written again.
    Column("hash", Bytes(16)),
    # What it is counted as, and since when: set when it is first considered.
    Column("spn", Integer),
    Column("fmi", SmallInteger),
    Column("first_at", BigInteger),
    Column("build", String(16)),
    Column("manifest", String(8)),
    Column("batch", String(64)),
    # The incident that it belongs to.
    Column("incident", String(32)),
)
Index(
    "ix_care_due",
    care.c.due_at,
    care.c.device,
    care.c.ticket,
    sqlite_where=care.c.due_at.is_not(None),
    postgresql_where=care.c.due_at.is_not(None),
)
Index("ix_care_fault", care.c.spn, care.c.fmi, care.c.first_at)
Index(
    "ix_care_incident",
    care.c.incident,
    care.c.device,
    care.c.ticket,
    sqlite_where=care.c.incident.is_not(None),
    postgresql_where=care.c.incident.is_not(None),
)
Index(
    "ix_care_failure",
    care.c.device,
    care.c.ticket,
    sqlite_where=care.c.failure.is_not(None),
    postgresql_where=care.c.failure.is_not(None),
)

# The n-th diagnosis of a ticket with the decision that followed; append-only.
diagnosis = Table(
    "diagnosis",
    metadata,
    device_key(),
    Column("ticket", Integer, primary_key=True, autoincrement=False),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("product", String(24)),
    Column("product_version", Integer),
    Column("is_sure", Boolean, nullable=False),
    # [{"cause", "title", "probability", "prior", "moved": [[evidence, log10 factor], ...]}, ...]
    Column("causes", JSON, nullable=False),
    # {evidence id: whether it holds}, and the ids of what could not be told.
    Column("seen", JSON, nullable=False),
    Column("missing", JSON, nullable=False),
    # As core.replaying writes them, with the situation: it can be considered again.
    Column("facts", JSON),
    Column("lane", String(12), nullable=False),
    Column("kind", String(12), nullable=False),
    Column("action_id", String(24)),
    Column("needs_consent", Boolean, nullable=False),
    Column("payer", String(8), nullable=False),
    # [{"kind", "action_id", "p_success", "expected_cost", "parts_of_cost", "ruled_out_by"}, ...]
    Column("options", JSON, nullable=False),
    Column("why", JSON, nullable=False),
)

# The n-th action on a ticket. state: core.caring. ended_at is NULL exactly while it is under way.
action = Table(
    "action",
    metadata,
    device_key(),
    Column("ticket", Integer, primary_key=True, autoincrement=False),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("kind", String(12), nullable=False),
    Column("action_id", String(24)),
    Column("state", String(16), nullable=False),
    # "rule", or "token:<name>" of the operator who chose it.
    Column("who", String(64), nullable=False),
    Column("payer", String(8), nullable=False),
    Column("started_at", BigInteger, nullable=False),
    # By then it has failed by itself, or is asked again.
    Column("due_at", BigInteger),
    Column("ended_at", BigInteger),
    Column("costs", JSON, nullable=False),
    Column("detail", JSON, nullable=False, info=PERSONAL),
)
# No action twice while one is running: a constraint, not a check.
Index(
    "ix_action_one_under_way",
    action.c.device,
    action.c.ticket,
    unique=True,
    sqlite_where=action.c.ended_at.is_(None),
    postgresql_where=action.c.ended_at.is_(None),
)

# One problem of many devices. state: core.deciding.incidents.
incident = Table(
    "incident",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("product", String(24), nullable=False),
    # What happens: a fault, or boots (-1, -1).
    Column("spn", Integer, nullable=False),
    Column("fmi", SmallInteger, nullable=False),
    Column("title", Text, nullable=False),
    # What the devices have in common: build, manifest, batch or product, and which.
    Column("trait", String(8), nullable=False),
    Column("value", String(64), nullable=False),
    Column("state", String(12), nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("last_at", BigInteger, nullable=False),
    # When it was noticed: so many in the window, so many expected, the probability of that.
    Column("window_s", Integer, nullable=False),
    Column("seen", Integer, nullable=False),
    Column("expected", Float, nullable=False),
    Column("p_value", Float, nullable=False),
    Column("why", JSON, nullable=False),
    # How far its tickets have followed its newest state: the id of the last one that was looked
    # at, "" for none yet; NULL when all have.
    Column("followed", String(32)),
)
Index(
    "ix_incident_following",
    incident.c.id,
    sqlite_where=incident.c.followed.is_not(None),
    postgresql_where=incident.c.followed.is_not(None),
)
Index(
    "ix_incident_one_open",
    incident.c.product,
    incident.c.spn,
    incident.c.fmi,
    incident.c.trait,
    incident.c.value,
    unique=True,
    sqlite_where=incident.c.ended_at.is_(None),
    postgresql_where=incident.c.ended_at.is_(None),
)
Index("ix_incident_recent", incident.c.updated_at.desc(), incident.c.id.desc())

# Append-only: what happened to an incident, and who did it.
incident_event = Table(
    "incident_event",
    metadata,
    Column("incident", String(32), primary_key=True),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("who", String(64), nullable=False),
    Column("from_state", String(12)),
    Column("to_state", String(12)),
    Column("text", Text),
)

# On how many devices it happened in an hour (trait "day": in a day, in the whole product), and
# since when that is watched (trait "watch"). `shard` keeps receivers out of each other's way.
tally = Table(
    "tally",
    metadata,
    Column("product", String(24), primary_key=True),
    Column("spn", Integer, primary_key=True, autoincrement=False),
    Column("fmi", SmallInteger, primary_key=True, autoincrement=False),
    Column("trait", String(8), primary_key=True),
    Column("value", String(64), primary_key=True),
    Column("from_at", BigInteger, primary_key=True, autoincrement=False),
    Column("shard", SmallInteger, primary_key=True, autoincrement=False),
    Column("count", Integer, nullable=False),
)
Index("ix_tally_age", tally.c.from_at)
