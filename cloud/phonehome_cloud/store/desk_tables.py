"""The tables of no device: who works the desk, which receivers run, what was archived."""

from sqlalchemy import BigInteger, Column, String, Table

from .columns import Bytes, metadata

# A receiver process that could write lately.
receiver = Table(
    "receiver",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("started_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
)

# A token is 256 random bits, so a plain sha256 of it is enough to store.
api_token = Table(
    "api_token",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("hash", Bytes(32), nullable=False, unique=True),
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
)

# A file of raw messages. Until cleared_at it owns rows that may still be in `message`; afterwards
# they are in the file alone.
archive = Table(
    "archive",
    metadata,
    Column("file", String(64), primary_key=True),
    Column("week_at", BigInteger, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("cleared_at", BigInteger),
)
