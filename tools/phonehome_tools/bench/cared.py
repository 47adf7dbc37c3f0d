"""Care through the store: tickets of a real receiver that are diagnosed and decided, among many.

They are written past the receiver, as those of a washer whose drain is blocked, and made due a lot
at a time. They count as known since long: a thousand new ones in a second would be one incident.
"""

import asyncio
import sqlite3
import statistics
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any

import psycopg  # as in crowd.py: the receiver's own driver

from phonehome_tools.bench.cores import cpu_seconds
from phonehome_tools.bench.crowd import AT, TABLES, Tables, add_crowd
from phonehome_tools.bench.digested import read_considered
from phonehome_tools.bench.figures import AT_LEAST, Figure
from phonehome_tools.bench.options import Options
from phonehome_tools.bench.rig import Rig, rigged
from phonehome_tools.bench.storage import database_seconds

LOTS = 4
LOT = 1000
FEW, MANY = 10_000, 1_000_000  # open tickets
STORE_BARS = {"sqlite": 1000.0, "postgresql": 500.0}
FLAT_BARS = {"sqlite": 0.30, "postgresql": 0.60}  # as the digest's: the same rows and indexes
WITHIN_S = 180.0
ASK_EVERY_S = 0.25
_DRAIN = {"spn": 520194, "fmi": 7}  # E21 of the washer
_DAYS_AGO = AT - 3 * 86_400_000
OF_A_WASHER: Tables = {
    "device": {**TABLES["device"], "product": "washer"},
    "fault": {**TABLES["fault"], **_DRAIN},
    "ticket": {**TABLES["ticket"], **_DRAIN, "product": "washer"},
    "ticket_event": TABLES["ticket_event"],
    "care": {"ticket": 1, "asked": 1, **_DRAIN, "first_at": _DAYS_AGO},
}


async def measure_store(options: Options) -> list[Figure]:
    """Tickets per second among few and among many, lots in turn, and the ratio of both."""
    lots = options.times(LOTS, 1) + 1  # the first is a warm-up
    lot, many = options.times(LOT, 100), options.times(MANY, 2 * FEW)
    paces = []
    async with AsyncExitStack() as stack:
        rigs = [await stack.enter_async_context(rigged(options, 1)) for _ in (FEW, many)]
        crowds = [
            await asyncio.to_thread(add_crowd, rig.receiver.store, (), count, OF_A_WASHER)
            for rig, count in zip(rigs, (FEW, many), strict=True)
        ]
        for number in range(lots):
            turn = slice(number * lot, (number + 1) * lot)
            both = zip(rigs, crowds, strict=True)
            paces.append([await consider_lot(rig, crowd[turn]) for rig, crowd in both])
    few, most = (statistics.median(pace) for pace in zip(*paces[1:], strict=True))
    ratio = statistics.median(of_many / of_few for of_few, of_many in paces[1:])
    bar = STORE_BARS[options.store]
    return [
        Figure(f"considered among {FEW} open tickets", few, "1/s", bar, AT_LEAST),
        Figure(f"considered among {many} open tickets", most, "1/s", bar, AT_LEAST),
        Figure("among many / among few", ratio, "ratio", FLAT_BARS[options.store], AT_LEAST),
    ]


async def consider_lot(rig: Rig, devices: Sequence[str]) -> float:
    """Make the tickets of these devices due; how many are considered in a second of one core.

    Processor time of the receiver and of its database's processes, until the last is considered.
    """
    before = await read_considered(rig.receiver)
    before_s = _spent_s(rig)
    await asyncio.to_thread(make_due, rig.receiver.store, devices)
    async with asyncio.timeout(WITHIN_S):
        while await read_considered(rig.receiver) - before < len(devices):  # noqa: ASYNC110 - HTTP
            await asyncio.sleep(ASK_EVERY_S)
    return len(devices) / (_spent_s(rig) - before_s)


def _spent_s(rig: Rig) -> float:
    return cpu_seconds(rig.receiver.pid) + database_seconds(rig.receiver.store)


def make_due(store: str, devices: Sequence[str]) -> None:
    """Past the receiver, whose loop looks each second."""
    due_at = int(time.time() * 1000)
    rows: list[tuple[Any, ...]] = [(due_at, device) for device in devices]
    if store.startswith("sqlite:///"):
        connection = sqlite3.connect(store.removeprefix("sqlite:///"), timeout=60)
        with connection:
            connection.executemany("UPDATE care SET due_at = ? WHERE device = ?", rows)
        connection.close()
        return
    with psycopg.connect(store) as pg, pg.cursor() as cursor:
        cursor.executemany("UPDATE care SET due_at = %s WHERE device = %s", rows)
