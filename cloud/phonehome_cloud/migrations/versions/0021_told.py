"""How much of the history of tickets has been told; what is there was, without a look at it."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_TOLD = """
UPDATE care SET told = coalesce((
    SELECT events FROM ticket WHERE ticket.device = care.device AND ticket.number = care.ticket
), 0)
"""
# Tickets from before there was care: told, and never considered.
_MISSING = """
INSERT INTO care (device, ticket, asked, told)
SELECT device, number, 0, events FROM ticket
WHERE NOT EXISTS (
    SELECT 1 FROM care WHERE care.device = ticket.device AND care.ticket = ticket.number
)
"""


def upgrade() -> None:
    op.add_column("care", sa.Column("told", sa.Integer(), server_default="0", nullable=False))
    op.execute(_TOLD)
    op.execute(_MISSING)


def downgrade() -> None:
    op.drop_column("care", "told")
