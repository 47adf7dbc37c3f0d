"""Is it alive, is it ready, and what has it counted: for supervisors, not for people."""

from collections.abc import Awaitable, Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy import Connection, text

from phonehome_cloud.errors import StoreError
from phonehome_cloud.metrics import Metrics
from phonehome_cloud.store.database import Database

Check = Callable[[], Awaitable[str]]  # "" when well, otherwise what is wrong
CHECKS = web.AppKey[dict[str, Check]]("checks", dict)
METRICS = web.AppKey("metrics", Metrics)

routes = web.RouteTableDef()


@routes.get("/healthz")
async def healthz(_request: web.Request) -> web.Response:
    """The process answers."""
    return web.Response(text="ok\n")


@routes.get("/readyz")
async def readyz(request: web.Request) -> web.Response:
    """200 when each part can work, 503 with one line per part that cannot."""
    found = {name: await check() for name, check in request.app[CHECKS].items()}
    lines = "".join(f"{name}: {wrong or 'ok'}\n" for name, wrong in found.items())
    return web.Response(text=lines, status=503 if any(found.values()) else 200)


@routes.get("/metrics")
async def metrics(request: web.Request) -> web.Response:
    """Counters in the Prometheus text format."""
    body = request.app[METRICS].render()
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})


def database_check(database: Database) -> Check:
    """Whether the database can be written to: a transaction that changes nothing."""

    async def check() -> str:
        try:
            await database.write(_touch)
        except StoreError as error:
            return str(error)
        return ""

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


def _touch(connection: Connection) -> None:
    connection.execute(text("SELECT 1"))
