"""Recorded data for a replay: a CSV with a `timestamp` column becomes rows that a board can read.

Dates are parsed here and not on the board: the csv and datetime modules of this interpreter know
more forms than an appliance ever needs. Times without a zone are taken as UTC.
"""

import csv
import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from phonehome_tools.fleet.errors import SetupError

TIME_COLUMN = "timestamp"
# A file of one sensor often calls its column so.
ONLY_COLUMN = "value"


@dataclass(frozen=True)
class Recording:
    """What was written for the board: the file, its columns, and the span of time it covers."""

    path: Path
    names: tuple[str, ...]
    rows: int
    first_ms: int
    last_ms: int


def convert(source: Path, sensors: Sequence[str], target: Path) -> Recording:
    """Write `utc_ms,value,...` lines to `target`; SetupError names file, line and fix."""
    try:
        with source.open(newline="") as file:
            return _convert(csv.reader(file), str(source), sensors, target)
    except OSError as error:
        raise SetupError(f"{source} cannot be read: {error.strerror}") from error


def parse_time_ms(text: str) -> int:
    """Unix milliseconds of an ISO 8601 date and time; ValueError when it is none."""
    instant = dt.datetime.fromisoformat(text)
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=dt.UTC)
    return round(instant.timestamp() * 1000)


def _convert(
    lines: Iterator[list[str]], source: str, sensors: Sequence[str], target: Path
) -> Recording:
    names, columns = _columns(next(lines, []), source, sensors)
    times: list[int] = []
    with target.open("w") as out:
        for number, line in enumerate(lines, start=2):
            try:
                times.append(parse_time_ms(line[0]))
                words = [str(float(line[i])) if line[i].strip() else "" for i in columns]
            except (ValueError, IndexError) as error:
                raise SetupError(f"{source}:{number}: not a time and numbers ({error})") from error
            out.write(",".join([str(times[-1]), *words]) + "\n")
    if not times:
        raise SetupError(f"{source}: no row below the heading")
    return Recording(target, names, len(times), times[0], times[-1])


def _columns(
    heading: list[str], source: str, sensors: Sequence[str]
) -> tuple[tuple[str, ...], list[int]]:
    """Which columns feed which sensors; `value` feeds the first sensor of the product."""
    if heading[:1] != [TIME_COLUMN]:
        raise SetupError(f"{source}:1: the first column must be '{TIME_COLUMN}'")
    names = [sensors[0] if name == ONLY_COLUMN else name for name in heading]
    columns = [index for index, name in enumerate(names) if name in sensors]
    if not columns:
        raise SetupError(f"{source}:1: no column is a sensor of the product: {', '.join(sensors)}")
    return tuple(names[index] for index in columns), columns
