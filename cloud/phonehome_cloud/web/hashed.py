"""Items whose id is the hash of their bytes: reports, the quarantine, what nobody signed."""

from typing import Any

import msgspec

from .paging import bad_cursor


def read_hash(text: str) -> bytes:
    """The hash at the end of a cursor; ProblemError when the client has changed it."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise bad_cursor(text) from None


def fields_of(row: Any, kind: type[msgspec.Struct]) -> dict[str, Any]:
    """The fields of `kind`, which has an `id`, from a row, which has a `hash`."""
    names = (name for name in kind.__struct_fields__ if name != "id")
    return {"id": row["hash"].hex(), **{name: row[name] for name in names}}
