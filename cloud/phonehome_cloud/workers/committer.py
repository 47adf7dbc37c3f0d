"""Group commit: whatever arrived while the last commit ran goes into the next one."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import Connection

from phonehome_cloud.core.arrivals import Arrival, Intrusion, Misfit, Outcome
from phonehome_cloud.errors import OverloadedError, StoreError
from phonehome_cloud.store.database import Database
from phonehome_cloud.store.quarantine import note_intrusions, quarantine_messages
from phonehome_cloud.store.reports import store_arrivals

_LOG = logging.getLogger(__name__)
_RETRY_AFTER_S = 5
# The digest shares our connection and our core, so it waits for a pause this long, but in all not
# longer than that: it has its turn under full load, too, and is then told to be brief. Ten
# brief turns a second took a twelfth of the core and more for 200 records; three are enough.
_PAUSE_S = 0.03
_PATIENCE_S = 0.3

Entry = Arrival | Misfit | Intrusion
Result = Outcome | None


Done = Callable[[Any], None]  # gets a Result, or the exception in its place


class _Waiting(NamedTuple):
    entry: Entry
    done: Done


class Committer:
    """The ledger of intake: one transaction at a time in the lane of intake.

    At most `max_waiting` entries wait, at most `max_batch` go into one transaction. `on_commit` is
    called in the event loop with the number of entries of each commit, the seconds that it took,
    and those that its oldest entry waited for its end; `on_failure` with how many were not stored.
    """

    def __init__(
        self,
        database: Database,
        max_waiting: int,
        max_batch: int,
        on_commit: Callable[[int, float, float], None],
        on_failure: Callable[[int], None] = lambda _messages: None,
    ) -> None:
        self._database = database
        self._max_waiting = max_waiting
        self._max_batch = max_batch
        self._on_commit = on_commit
        self._on_failure = on_failure
        self._waiting: list[_Waiting] = []
        self._committing: asyncio.Task[None] | None = None
        self._ended_s = 0.0
        self._since_s = 0.0  # when the first of those that wait came

    @property
    def depth(self) -> int:
        """Entries that wait for a commit."""
        return len(self._waiting)

    def submit(self, entry: Entry, done: Done) -> None:
        """Let an entry go into the next commit; `done` is told its result, or what went wrong.

        OverloadedError, at once, when too many wait.
        """
        if len(self._waiting) >= self._max_waiting:
            raise OverloadedError(f"{self._max_waiting} messages wait already", _RETRY_AFTER_S)
        if not self._waiting:
            self._since_s = time.monotonic()
        self._waiting.append(_Waiting(entry, done))
        if self._committing is None:
            self._committing = asyncio.create_task(self._run())

    async def add(self, arrival: Arrival) -> Outcome:
        """Store a message with its records; see core.intake.Ledger."""
        outcome = await self._commit(arrival)
        if outcome is None:
            raise TypeError("an arrival has an outcome")
        return outcome

    async def quarantine(self, misfit: Misfit) -> None:
        """Keep an authentic message that cannot be read."""
        await self._commit(misfit)

    async def note_intrusion(self, intrusion: Intrusion) -> None:
        """Keep that somebody spoke under a wrong name."""
        await self._commit(intrusion)

    async def drain(self) -> None:
        """Return when everything that was taken is committed or has failed."""
        while self._committing is not None:
            await asyncio.wait([self._committing])

    async def wait_quiet(self) -> bool:
        """True when nobody came for _PAUSE_S, False when that did not happen in _PATIENCE_S."""
        last_s = time.monotonic() + _PATIENCE_S
        while not self._is_quiet() and time.monotonic() < last_s:  # noqa: ASYNC110 - a pause
            await asyncio.sleep(_PAUSE_S)
        return self._is_quiet()

    def _is_quiet(self) -> bool:
        return self._committing is None and time.monotonic() - self._ended_s >= _PAUSE_S

    async def _commit(self, entry: Entry) -> Result:
        told: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self.submit(entry, partial(_tell, told))
        return await told

    async def _run(self) -> None:
        try:
            while self._waiting:
                # What the sockets hold already comes into this commit, too.
                await asyncio.sleep(0)
                batch = self._waiting[: self._max_batch]
                del self._waiting[: self._max_batch]
                since_s, self._since_s = self._since_s, time.monotonic()
                await self._commit_batch(batch, since_s)
        finally:
            self._committing = None
            self._ended_s = time.monotonic()

    async def _commit_batch(self, batch: Sequence[_Waiting], since_s: float) -> None:
        """All in one transaction; when one entry spoils it, each in its own."""
        started_s = time.monotonic()
        try:
            results = await self._database.write_intake(store_entries, [w.entry for w in batch])
        except Exception as error:  # noqa: BLE001 - every waiter must be told, whatever it was
            await self._recover(batch, error, since_s)
            return
        for waiting, result in zip(batch, results, strict=True):
            _answer(waiting.done, result)
        ended_s = time.monotonic()
        self._on_commit(len(batch), ended_s - started_s, ended_s - since_s)

    async def _recover(self, batch: Sequence[_Waiting], error: Exception, since_s: float) -> None:
        if len(batch) > 1 and not isinstance(error, StoreError):
            for waiting in batch:
                await self._commit_batch([waiting], since_s)
            return
        _LOG.error("%d messages were not stored: %s", len(batch), error)
        self._on_failure(len(batch))
        for waiting in batch:
            _answer(waiting.done, error)


def _answer(done: Done, result: Result | Exception) -> None:
    """A mistake in what one waiter does with its result is not the next one's."""
    try:
        done(result)
    except Exception:  # noqa: BLE001 - logged
        _LOG.exception("a committed message could not be answered")


def _tell(told: "asyncio.Future[Result]", result: Result | Exception) -> None:
    if told.done():
        return
    if isinstance(result, Exception):
        told.set_exception(result)
    else:
        told.set_result(result)


def store_entries(connection: Connection, entries: Sequence[Entry]) -> list[Result]:
    """Everything of one batch in the caller's transaction; results in the order of entries."""
    arrivals = [entry for entry in entries if isinstance(entry, Arrival)]
    outcomes = iter(store_arrivals(connection, arrivals) if arrivals else ())
    quarantine_messages(connection, [e for e in entries if isinstance(e, Misfit)])
    note_intrusions(connection, [e for e in entries if isinstance(e, Intrusion)])
    return [next(outcomes) if isinstance(entry, Arrival) else None for entry in entries]
