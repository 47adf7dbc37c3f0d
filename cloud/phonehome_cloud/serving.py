"""The receiver as a process: one line when it is ready, and an orderly end on a signal."""

import asyncio
import gc
import signal
import sys

from aiohttp import web

from phonehome_product.apart import load_apart

from .app import CONSUMER, make_app, serving
from .config import Config
from .files import raise_file_limit
from .heap import give_back, share_arena
from .stepping import AS_IT_IS, Joints

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
# A commit gives up its turn among our threads whenever it waits for the database, and beside a
# turn of the digest or of care it has it back after this: on PostgreSQL a commit of 6 beside a
# thread that never waits takes 23 ms (least tenth, busy machine), with Python's 5 ms 38.
_TURN_S = 0.001


async def serve(config: Config, joints: Joints = AS_IT_IS) -> None:
    """Run until SIGTERM or Ctrl-C; prints the ready line when everything works.

    `joints` as make_app takes them.
    Raises ConfigError or StoreError when it must not or cannot start.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, stopping.set)
    raise_file_limit()
    sys.setswitchinterval(_TURN_S)
    share_arena()
    app = make_app(config, joints, load_apart)
    async with serving(app, config) as site:
        # What is there now stays: the collector need not look at it again, which was a tenth of
        # what a report costs (97 us of processor time, 88 without).
        gc.collect()
        gc.freeze()
        give_back()
        print(ready_line(app, site.name), flush=True)  # noqa: T201 - scripts wait for it
        await stopping.wait()


def ready_line(app: web.Application, http_url: str) -> str:
    """What `serve` prints once: where it listens."""
    consumer = app.get(CONSUMER)
    mqtt = f" mqtt={consumer.url}" if consumer is not None else ""
    return f"phonehome receiver ready http={http_url}{mqtt}"
