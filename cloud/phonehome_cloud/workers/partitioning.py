"""Partitions for the weeks ahead, made by whichever receiver looks first."""

import asyncio
import logging
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from phonehome_cloud.errors import StoreError
from phonehome_cloud.store.database import Database
from phonehome_cloud.store.partitions import make_ahead

_LOG = logging.getLogger(__name__)
_TICK_S = 3600.0


async def keep_ahead(database: Database, clock: Callable[[], int]) -> None:
    """Look each hour until cancelled; until one is made, rows of its week are in message_rest."""
    while True:
        try:
            made = await database.write(make_ahead, clock())
        except (StoreError, SQLAlchemyError) as error:
            _LOG.warning("partitions could not be made, trying again: %s", error)
        else:
            for name in made:
                _LOG.info("made partition %s", name)
        await asyncio.sleep(_TICK_S)
