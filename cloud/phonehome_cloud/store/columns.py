"""What all tables are made of."""

from typing import Any, Final

# msgspec: freeze frames are written as JSON some times faster than by the standard library.
import msgspec
from sqlalchemy import Column, Dialect, ForeignKey, LargeBinary, MetaData, String

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# In the info of a table: on PostgreSQL no unique index says that its key is there once.
PARTITIONED: Final = "partitioned"
# The info of a column with words by which a person can be known: store.erasing knows each of them.
PERSONAL: Final = {"personal": True}


class Bytes(LargeBinary):
    """Bytes as they are: the drivers take them unwrapped, and wrapping each costs intake 2 us."""

    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> None:
        """Nothing to do on the way in."""


def device_key() -> Column[str]:
    """The first column of nearly every key: the device, which must be registered."""
    return Column("device", String(16), ForeignKey("device.device"), primary_key=True)


# What both databases keep as JSON, read back.
from_json: Final = msgspec.json.decode


def to_json(value: Any) -> str:
    """JSON as both databases keep it."""
    return msgspec.json.encode(value).decode()
