"""Effects on their way: taken when they are due, sent, and what became of them written down.

Whatever waits in the table is the work; this loop remembers nothing. An effect is leased before
it is sent and ended after its receiver has it, so one that is killed between the two is sent
again, under the same key, when the lease is over.
"""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Callable
from typing import Any, Final, Protocol

from sqlalchemy import Connection

from phonehome_cloud.core.telling.retrying import (
    Later,
    Never,
    Outcome,
    Sent,
    pause_ms,
)
from phonehome_cloud.errors import StoreUnavailableError
from phonehome_cloud.store import contacts, hooks, outbox, unreachable
from phonehome_cloud.store.database import Database
from phonehome_cloud.store.dispatching import Call, Dispatcher, Parcel, Post

_LOG = logging.getLogger(__name__)
_TICK_S: Final = 1.0
_DRAIN_S: Final = 5.0  # a stopping receiver waits so long for what it is sending
_IN_HAND: Final = 16  # at once, of each kind
# What else goes to a receiver that has just failed waits so long at most: it may be back by then.
_OTHERS_MS: Final = 300_000
_WORDS: Final = {Sent: "sent", Later: "retried", Never: "dead"}


class Sender(Protocol):
    """Who sends one kind of effect."""

    async def send(self, parcel: Any) -> Outcome:
        """Send it; say what became of it."""


class Counters(Protocol):
    """Where effects are counted."""

    def count_effect(self, kind: str, outcome: str, seconds: float) -> None:
        """One try ended like this, after so long."""


class Telling:
    """Sends the effects of one kind; `lease_s` is how long a receiver may be busy with one."""

    def __init__(
        self,
        database: Database,
        dispatcher: Dispatcher,
        kind: str,
        sender: Sender,
        clock: Callable[[], int],
        counters: Counters,
        lease_s: int,
    ) -> None:
        self._database = database
        self._dispatcher = dispatcher
        self._kind = kind
        self._sender = sender
        self._clock = clock
        self._counters = counters
        self._lease_ms = lease_s * 1000
        self._within_s = lease_s / 2  # so that nobody else has it while it is being sent
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Send until cancelled; when the database is away, again each second."""
        try:
            while True:
                try:
                    await self.step()
                except StoreUnavailableError as error:
                    _LOG.warning("effects wait for the database: %s", error)
                await self._rest()
        finally:
            await self._drain()

    async def step(self) -> int:
        """Take what is due, and begin to send it; returns how many that were."""
        now_at, free = self._clock(), _IN_HAND - len(self._tasks)
        if not free or not await self._database.read(outbox.has_due, self._kind, now_at):
            return 0
        until_at = now_at + self._lease_ms
        parcels = await self._database.write(
            self._dispatcher.take, self._kind, free, now_at, until_at
        )
        for parcel in parcels:
            task = asyncio.create_task(self._tell(parcel))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return len(parcels)

    async def settle(self) -> None:
        """Wait for everything that is being sent."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _rest(self) -> None:
        """Until a sender is free, or for a moment."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_TICK_S, return_when=asyncio.FIRST_COMPLETED)
        else:
            await asyncio.sleep(_TICK_S)

    async def _drain(self) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_DRAIN_S)
        for task in tuple(self._tasks):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _tell(self, parcel: Parcel) -> None:
        key, started_s = parcel.row.key, time.monotonic()
        try:
            async with asyncio.timeout(self._within_s):
                outcome = await self._sender.send(parcel)
        except TimeoutError:
            outcome = Later(f"no answer within {self._within_s:g} s")
        except Exception as error:  # noqa: BLE001 - one that cannot be sent stops no other
            _LOG.exception("effect %s could not be sent", key)
            outcome = Later(f"a mistake of ours: {error!r}")
        took_s = time.monotonic() - started_s
        word = _WORDS[type(outcome)]
        self._counters.count_effect(self._kind, word, took_s)
        if not isinstance(outcome, Sent):
            _LOG.warning("effect %s is %s: %s", key, word, outcome.reason)
        try:
            await self._database.write(_finish, parcel, outcome, self._clock(), took_s)
        except StoreUnavailableError as error:
            _LOG.warning("effect %s is sent again when its lease ends: %s", key, error)


def _finish(
    connection: Connection, parcel: Parcel, outcome: Outcome, now_at: int, took_s: float
) -> None:
    row, took_ms = parcel.row, int(took_s * 1000)
    if isinstance(outcome, Sent):
        outbox.finish_sent(connection, row, outcome.detail, now_at, took_ms)
    elif isinstance(outcome, Later):
        pause = pause_ms(row.attempts + 1, outcome.after_s, random.random())
        next_at = now_at + pause
        given_up = outbox.finish_later(connection, row, outcome.reason, now_at, took_ms, next_at)
        if given_up is not None:
            unreachable.add(connection, row, given_up, now_at)
        if isinstance(parcel, Call):
            outbox.hold_others(connection, row, now_at + min(pause, _OTHERS_MS))
    else:
        is_ours = outbox.finish_dead(connection, row, outcome.reason, now_at, took_ms)
        if outcome.is_gone:
            _close(connection, parcel, outcome.reason, now_at)
        if is_ours and not outcome.is_off:
            unreachable.add(connection, row, outcome.reason, now_at)


def _close(connection: Connection, parcel: Parcel, reason: str, now_at: int) -> None:
    """Send nothing more there."""
    if isinstance(parcel, Post):
        contacts.suppress(connection, parcel.contact.mail, reason, now_at)
    else:
        hooks.disable(connection, parcel.hook, reason, now_at)
