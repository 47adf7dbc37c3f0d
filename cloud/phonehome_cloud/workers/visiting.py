"""What visits need while nobody is looking: others when a technician is away, parts, presence."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from phonehome_cloud.errors import StoreUnavailableError
from phonehome_cloud.store import mails, presence, visit_checks
from phonehome_cloud.store.database import Database
from phonehome_product import Product

_LOG = logging.getLogger(__name__)
_TICK_S: Final = 30.0
_LEARN_MS: Final = 3_600_000
_PAGE: Final = 200
_KEPT_MS: Final = 90 * 86_400_000  # mails are in no mailbox of ours that is read again so late


class Counters(Protocol):
    """Where visits are counted."""

    def count_visit(self, what: str) -> None:
        """Something became of a visit."""


class Visiting:
    """Looks at visits each half minute, and at the use of appliances each hour."""

    def __init__(
        self,
        database: Database,
        products: Mapping[str, Product],
        clock: Callable[[], int],
        counters: Counters,
    ) -> None:
        self._database = database
        self._counters = counters
        self._clock = clock
        self._usages = {
            name: tuple(usage.metric for usage in product.usages if usage.by_person)
            for name, product in products.items()
        }
        self._learn_at = 0

    async def run(self) -> None:
        """Look until cancelled; when the database is away, again later."""
        while True:
            try:
                await self.step()
                if self._clock() >= self._learn_at:
                    await self.learn()
            except StoreUnavailableError as error:
                _LOG.warning("visits wait for the database: %s", error)
            await asyncio.sleep(_TICK_S)

    async def step(self) -> None:
        """Move what cannot be as it is booked, and keep parts that have arrived."""
        now_at, read = self._clock(), self._database.read
        for find, mend in (
            (visit_checks.find_stranded, visit_checks.move_stranded),
            (visit_checks.find_waiting, visit_checks.look_for_parts),
        ):
            for key in await read(find, now_at):
                try:
                    what = await self._database.write(mend, key, now_at)
                except StoreUnavailableError:
                    raise
                except Exception:  # noqa: BLE001 - one mistake must not hold up all other visits
                    _LOG.exception("visit %s-%d:%d could not be mended", *key)
                    what = "failed"
                if what:
                    self._counters.count_visit(what)

    async def learn(self) -> int:
        """Read what consenting homes have used since the last time; returns how many homes."""
        now_at, after, homes = self._clock(), "", 0
        self._learn_at = now_at + _LEARN_MS
        await self._database.write(mails.forget_read, now_at - _KEPT_MS)
        while rows := await self._database.read(presence.list_agreeing, after, _PAGE):
            for device, product in rows:
                counters = self._usages.get(product or "", ())
                homes += await self._database.write(presence.learn, device, counters, now_at)
            after = rows[-1][0]
        return homes
