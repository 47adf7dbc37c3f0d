"""Everything that is stored of somebody, or of their appliances: row by row, without secrets."""

import base64
from collections.abc import Iterator, Mapping
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Table, and_, or_, select

from .columns import metadata
from .erasing import TRACES, Subject, find_rows

# What opens doors, for whoever holds an archive.
HIDDEN_TABLES: Final = frozenset(
    ("device_key", "config_secret", "enrollment", "claim_code", "link")
)
HIDDEN_COLUMNS: Final = frozenset(("code_hash", "sealed", "salt", "secret", "token", "master"))
_CHUNK: Final = 1000
_STAFF: Final = "token:"  # who of the desk it was is nobody's business outside


def list_tables(subject: Subject) -> list[tuple[Table, ColumnElement[bool]]]:
    """Every table that may have something of a subject, with the rows that are theirs."""
    found = []
    for table in sorted(metadata.tables.values(), key=lambda table: table.name):
        if table.name in HIDDEN_TABLES:
            continue
        ways = [find_rows(t, subject) for t in TRACES if t.table is table]
        if subject.devices and "device" in table.c:
            ways.append(table.c.device.in_(subject.devices))
        if ways:
            found.append((table, or_(*ways)))
    return found


def read_rows(
    connection: Connection, table: Table, rows: ColumnElement[bool], since: Mapping[str, int]
) -> Iterator[dict[str, Any]]:
    """The rows of a table as JSON can hold them, in the order of its key.

    `since` says from when on a device was theirs: what it sent before is somebody else's.
    """
    columns = [column for column in table.c if column.name not in HIDDEN_COLUMNS]
    query = select(*columns).where(rows).order_by(*table.primary_key.columns)
    if "received_at" in table.c and "device" in table.c:
        for device, at in since.items():
            is_before = and_(table.c.device == device, table.c.received_at < at)
            query = query.where(~is_before)
    for row in connection.execute(query, execution_options={"yield_per": _CHUNK}).mappings():
        yield {name: _plain(value) for name, value in row.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(value).decode()
    if isinstance(value, str) and value.startswith(_STAFF):
        return "desk"
    return value
