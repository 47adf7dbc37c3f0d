"""Is it alive, is it ready, and what has it counted: for supervisors, not for people."""

import asyncio
import logging
import os
import shutil
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from phonehome_cloud.errors import StoreError
from phonehome_cloud.metrics import Metrics
from phonehome_cloud.store import receivers
from phonehome_cloud.store.database import Database

_LOG = logging.getLogger(__name__)
_GOOD_FOR_S = 1.0  # an answer: whoever asks in a loop costs no commit each
_WITHIN_S = 5.0
_SPARE_FILES = 64
_FILES = Path("/proc/self/fd")

Check = Callable[[], Awaitable[str]]  # "" when well, otherwise what is wrong

routes = web.RouteTableDef()


@dataclass(frozen=True, slots=True)
class _Part:
    check: Check
    is_needed: bool


class Readiness:
    """Parts by name, each with a check; what is not needed for intake only tells.

    A receiver whose digest is behind still takes reports: taking all of them out of service
    together would turn a delay into an outage.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._parts: dict[str, _Part] = {}
        self._found: dict[str, str] = {}
        self._found_s = float("-inf")
        self._looking = asyncio.Lock()

    def add(self, name: str, check: Check, *, is_needed: bool = True) -> None:
        """Look at this, too."""
        self._parts[name] = _Part(check, is_needed)

    async def look(self) -> dict[str, str]:
        """What is wrong with each part, "" when nothing is; at most one look a second."""
        async with self._looking:
            if time.monotonic() - self._found_s >= _GOOD_FOR_S:
                found = {name: await _ask(part.check) for name, part in self._parts.items()}
                self._tell(found)
                self._found, self._found_s = found, time.monotonic()
            return self._found

    def is_ready(self, found: dict[str, str]) -> bool:
        """Whether everything works that reports need."""
        return not any(wrong and self._parts[name].is_needed for name, wrong in found.items())

    def _tell(self, found: dict[str, str]) -> None:
        """Log what has changed."""
        for name, wrong in found.items():
            self._metrics.set_ready(name, is_ready=not wrong)
            if bool(wrong) != bool(self._found.get(name)):
                level = logging.WARNING if wrong else logging.INFO
                _LOG.log(level, "%s: %s", name, wrong or "well again")


READINESS = web.AppKey("readiness", Readiness)
METRICS = web.AppKey("metrics", Metrics)


@routes.get("/healthz")
async def healthz(_request: web.Request) -> web.Response:
    """The process answers."""
    return web.Response(text="ok\n")


@routes.get("/readyz")
async def readyz(request: web.Request) -> web.Response:
    """200 when reports can be taken, 503 when not; one line per part, with what is wrong."""
    readiness = request.app[READINESS]
    found = await readiness.look()
    lines = "".join(f"{name}: {wrong or 'ok'}\n" for name, wrong in found.items())
    return web.Response(text=lines, status=200 if readiness.is_ready(found) else 503)


@routes.get("/metrics")
async def metrics(request: web.Request) -> web.Response:
    """Counters in the Prometheus text format."""
    body = request.app[METRICS].render()
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})


async def _ask(check: Check) -> str:
    try:
        async with asyncio.timeout(_WITHIN_S):
            return await check()
    except TimeoutError:
        return f"no answer in {_WITHIN_S:g} s"
    except StoreError as error:
        return str(error)


def database_check(database: Database, name: str, clock: Callable[[], int]) -> Check:
    """Whether the database can be written to: a commit that says that receiver `name` lives."""
    started_at = clock()

    async def check() -> str:
        await database.write(receivers.note_alive, name, started_at, clock())
        return ""

    return check


def schema_check(database: Database, find: Callable[..., str]) -> Check:
    """Whether the schema is that of this version; `find` says what is wrong with it."""

    async def check() -> str:
        return await database.read(find)

    return check


def disk_check(folder: Path, free_mb: int, metrics: Metrics) -> Check:
    """Whether there is room for the database."""

    async def check() -> str:
        free = shutil.disk_usage(folder).free
        metrics.set_free(free)
        if free >= free_mb * 1_000_000:
            return ""
        return f"{free // 1_000_000} MB are free in {folder}, ready.free_mb wants {free_mb}"

    return check


def files_check(find_limit: Callable[[], int]) -> Check:
    """Whether connections and databases can still be opened."""

    async def check() -> str:
        limit = find_limit()
        used = len(os.listdir(_FILES))  # noqa: PTH208 - names are enough, there are thousands
        return (
            "" if used <= limit - _SPARE_FILES else f"{used} of {limit} file descriptors are used"
        )

    return check


def lag_check(find_lag_s: Callable[[], float], limit_s: int) -> Check:
    """Whether the digest keeps up."""

    async def check() -> str:
        lag_s = find_lag_s()
        if lag_s <= limit_s:
            return ""
        return f"the oldest record waits since {lag_s:.0f} s, ready.lag_s wants {limit_s}"

    return check


def trouble_check(trouble: Callable[[], str]) -> Check:
    """Whether something that is restarted when it fails has run well lately."""

    async def check() -> str:
        return trouble()

    return check


def connection_check(is_connected: Callable[[], bool]) -> Check:
    """Whether something that reconnects by itself is connected."""

    async def check() -> str:
        return "" if is_connected() else "not connected, trying again"

    return check
