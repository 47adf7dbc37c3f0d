"""Owners, appliances, technicians, parts, suppliers, desks and links."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _desk()
    _link()
    _owner()
    _reservation()
    _supplier()
    _technician()
    _appliance()
    _leave()
    _part()
    _transfer()
    _stock()


def downgrade() -> None:
    op.drop_table("stock")
    op.drop_table("transfer")
    op.drop_table("part")
    op.drop_table("leave")
    op.drop_table("appliance")
    op.drop_table("technician")
    op.drop_table("supplier")
    op.drop_table("reservation")
    op.drop_table("owner")
    op.drop_table("link")
    op.drop_table("desk")


def _desk() -> None:
    op.create_table(
        "desk",
        sa.Column("desk", sa.String(length=16), nullable=False),
        sa.Column("mail", sa.Text(), nullable=True),
        sa.Column("phone", sa.String(length=16), nullable=True),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("hours", sa.Text(), nullable=False),
        sa.Column("holidays", sa.JSON(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("desk", name=op.f("pk_desk")),
    )


def _link() -> None:
    op.create_table(
        "link",
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("spent_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_link")),
    )
    op.create_index("ix_link_expires", "link", ["expires_at"])
    op.create_index("ix_link_subject", "link", ["subject"])


def _owner() -> None:
    op.create_table(
        "owner",
        sa.Column("owner", sa.String(length=16), nullable=False),
        sa.Column("number", sa.String(length=64), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("mail", sa.Text(), nullable=True),
        sa.Column("phone", sa.String(length=16), nullable=True),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("street", sa.Text(), server_default="", nullable=False),
        sa.Column("postcode", sa.String(length=12), server_default="", nullable=False),
        sa.Column("city", sa.Text(), server_default="", nullable=False),
        sa.Column("country", sa.String(length=2), server_default="", nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("consents", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("owner", name=op.f("pk_owner")),
        sa.UniqueConstraint("number", name=op.f("uq_owner_number")),
    )
    op.create_index("ix_owner_mail", "owner", ["mail"])


def _reservation() -> None:
    op.create_table(
        "reservation",
        sa.Column("reservation", sa.String(length=16), nullable=False),
        sa.Column("part", sa.String(length=64), nullable=False),
        sa.Column("van", sa.String(length=32), nullable=False),
        sa.Column("pieces", sa.Integer(), nullable=False),
        sa.Column("device", sa.String(length=16), nullable=True),
        sa.Column("ticket", sa.Integer(), nullable=True),
        sa.Column("reserved_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("pieces > 0", name="ck_reservation_pieces"),
        sa.PrimaryKeyConstraint("reservation", name=op.f("pk_reservation")),
    )
    op.create_index("ix_reservation_stock", "reservation", ["part", "van"])
    op.create_index("ix_reservation_ticket", "reservation", ["device", "ticket"])


def _supplier() -> None:
    op.create_table(
        "supplier",
        sa.Column("supplier", sa.String(length=32), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("mail", sa.Text(), nullable=True),
        sa.Column("hook", sa.String(length=64), nullable=True),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("lead_days", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("supplier", name=op.f("pk_supplier")),
    )


def _technician() -> None:
    op.create_table(
        "technician",
        sa.Column("technician", sa.String(length=32), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("mail", sa.Text(), nullable=True),
        sa.Column("calendar", sa.Text(), nullable=True),
        sa.Column("phone", sa.String(length=16), nullable=True),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("skills", sa.JSON(), nullable=False),
        sa.Column("area", sa.JSON(), nullable=False),
        sa.Column("hours", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("technician", name=op.f("pk_technician")),
    )


def _appliance() -> None:
    op.create_table(
        "appliance",
        sa.Column("device", sa.String(length=16), nullable=False),
        sa.Column("owner", sa.String(length=16), nullable=True),
        sa.Column("owned_at", sa.BigInteger(), nullable=True),
        sa.Column("serial", sa.String(length=64), nullable=True),
        sa.Column("bought_at", sa.BigInteger(), nullable=True),
        sa.Column("warranty_until", sa.BigInteger(), nullable=True),
        sa.Column("contract", sa.String(length=64), nullable=True),
        sa.Column("contract_until", sa.BigInteger(), nullable=True),
        sa.Column("grants", sa.JSON(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["device"], ["device.device"], name=op.f("fk_appliance_device")),
        sa.ForeignKeyConstraint(["owner"], ["owner.owner"], name=op.f("fk_appliance_owner")),
        sa.PrimaryKeyConstraint("device", name=op.f("pk_appliance")),
    )
    op.create_index("ix_appliance_owner", "appliance", ["owner"])
    op.create_index(
        "ix_appliance_serial",
        "appliance",
        ["serial"],
        sqlite_where=sa.text("serial IS NOT NULL"),
        postgresql_where=sa.text("serial IS NOT NULL"),
    )


def _leave() -> None:
    op.create_table(
        "leave",
        sa.Column("technician", sa.String(length=32), nullable=False),
        sa.Column("from_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("until_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("until_at > from_at", name="ck_leave_until_at"),
        sa.ForeignKeyConstraint(
            ["technician"], ["technician.technician"], name=op.f("fk_leave_technician")
        ),
        sa.PrimaryKeyConstraint("technician", "from_at", name=op.f("pk_leave")),
    )


def _part() -> None:
    op.create_table(
        "part",
        sa.Column("part", sa.String(length=64), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("price_cents", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("supplier", sa.String(length=32), nullable=True),
        sa.Column("lead_days", sa.Integer(), nullable=True),
        sa.Column("discontinued", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["supplier"], ["supplier.supplier"], name=op.f("fk_part_supplier")
        ),
        sa.PrimaryKeyConstraint("part", name=op.f("pk_part")),
    )
    op.create_index("ix_part_supplier", "part", ["supplier"])


def _transfer() -> None:
    op.create_table(
        "transfer",
        sa.Column("device", sa.String(length=16), nullable=False),
        sa.Column("to_owner", sa.String(length=16), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["device"], ["device.device"], name=op.f("fk_transfer_device")),
        sa.ForeignKeyConstraint(["to_owner"], ["owner.owner"], name=op.f("fk_transfer_to_owner")),
        sa.PrimaryKeyConstraint("device", name=op.f("pk_transfer")),
    )
    op.create_index("ix_transfer_to_owner", "transfer", ["to_owner"])


def _stock() -> None:
    op.create_table(
        "stock",
        sa.Column("part", sa.String(length=64), nullable=False),
        sa.Column("van", sa.String(length=32), server_default="", nullable=False),
        sa.Column("pieces", sa.Integer(), nullable=False),
        sa.Column("reserved", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("pieces >= reserved", name="ck_stock_pieces"),
        sa.CheckConstraint("reserved >= 0", name="ck_stock_reserved"),
        sa.ForeignKeyConstraint(["part"], ["part.part"], name=op.f("fk_stock_part")),
        sa.PrimaryKeyConstraint("part", "van", name=op.f("pk_stock")),
    )
    op.create_index("ix_stock_van", "stock", ["van"])
