"""What devices said, as they signed it."""

from sqlalchemy import BigInteger, Column, Index, SmallInteger, String, Table

from .columns import PARTITIONED, Bytes, device_key, metadata

# The signed bytes of every accepted message. The same bytes again add nothing. On PostgreSQL it is
# partitioned by week (store.partitions), and its key there ends with received_at.
message = Table(
    "message",
    metadata,
    device_key(),
    Column("hash", Bytes(16), primary_key=True),
    Column("inc", String(8), nullable=False),
    Column("boot", BigInteger, nullable=False),
    Column("now_ms", BigInteger, nullable=False),
    # What the device believes about UTC: kept, never used for ordering.
    Column("utc_ms", BigInteger),
    Column("utc_quality", SmallInteger),
    Column("received_at", BigInteger, nullable=False),
    Column("transport", String(8), nullable=False),
    Column("raw", Bytes, nullable=False),
    info={PARTITIONED: True},
)
# Not on SQLite: a report would touch one page more in each commit. There a device's messages are
# found by its key and sorted, 6 ms for the 10,000 of a month.
Index("ix_message_recent", message.c.device, message.c.received_at, message.c.hash).ddl_if(
    dialect="postgresql"
)
