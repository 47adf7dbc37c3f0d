"""Effects and their attempts, webhooks and their secrets, and who wants no letters."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _add_effects()
    _add_attempts()
    _add_webhooks()
    _add_readers()


def _add_effects() -> None:
    op.create_table(
        "effect",
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("recipient", sa.String(length=80), nullable=False),
        sa.Column("template", sa.String(length=64), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("attachments", sa.JSON(), nullable=False),
        sa.Column("weight", sa.String(length=8), nullable=False),
        sa.Column("device", sa.String(length=16), nullable=True),
        sa.Column("ticket", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("leased_until", sa.BigInteger(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("digest", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_effect")),
    )
    op.create_index("ix_effect_state", "effect", ["state", "created_at", "key"])
    op.create_index("ix_effect_newest", "effect", ["created_at", "key"])
    op.create_index(
        "ix_effect_due",
        "effect",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_index(
        "ix_effect_recipient", "effect", ["recipient", "state", "ended_at"], unique=False
    )
    op.create_index("ix_effect_ticket", "effect", ["device", "ticket"], unique=False)


def _add_attempts() -> None:
    op.create_table(
        "effect_attempt",
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("took_ms", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", "number", name=op.f("pk_effect_attempt")),
    )


def _add_webhooks() -> None:
    op.create_table(
        "webhook",
        sa.Column("webhook", sa.String(length=16), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("events", sa.JSON(), nullable=False),
        sa.Column("audience", sa.String(length=80), nullable=True),
        sa.Column("disabled_at", sa.BigInteger(), nullable=True),
        sa.Column("disabled_because", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("webhook", name=op.f("pk_webhook")),
        sa.UniqueConstraint("audience", name=op.f("uq_webhook_audience")),
    )
    op.create_table(
        "webhook_secret",
        sa.Column("webhook", sa.String(length=16), nullable=False),
        sa.Column("number", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("master", sa.String(length=8), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("webhook", "number", name=op.f("pk_webhook_secret")),
    )
    op.create_index("ix_webhook_secret_master", "webhook_secret", ["master"], unique=False)


def _add_readers() -> None:
    op.create_table(
        "contact_wish",
        sa.Column("recipient", sa.String(length=80), nullable=False),
        sa.Column("daily_cap", sa.SmallInteger(), nullable=True),
        sa.Column("quiet_from", sa.SmallInteger(), nullable=True),
        sa.Column("quiet_until", sa.SmallInteger(), nullable=True),
        sa.Column("unsubscribed_at", sa.BigInteger(), nullable=True),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("recipient", name=op.f("pk_contact_wish")),
    )
    op.create_table(
        "suppression",
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_suppression")),
    )


def downgrade() -> None:
    op.drop_table("webhook_secret")
    op.drop_table("webhook")
    op.drop_table("suppression")
    op.drop_table("effect_attempt")
    op.drop_table("effect")
    op.drop_table("contact_wish")
