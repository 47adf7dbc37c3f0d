"""Parquet files of raw messages: columns that any analyst's tool reads, compressed, checked.

pyarrow, because it writes batch by batch in bounded memory and is the reference implementation
for the format; DuckDB would want every row through an INSERT first. 55 MB, so only who archives
installs it: `pip install 'phonehome[archive]'`.
"""

import hashlib
import importlib
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Row

from phonehome_cloud.errors import ConfigError

_BATCH = 1000  # rows of one transaction; intake waits for it
_CHUNK = 1 << 20
_TYPES = {
    "device": "string",
    "hash": "binary",
    "inc": "string",
    "boot": "int64",
    "now_ms": "int64",
    "utc_ms": "int64",
    "utc_quality": "int16",
    "received_at": "int64",
    "transport": "string",
    "raw": "binary",
}


def write_file(path: Path, batches: Iterable[Sequence[Row[Any]]]) -> int:
    """Write rows to a new file and sync it; returns how many. Whatever was there is replaced."""
    arrow, parquet = _arrow(), _arrow("parquet")
    schema = arrow.schema([(name, getattr(arrow, kind)()) for name, kind in _TYPES.items()])
    count = 0
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        for rows in batches:
            columns = zip(*rows, strict=True)
            arrays = [
                arrow.array(values, of.type) for values, of in zip(columns, schema, strict=True)
            ]
            writer.write_batch(arrow.record_batch(arrays, schema))
            count += len(rows)
    sync(path)
    return count


def read_file(path: Path) -> Iterator[list[dict[str, Any]]]:
    """The rows of a file, in batches."""
    with _arrow("parquet").ParquetFile(path) as file:
        for batch in file.iter_batches(_BATCH):
            yield batch.to_pylist()


def hash_file(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while data := file.read(_CHUNK):
            found.update(data)
    return found.hexdigest()


def sync(path: Path) -> None:
    """Return when a file, or what a folder lists, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _arrow(part: str = "") -> Any:
    try:
        return importlib.import_module(f"pyarrow.{part}" if part else "pyarrow")
    except ImportError as error:
        raise ConfigError(["archive: pip install 'phonehome[archive]' first"]) from error
