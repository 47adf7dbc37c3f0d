"""The tables of what outcomes taught."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
)

from .columns import device_key, metadata

# What was taught about a cause, on top of the product file: weights, as core.diagnosing.priors
# gives them.
prior = Table(
    "prior",
    metadata,
    Column("product", String(24), primary_key=True),
    Column("spn", Integer, primary_key=True, autoincrement=False),
    Column("fmi", SmallInteger, primary_key=True, autoincrement=False),
    Column("cause", String(24), primary_key=True),
    Column("weight", Float, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

# What was taught about evidence of a cause: weights of outcomes with it and without it, as
# core.diagnosing.likelihoods gives them.
likelihood = Table(
    "likelihood",
    metadata,
    Column("product", String(24), primary_key=True),
    Column("spn", Integer, primary_key=True, autoincrement=False),
    Column("fmi", SmallInteger, primary_key=True, autoincrement=False),
    Column("cause", String(24), primary_key=True),
    Column("evidence", String(24), primary_key=True),
    Column("there", Float, nullable=False),
    Column("absent", Float, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

# Every end of a matter that taught something, once: append-only, but for how it held.
outcome = Table(
    "outcome",
    metadata,
    device_key(),
    Column("ticket", Integer, primary_key=True, autoincrement=False),
    Column("key", String(48), primary_key=True),
    Column("product", String(24), nullable=False),
    Column("spn", Integer, nullable=False),
    Column("fmi", SmallInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("who", String(64), nullable=False),
    # core.diagnosing.outcomes: technician, owner, device; held, dropped; and what takes one of
    # these back, with negative shares and its key and /taken_back: came_back, refuted, other_cause
    Column("how", String(12), nullable=False),
    # {cause: weight} that counted, and that counts on held_at if the fault has not come back.
    Column("shares", JSON, nullable=False),
    Column("held", JSON, nullable=False),
    Column("held_at", BigInteger),
    # {evidence: there or not} that counted with the causes.
    Column("seen", JSON, nullable=False, server_default="{}"),
    # {cause: {"old": prior, "new": prior}, "cause/evidence": the same of the likelihood}
    Column("change", JSON, nullable=False),
)
Index("ix_outcome_fault", outcome.c.product, outcome.c.spn, outcome.c.fmi, outcome.c.at.desc())
Index(
    "ix_outcome_held",
    outcome.c.held_at,
    sqlite_where=outcome.c.held_at.is_not(None),
    postgresql_where=outcome.c.held_at.is_not(None),
)
