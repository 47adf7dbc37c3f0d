"""The HTTP server around an application, with bounds for clients that do not mean well."""

from aiohttp import web

from phonehome_cloud.core.intake import Intake
from phonehome_cloud.errors import ConfigError

from .connections import ConnectionLimits, GuardedSite

_SHUTDOWN_S = 10.0
_LINGER_S = 1.0  # how long the rest of a refused body is read


def make_runner(app: web.Application, limits: ConnectionLimits) -> web.AppRunner:
    """The server of an application, not yet listening; `cleanup()` ends both in order."""
    return web.AppRunner(
        app,
        access_log=None,
        keepalive_timeout=limits.idle_s,
        lingering_time=_LINGER_S,
        shutdown_timeout=_SHUTDOWN_S,
        auto_decompress=False,  # nothing here takes compressed bodies: no bomb can go off
        handler_cancellation=False,  # a commit is finished even when nobody waits for it
    )


async def start_site(
    runner: web.AppRunner, host: str, port: int, limits: ConnectionLimits, intake: Intake
) -> GuardedSite:
    """Listen; ConfigError when the address is not ours to take."""
    site = GuardedSite(runner, host, port, limits, intake, _SHUTDOWN_S)
    try:
        await site.start()
    except OSError as error:
        fix = "choose a free address, or port 0"
        raise ConfigError([f"server.port = {port} on {host}: {error.strerror}; {fix}"]) from None
    return site
