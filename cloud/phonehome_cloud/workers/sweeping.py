"""What is over is swept away: claims that nobody answered, links that expired long ago."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from phonehome_cloud.errors import StoreError
from phonehome_cloud.store import claiming, links
from phonehome_cloud.store.database import Database

_LOG = logging.getLogger(__name__)
_TICK_S: Final = 600.0
# So long a link says that it has expired, instead of that there was none.
_KEPT_MS: Final = 90 * 86_400_000


async def sweep_people(database: Database, clock: Callable[[], int]) -> None:
    """Look every ten minutes until cancelled."""
    while True:
        try:
            refused = await database.write(_sweep, clock())
        except (StoreError, SQLAlchemyError) as error:
            _LOG.warning("nothing could be swept away, trying again: %s", error)
        else:
            if refused:
                _LOG.info("%d claims were refused: nobody answered in time", refused)
        await asyncio.sleep(_TICK_S)


def _sweep(connection: Connection, now_at: int) -> int:
    links.forget_expired(connection, now_at - _KEPT_MS)
    return claiming.sweep(connection, now_at)
