"""The table of reports that nobody signed, of devices that have no key.

A person filed each, nobody has proven it. The device is what it says to be: the receiver may not
know it, so that nothing here refers to the tables of devices.
"""

from sqlalchemy import BigInteger, Column, SmallInteger, String, Table

from .columns import Bytes, metadata

unverified = Table(
    "unverified",
    metadata,
    Column("device", String(16), primary_key=True),
    Column("hash", Bytes(16), primary_key=True),
    Column("records", SmallInteger, nullable=False),
    Column("filed_at", BigInteger, nullable=False),
    # "token:<name>"
    Column("filed_by", String(80), nullable=False),
    Column("raw", Bytes, nullable=False),
)
