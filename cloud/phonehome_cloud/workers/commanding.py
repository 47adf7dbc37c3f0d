"""Commands on their way: which devices they wait for, and when to send them.

Intake asks for every report whether something waits for its device, so that is known in memory:
it is read from the table each second, because other processes write there, and corrected at once
by what this process does. Everything else is in the table; a restart forgets nothing.
"""

import asyncio
import logging
from collections.abc import Callable, Collection
from typing import Protocol

from sqlalchemy import Connection

from phonehome_cloud.core.arrivals import Arrival, DeviceKey
from phonehome_cloud.core.orders import sign_command
from phonehome_cloud.errors import StoreUnavailableError
from phonehome_cloud.store import commands, configs, devices, rotation, secrets
from phonehome_cloud.store.database import Database
from phonehome_cloud.store.reconciling import reconcile
from phonehome_cloud.store.vault import Vault
from phonehome_wire.downlink import Command

from .waiting import wait_within

_LOG = logging.getLogger(__name__)
_TICK_S = 1.0

Publish = Callable[[str, bytes], bool]  # (device, signed message); False: not now


class Keys(Protocol):
    """Where the key of a kid is found."""

    async def find(self, kid: bytes) -> DeviceKey | None:
        """The key that signs under this kid now, or None."""


class Counters(Protocol):
    """Where commands are counted."""

    def count_commands(self, event: str, count: int) -> None:
        """So many commands were sent, pushed or expired."""

    def set_commands_waiting(self, devices_waiting: int) -> None:
        """Commands wait for so many devices."""


def _nobody(_device: str, _message: bytes) -> bool:
    return False


class Commanding:
    """The mailbox of intake, and the loop behind it; `publish` reaches devices at any time."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        keys: Keys,
        clock: Callable[[], int],
        counters: Counters,
    ) -> None:
        self._database = database
        self._vault = vault
        self._keys = keys
        self._clock = clock
        self._counters = counters
        self._waiting: set[str] = set()
        self._news: set[str] = set()  # devices with something that may be pushed
        self._work = asyncio.Event()
        self.publish: Publish = _nobody

    def waits_for(self, device: str) -> bool:
        """Whether a command waits for a device; see core.intake.Mailbox."""
        return device in self._waiting

    def note(self, device: str) -> None:
        """Something was asked of a device."""
        self._waiting.add(device)
        self._news.add(device)
        self._work.set()

    async def look_again(self, device: str) -> None:
        """A result came in: another command may follow, or none."""
        if await self._database.read(commands.is_waiting, device):
            self._waiting.add(device)
        else:
            self._waiting.discard(device)
        self._work.set()  # for configurations that wait for this result

    async def next_for(self, arrival: Arrival) -> bytes:
        """The signed command for the boot that sent this; empty when none waits, or not now."""
        device = arrival.device
        try:
            command = await self._database.write(self._take_next, arrival, self._clock())
        except StoreUnavailableError as error:
            _LOG.warning("the command for device %s waits: %s", device, error)
            return b""
        if command is None:
            self._waiting.discard(device)
            return b""
        self._counters.count_commands("sent", 1)
        return sign_command(arrival.key, command)

    def _take_next(self, connection: Connection, arrival: Arrival, now_at: int) -> Command | None:
        dev, boot = arrival.device, arrival.uplink.boot
        command = commands.take_next(connection, dev, arrival.inc, boot, now_at)
        return self._complete(connection, dev, arrival.key.epoch, command)

    async def run(self) -> None:
        """Look after commands until cancelled; when the database is away, again each second."""
        while True:
            self._work.clear()
            try:
                await self.step()
            except StoreUnavailableError as error:
                _LOG.warning("commands wait for the database: %s", error)
            await wait_within(self._work, _TICK_S)

    async def step(self) -> None:
        """End what is too late, reconcile what is due, push what can be pushed."""
        now_at = self._clock()
        news, self._news = self._news, set()
        has_expired, has_due = await self._database.read(_look, now_at)
        if has_expired:
            ended = await self._database.write(commands.expire, now_at)
            self._counters.count_commands("expired", len(ended))
        if has_due or has_expired:
            news |= set(await self._database.write(reconcile, now_at))
        waiting = await self._database.read(commands.load_waiting)
        news |= waiting - self._waiting
        self._waiting = waiting
        self._counters.set_commands_waiting(len(waiting))
        await self._push(news & waiting)

    async def _push(self, news: Collection[str]) -> None:
        if self.publish is _nobody:
            return
        for device in news:
            kid = await self._database.read(devices.maybe_kid, device)
            key = await self._keys.find(kid) if kid else None
            if key is not None:
                await self._push_next(key)

    async def _push_next(self, key: DeviceKey) -> None:
        """Send what waits; what does not arrive goes out again with the device's next report."""
        command = await self._database.write(self._take_pushable, key, self._clock())
        if command is not None and self.publish(key.device, sign_command(key, command)):
            self._counters.count_commands("pushed", 1)

    def _take_pushable(
        self, connection: Connection, key: DeviceKey, now_at: int
    ) -> Command | None:
        command = commands.take_pushable(connection, key.device, now_at)
        return self._complete(connection, key.device, key.epoch, command)

    def _complete(
        self, connection: Connection, dev: str, epoch: int, command: Command | None
    ) -> Command | None:
        """With what is secret in it; None when it has become pointless."""
        command = rotation.complete(connection, self._vault, dev, epoch, command)
        return secrets.complete(connection, self._vault, dev, command)


def _look(connection: Connection, now_at: int) -> tuple[bool, bool]:
    return commands.has_expired(connection, now_at), configs.has_due(connection, now_at)
