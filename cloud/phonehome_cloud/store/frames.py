"""Freeze frames, which stay in the records that brought them."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection

from phonehome_cloud.core.transitions import read_frame

from .dialects import fetch_among
from .faults import RecordKey
from .schema import record


def load_frames(
    connection: Connection, keys: Collection[RecordKey]
) -> dict[RecordKey, dict[str, Any]]:
    """The frames of these fault records as `core.transitions.read_frame` writes them; a record
    without one is not among them.
    """
    columns = record.c.device, record.c.inc, record.c.boot, record.c.seq
    rows = fetch_among(connection, columns, keys, *columns, record.c.raw)
    read = ((tuple(row[:4]), read_frame(row.raw)) for row in rows)
    return {key: frame for key, frame in read if frame is not None}
