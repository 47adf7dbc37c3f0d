"""A receiver that kills itself at a step, as a process: the real one, but for its last moment.

    python -m tests.survival.receiver_main CONFIG STEP COUNT

When STEP was taken COUNT times the process ends by SIGKILL. Without STEP ("-") it is the receiver
as it is. Three more make receivers that must be caught: "early" answers, and commits afterwards;
"careless" does not sync its database; "hasty" ends an effect, and sends it afterwards.
"""

import asyncio
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from phonehome_cloud.config import load_config
from phonehome_cloud.core.arrivals import Arrival, Intrusion, Misfit, Outcome
from phonehome_cloud.core.partners import Ledger
from phonehome_cloud.core.telling.retrying import Sent
from phonehome_cloud.serving import serve
from phonehome_cloud.stepping import AS_IT_IS, Joints, Sender, SteppedJoints

EARLY = "early"
CARELESS = "careless"
HASTY = "hasty"
NEVER = "-"
COMMIT_DELAY_S = 0.5
HASTE_S = 30.0


class Reaper:
    """Ends the process when a step was taken so many times."""

    def __init__(self, step: str, count: int) -> None:
        self._step = step
        self._left = count
        self._lock = threading.Lock()  # the writer thread and the event loop both come here

    def __call__(self, step: str) -> None:
        """One step was taken."""
        if step != self._step:
            return
        with self._lock:
            self._left -= 1
            if self._left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)


class EarlyLedger:
    """Says that everything is stored, and stores it afterwards: what no receiver may do."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def submit(self, arrival: Arrival, done: Callable[[Outcome | Exception], None]) -> None:
        """Answer at once."""
        self._ledger.submit(arrival, _ignore)
        done(_promise(arrival))

    async def add(self, arrival: Arrival) -> Outcome:
        """Answer at once."""
        self._ledger.submit(arrival, _ignore)
        return _promise(arrival)

    async def quarantine(self, misfit: Misfit) -> None:
        """As it should be."""
        await self._ledger.quarantine(misfit)

    async def note_intrusion(self, intrusion: Intrusion) -> None:
        """As it should be."""
        await self._ledger.note_intrusion(intrusion)


def _promise(arrival: Arrival) -> Outcome:
    return Outcome(stored=[(r.boot, r.seq) for r in arrival.uplink.records], new_records=1)


def _ignore(_outcome: Outcome | Exception) -> None:
    pass


class EarlyJoints(Joints):
    """Every commit takes its time, and nobody waits for it."""

    def ledger(self, ledger: Ledger) -> Ledger:
        """The one that answers first."""
        return EarlyLedger(ledger)

    def engine(self, engine: Engine) -> None:
        """A kill must have time to come between the answer and the commit."""
        event.listen(engine, "commit", lambda _connection: time.sleep(COMMIT_DELAY_S))


class CarelessJoints(Joints):
    """SQLite leaves it to the kernel when to write."""

    def engine(self, engine: Engine) -> None:
        """Behind the receiver's own pragmas."""
        event.listen(
            engine, "connect", lambda raw, _record: raw.execute("PRAGMA synchronous=OFF").close()
        )


class HastySender:
    """Says that an effect is sent, and sends it in a while: what no receiver may do."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._tasks: set[asyncio.Task[None]] = set()

    async def send(self, parcel: Any) -> Any:
        """Answer at once."""
        self._tasks.add(asyncio.create_task(self._send(parcel)))
        return Sent()

    async def _send(self, parcel: Any) -> None:
        await asyncio.sleep(HASTE_S)
        await self._sender.send(parcel)


class HastyJoints(Joints):
    """Nobody waits for a mail server."""

    def sender(self, sender: Sender) -> Sender:
        """The one that answers first."""
        return HastySender(sender)


def choose_joints(step: str, count: int) -> Joints:
    """The joints for the command line's words."""
    chosen: dict[str, Joints] = {
        EARLY: EarlyJoints(),
        CARELESS: CarelessJoints(),
        HASTY: HastyJoints(),
        NEVER: AS_IT_IS,
    }
    return chosen.get(step) or SteppedJoints(Reaper(step, count))


def main(path: str, step: str, count: str) -> None:
    """Serve until told to stop, or until it is over."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
    config = load_config(Path(path), os.environ)
    asyncio.run(serve(config, choose_joints(step, int(count))))


if __name__ == "__main__":
    main(*sys.argv[1:])
