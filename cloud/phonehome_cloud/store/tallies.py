"""How often something happens: by the hour for what devices have in common, by the day for all."""

import os
import socket
from collections import Counter
from collections.abc import Collection, Mapping
from functools import cache
from typing import Any, Final
from zlib import crc32

from sqlalchemy import BigInteger, Connection, Select, bindparam, case, delete, func, select
from sqlalchemy.dialects import sqlite

from phonehome_cloud.core.deciding.incidents import DAY_MS, HISTORY_DAYS, HOUR_MS, WINDOWS_H, Key

from .care_tables import tally
from .dialects import insert, insert_many, join_keys, run_with_keys

FaultOf = tuple[str, int, int]  # product, spn, fmi

_SHARDS: Final = 16  # receivers beyond that number share a row, and wait for each other
_DAY: Final = "day"
_WATCH: Final = "watch"
_KEPT_DAYS: Final = HISTORY_DAYS + 3
_COUNT: Final = ("product", "spn", "fmi", "trait", "value", "from_at", "shard", "count")
_KEY = tally.c.product, tally.c.spn, tally.c.fmi, tally.c.trait, tally.c.value


def watch(connection: Connection, now_at: int) -> int:
    """Since when tickets are counted here (unix ms): from now on, if nobody did before."""
    started = select(func.min(tally.c.from_at)).where(tally.c.product == "", *_is_watch())
    since: int | None = connection.execute(started).scalar()
    if since is not None:
        return since
    row = {"product": "", "spn": -1, "fmi": -1, "trait": _WATCH, "value": ""}
    given = {**row, "from_at": now_at, "shard": 0, "count": 0}
    connection.execute(insert(connection, tally).values(given).on_conflict_do_nothing())
    return now_at


def _is_watch() -> tuple[Any, ...]:
    return tally.c.spn == -1, tally.c.fmi == -1, tally.c.trait == _WATCH


@cache
def _shard() -> int:
    """Which rows this process adds to."""
    return crc32(f"{socket.gethostname()}-{os.getpid()}".encode()) % _SHARDS


def add(connection: Connection, counts: Mapping[Key, int], now_at: int) -> None:
    """Count what happened just now, by product, fault and what devices have in common."""
    hour_at, day_at = now_at - now_at % HOUR_MS, now_at - now_at % DAY_MS
    rows = [(*key, hour_at, count) for key, count in counts.items()]
    days: Counter[FaultOf] = Counter()
    for (product, spn, fmi, trait, value), count in counts.items():
        if (trait, value) == ("product", product):
            days[product, spn, fmi] += count
    rows += [(*fault, _DAY, "", day_at, count) for fault, count in days.items()]
    if rows:
        given = [(*key, _shard(), count) for *key, count in rows]
        insert_many(connection, tally, _or_add, _COUNT, given)


def _or_add(statement: sqlite.Insert) -> Any:
    more = {"count": tally.c.count + statement.excluded.count}
    keys = [column.name for column in tally.primary_key]
    return statement.on_conflict_do_update(index_elements=keys, set_=more)


def load_windows(
    connection: Connection, keys: Collection[Key], now_at: int
) -> dict[tuple[Key, int], int]:
    """How many there were of each key in each of WINDOWS_H."""
    hour_at = now_at - now_at % HOUR_MS
    starts = {_name(hours): hour_at - (hours - 1) * HOUR_MS for hours in WINDOWS_H}
    statement = _windows(connection.dialect.name)
    found = {}
    for row in run_with_keys(connection, statement, _KEY, keys, **starts):
        product, spn, fmi, trait, value, *counts = row
        for hours, count in zip(WINDOWS_H, counts, strict=True):
            found[(product, spn, fmi, trait, value), hours] = int(count)
    return found


@cache
def _windows(dialect: str) -> Select[Any]:
    starts = [bindparam(_name(hours), type_=BigInteger) for hours in WINDOWS_H]
    sums = [func.sum(case((tally.c.from_at >= start, tally.c.count), else_=0)) for start in starts]
    statement = join_keys(dialect, _KEY, (*_KEY, *sums), lock=False)
    return statement.where(tally.c.from_at >= starts[-1]).group_by(*_KEY)


def _name(hours: int) -> str:
    return f"from_{hours}"


def load_before(
    connection: Connection, faults: Collection[FaultOf], now_at: int
) -> dict[FaultOf, int]:
    """How many there were in the whole product in HISTORY_DAYS that ended a day ago."""
    first, last = history(now_at)
    keys = [(*fault, _DAY, "") for fault in faults]
    rows = run_with_keys(
        connection, _before(connection.dialect.name), _KEY, keys, first=first, last=last
    )
    return {(product, spn, fmi): int(count) for product, spn, fmi, count in rows}


def history(now_at: int) -> tuple[int, int]:
    """From when to when the past is looked at: whole days, that no window touches."""
    last = now_at - now_at % DAY_MS - DAY_MS
    return last - HISTORY_DAYS * DAY_MS, last


@cache
def _before(dialect: str) -> Select[Any]:
    fault = _KEY[:3]
    first, last = (bindparam(name, type_=BigInteger) for name in ("first", "last"))
    statement = join_keys(dialect, _KEY, (*fault, func.sum(tally.c.count)), lock=False)
    return statement.where(tally.c.from_at >= first, tally.c.from_at < last).group_by(*fault)


def load_recent(connection: Connection, spn: int, fmi: int, now_at: int) -> set[Key]:
    """What was counted of this in the shortest window, whatever the product."""
    since = now_at - now_at % HOUR_MS - (min(WINDOWS_H) - 1) * HOUR_MS
    lately = tally.c.from_at >= since, tally.c.trait != _DAY
    query = select(*_KEY).where(*lately, tally.c.spn == spn, tally.c.fmi == fmi)
    return {
        (row.product, row.spn, row.fmi, row.trait, row.value)
        for row in connection.execute(query)
        if row.trait != _WATCH
    }


def forget_old(connection: Connection, now_at: int) -> None:
    """Drop what nobody looks at any more; since when is watched stays."""
    old = tally.c.from_at < now_at - _KEPT_DAYS * DAY_MS, tally.c.trait != _WATCH
    connection.execute(delete(tally).where(*old))
