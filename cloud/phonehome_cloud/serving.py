"""The receiver as a process: one line when it is ready, and an orderly end on a signal."""

import asyncio
import signal

from aiohttp import web

from .app import CONSUMER, make_app
from .config import Config
from .errors import ConfigError
from .web.connections import ConnectionLimits, GuardedSite

_IDLE_S = 330.0  # a device that reports every five minutes keeps its connection
_SHUTDOWN_S = 10.0
_LINGER_S = 1.0  # how long the rest of a refused body is read
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


async def serve(config: Config) -> None:
    """Run until SIGTERM or Ctrl-C; prints the ready line when everything works.

    Raises ConfigError or StoreError when it must not or cannot start.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, stopping.set)
    app = make_app(config)
    runner = make_runner(app)
    try:
        await runner.setup()
        site = await start_site(runner, config)
        print(ready_line(app, site.name), flush=True)  # noqa: T201 - scripts wait for it
        await stopping.wait()
    finally:
        await runner.cleanup()


def make_runner(app: web.Application) -> web.AppRunner:
    """The HTTP server, with bounds for clients that do not mean well."""
    return web.AppRunner(
        app,
        access_log=None,
        keepalive_timeout=_IDLE_S,
        lingering_time=_LINGER_S,
        shutdown_timeout=_SHUTDOWN_S,
        auto_decompress=False,  # nothing here takes compressed bodies: no bomb can go off
        handler_cancellation=False,  # a commit is finished even when nobody waits for it
    )


async def start_site(
    runner: web.AppRunner, config: Config, limits: ConnectionLimits | None = None
) -> GuardedSite:
    """Listen where the settings say; ConfigError when the address is not ours to take."""
    host, port = config.server.host, config.server.port
    site = GuardedSite(runner, host, port, limits or ConnectionLimits())
    try:
        await site.start()
    except OSError as error:
        raise ConfigError(
            [f"server.port = {port} on {host}: {error.strerror}; choose a free address, or port 0"]
        ) from None
    return site


def ready_line(app: web.Application, http_url: str) -> str:
    """What `serve` prints once: where it listens."""
    consumer = app.get(CONSUMER)
    mqtt = f" mqtt={consumer.url}" if consumer is not None else ""
    return f"phonehome receiver ready http={http_url}{mqtt}"
