"""Looking after tickets: what is due, diagnoses, actions, incidents."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_TABLES = ("incident", "incident_event", "tally", "action", "care", "diagnosis")


def upgrade() -> None:
    _create_incident()
    _create_incident_event()
    _create_tally()
    _create_action()
    _create_care()
    _create_diagnosis()


def downgrade() -> None:
    for name in reversed(_TABLES):
        op.drop_table(name)


def _create_incident() -> None:
    op.create_table(
        "incident",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("product", sa.String(length=24), nullable=False),
        sa.Column("spn", sa.Integer(), nullable=False),
        sa.Column("fmi", sa.SmallInteger(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("trait", sa.String(length=8), nullable=False),
        sa.Column("value", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("window_s", sa.Integer(), nullable=False),
        sa.Column("seen", sa.Integer(), nullable=False),
        sa.Column("expected", sa.Float(), nullable=False),
        sa.Column("p_value", sa.Float(), nullable=False),
        sa.Column("why", sa.JSON(), nullable=False),
        sa.Column("followed", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident")),
    )
    op.create_index(
        "ix_incident_following",
        "incident",
        ["id"],
        unique=False,
        sqlite_where=sa.text("followed IS NOT NULL"),
        postgresql_where=sa.text("followed IS NOT NULL"),
    )
    op.create_index(
        "ix_incident_one_open",
        "incident",
        ["product", "spn", "fmi", "trait", "value"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(
        "ix_incident_recent",
        "incident",
        [sa.literal_column("updated_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )


def _create_incident_event() -> None:
    op.create_table(
        "incident_event",
        sa.Column("incident", sa.String(length=32), nullable=False),
        sa.Column("n", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.String(length=64), nullable=False),
        sa.Column("from_state", sa.String(length=12), nullable=True),
        sa.Column("to_state", sa.String(length=12), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("incident", "n", name=op.f("pk_incident_event")),
    )


def _create_tally() -> None:
    op.create_table(
        "tally",
        sa.Column("product", sa.String(length=24), nullable=False),
        sa.Column("spn", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("fmi", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("trait", sa.String(length=8), nullable=False),
        sa.Column("value", sa.String(length=64), nullable=False),
        sa.Column("from_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("shard", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(
            "product", "spn", "fmi", "trait", "value", "from_at", "shard", name=op.f("pk_tally")
        ),
    )
    op.create_index("ix_tally_age", "tally", ["from_at"], unique=False)


def _create_action() -> None:
    op.create_table(
        "action",
        sa.Column("device", sa.String(length=16), nullable=False),
        sa.Column("ticket", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("n", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("action_id", sa.String(length=24), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("who", sa.String(length=64), nullable=False),
        sa.Column("payer", sa.String(length=8), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("costs", sa.JSON(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["device"], ["device.device"], name=op.f("fk_action_device")),
        sa.PrimaryKeyConstraint("device", "ticket", "n", name=op.f("pk_action")),
    )
    op.create_index(
        "ix_action_one_under_way",
        "action",
        ["device", "ticket"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def _create_care() -> None:
    op.create_table(
        "care",
        sa.Column("device", sa.String(length=16), nullable=False),
        sa.Column("ticket", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("diagnoses", sa.Integer(), server_default="0", nullable=False),
        sa.Column("actions", sa.Integer(), server_default="0", nullable=False),
        sa.Column("running", sa.Integer(), nullable=True),
        sa.Column("hash", sa.LargeBinary(length=16), nullable=True),
        sa.Column("spn", sa.Integer(), nullable=True),
        sa.Column("fmi", sa.SmallInteger(), nullable=True),
        sa.Column("first_at", sa.BigInteger(), nullable=True),
        sa.Column("build", sa.String(length=16), nullable=True),
        sa.Column("manifest", sa.String(length=8), nullable=True),
        sa.Column("batch", sa.String(length=64), nullable=True),
        sa.Column("incident", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["device"], ["device.device"], name=op.f("fk_care_device")),
        sa.PrimaryKeyConstraint("device", "ticket", name=op.f("pk_care")),
    )
    op.create_index(
        "ix_care_due",
        "care",
        ["due_at", "device", "ticket"],
        unique=False,
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index(
        "ix_care_failure",
        "care",
        ["device", "ticket"],
        unique=False,
        sqlite_where=sa.text("failure IS NOT NULL"),
        postgresql_where=sa.text("failure IS NOT NULL"),
    )
    op.create_index("ix_care_fault", "care", ["spn", "fmi", "first_at"], unique=False)
    op.create_index(
        "ix_care_incident",
        "care",
        ["incident", "device", "ticket"],
        unique=False,
        sqlite_where=sa.text("incident IS NOT NULL"),
        postgresql_where=sa.text("incident IS NOT NULL"),
    )


def _create_diagnosis() -> None:
    op.create_table(
        "diagnosis",
        sa.Column("device", sa.String(length=16), nullable=False),
        sa.Column("ticket", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("n", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("product", sa.String(length=24), nullable=True),
        sa.Column("product_version", sa.Integer(), nullable=True),
        sa.Column("is_sure", sa.Boolean(), nullable=False),
        sa.Column("causes", sa.JSON(), nullable=False),
        sa.Column("seen", sa.JSON(), nullable=False),
        sa.Column("missing", sa.JSON(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=True),
        sa.Column("lane", sa.String(length=12), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("action_id", sa.String(length=24), nullable=True),
        sa.Column("needs_consent", sa.Boolean(), nullable=False),
        sa.Column("payer", sa.String(length=8), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("why", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["device"], ["device.device"], name=op.f("fk_diagnosis_device")),
        sa.PrimaryKeyConstraint("device", "ticket", "n", name=op.f("pk_diagnosis")),
    )
