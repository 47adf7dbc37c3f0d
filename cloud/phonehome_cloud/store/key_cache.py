"""Keys for intake, read not long ago; those that are not at hand are read together.

A million appliances that report every five minutes are each looked up for each report: whoever
waits when a look begins goes into it, and into one statement. With 256 at once a key costs this
process 23 us, 114 (SQLite) and 220 (PostgreSQL) when each was read for itself.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from itertools import islice

from phonehome_cloud.core.arrivals import DeviceKey

from .database import Database
from .keys import find_keys
from .vault import Vault

_AT_ONCE = 500  # keys in one look, which takes some milliseconds of a reader


class KeyCache:
    """Derived keys by kid, read from the database at first use and at most every `ttl_ms`.

    Holds at most `capacity` kids, unknown ones too, so that strangers cost one query each; the one
    used longest ago leaves first. `forget` makes a change of this process count at once.
    """

    def __init__(
        self,
        database: Database,
        vault: Vault,
        clock: Callable[[], int],
        capacity: int = 50_000,
        ttl_ms: int = 60_000,
    ) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._capacity = capacity
        self._ttl_ms = ttl_ms
        self._known: OrderedDict[bytes, tuple[DeviceKey | None, int]] = OrderedDict()
        self._wanted: dict[bytes, asyncio.Future[DeviceKey | None]] = {}
        self._looking: asyncio.Task[None] | None = None
        self._outdated: set[bytes] = set()  # devices that changed since the look began

    def recall(self, kid: bytes) -> DeviceKey | None:
        """The key that may sign under this kid, when it was read not long ago; else None."""
        known = self._known.get(kid)
        return known[0] if known is not None and self._is_fresh(known[1]) else None

    async def find(self, kid: bytes) -> DeviceKey | None:
        """The key that may sign under this kid, or None.

        Raises StoreUnavailableError, and StoreRefusedError without the master key of this one.
        """
        known = self._known.get(kid)
        if known is not None and self._is_fresh(known[1]):
            return known[0]
        wanted = self._wanted.get(kid)
        if wanted is None:
            wanted = self._wanted[kid] = asyncio.get_running_loop().create_future()
        if self._looking is None:
            self._looking = asyncio.create_task(self._look())
        return await asyncio.shield(wanted)  # others may wait for the same

    async def _look(self) -> None:
        try:
            while self._wanted:
                # What the sockets hold already comes into this look, too.
                await asyncio.sleep(0)
                batch = dict(islice(self._wanted.items(), _AT_ONCE))
                for kid in batch:
                    del self._wanted[kid]
                await self._look_for(batch)
        finally:
            self._looking = None

    async def _look_for(self, batch: Mapping[bytes, "asyncio.Future[DeviceKey | None]"]) -> None:
        self._outdated.clear()
        now_at = self._clock()
        try:
            found = await self._database.read(find_keys, self._vault, batch.keys(), now_at)
        except Exception as error:  # noqa: BLE001 - every waiter must be told, whatever it was
            for future in batch.values():
                future.set_exception(error)
            return
        for kid, future in batch.items():
            key = found.get(kid)
            if isinstance(key, Exception):
                future.set_exception(key)
                continue
            if kid[:-1] not in self._outdated:
                self._remember(kid, key, now_at)
            future.set_result(key)

    def _remember(self, kid: bytes, key: DeviceKey | None, read_at: int) -> None:
        self._known[kid] = key, read_at
        self._known.move_to_end(kid)
        if len(self._known) > self._capacity:
            self._known.popitem(last=False)

    def _is_fresh(self, read_at: int) -> bool:
        """What was read in the future was read before somebody set the clock back."""
        return 0 <= self._clock() - read_at < self._ttl_ms

    def forget(self, dev: str) -> None:
        """Read this device's keys again next time."""
        raw_dev = bytes.fromhex(dev)
        self._outdated.add(raw_dev)
        for epoch in range(256):
            self._known.pop(raw_dev + bytes((epoch,)), None)
