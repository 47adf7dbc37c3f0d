"""What is over is swept away: claims that nobody answered, links that expired long ago, and what
left the receiver so long ago that nobody asks for it.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from phonehome_cloud.errors import StoreError
from phonehome_cloud.store import claiming, links, retention
from phonehome_cloud.store.database import Database

_LOG = logging.getLogger(__name__)
_TICK_S: Final = 600.0
_DAY_MS: Final = 86_400_000
# A transaction of some milliseconds: intake writes in between.
_BATCH: Final = 500
# So long a link says that it has expired, instead of that there was none.
_KEPT_MS: Final = 90 * 86_400_000


async def sweep(database: Database, clock: Callable[[], int], kept_days: int) -> None:
    """Look every ten minutes until cancelled; effects are kept for `kept_days`."""
    while True:
        try:
            refused = await database.write(_sweep, clock())
            gone = await forget_effects(database, clock() - kept_days * _DAY_MS)
        except (StoreError, SQLAlchemyError) as error:
            _LOG.warning("nothing could be swept away, trying again: %s", error)
        else:
            if refused:
                _LOG.info("%d claims were refused: nobody answered in time", refused)
            if gone:
                _LOG.info("%d effects were forgotten: they ended %d days ago", gone, kept_days)
        await asyncio.sleep(_TICK_S)


async def forget_effects(database: Database, before_at: int, batch: int = _BATCH) -> int:
    """Forget what ended before a moment, batch by batch; how many effects that were."""
    done, place = 0, (0, "")
    while True:
        gone, next_place = await database.write(retention.forget_effects, before_at, batch, place)
        done += gone
        if next_place is None:
            return done
        place = next_place


def _sweep(connection: Connection, now_at: int) -> int:
    links.forget_expired(connection, now_at - _KEPT_MS)
    return claiming.sweep(connection, now_at)
