"""Where intake and effects are joined, and how somebody hears of each step there (WIRE.md 4.3).

In service the joints leave everything as it is, so a step costs nothing; whoever kills a receiver
at one of them gives make_app other ones.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final, Protocol

from sqlalchemy import Engine, event

from .core.arrivals import Arrival, DeviceKey, Intrusion, Misfit, Outcome
from .core.partners import Counters, Keys, Ledger

KEYED: Final = "keyed"  # 1: the key of the kid is known
JUDGED: Final = "judged"  # 2 to 4: the MAC holds, the message is decoded
WRITTEN: Final = "written"  # 5: the commit of all rows begins; that of the digest's, too
COMMITTED: Final = "committed"  # 5: they are on the disk, and nobody has heard of it
SIGNED: Final = "signed"  # 6: the ack is signed and not sent
ANSWERED: Final = "answered"  # 6: it is on its way; the broker has no PUBACK yet
STEPS: Final = (KEYED, JUDGED, WRITTEN, COMMITTED, SIGNED, ANSWERED)

TAKEN: Final = "taken"  # an effect is leased, and nobody has heard of it
TOLD: Final = "told"  # its receiver has it, and nothing is written down
TELLING_STEPS: Final = (WRITTEN, TAKEN, TOLD)

AtStep = Callable[[str], None]


class SteppedKeys:
    """Keys that tell when one was found."""

    def __init__(self, keys: Keys, at_step: AtStep) -> None:
        self._keys = keys
        self._at_step = at_step

    def recall(self, kid: bytes) -> DeviceKey | None:
        """See core.partners.Keys."""
        found = self._keys.recall(kid)
        self._at_step(KEYED)
        return found

    async def find(self, kid: bytes) -> DeviceKey | None:
        """See core.partners.Keys."""
        found = await self._keys.find(kid)
        self._at_step(KEYED)
        return found


class SteppedLedger:
    """A ledger that tells before and after it makes a message durable."""

    def __init__(self, ledger: Ledger, at_step: AtStep) -> None:
        self._ledger = ledger
        self._at_step = at_step

    def submit(self, arrival: Arrival, done: Callable[[Outcome | Exception], None]) -> None:
        """See core.partners.Ledger."""

        def tell(outcome: Outcome | Exception) -> None:
            self._at_step(COMMITTED)
            done(outcome)

        self._at_step(JUDGED)
        self._ledger.submit(arrival, tell)

    async def add(self, arrival: Arrival) -> Outcome:
        """See core.partners.Ledger."""
        self._at_step(JUDGED)
        outcome = await self._ledger.add(arrival)
        self._at_step(COMMITTED)
        return outcome

    async def quarantine(self, misfit: Misfit) -> None:
        """See core.partners.Ledger."""
        await self._ledger.quarantine(misfit)

    async def note_intrusion(self, intrusion: Intrusion) -> None:
        """See core.partners.Ledger."""
        await self._ledger.note_intrusion(intrusion)


class SteppedCounters:
    """Counters that tell when an answer is ready, and when the transport has had its turn."""

    def __init__(self, counters: Counters, at_step: AtStep) -> None:
        self._counters = counters
        self._at_step = at_step

    def count_message(self, transport: str, reason: str) -> None:
        """See core.partners.Counters."""
        self._counters.count_message(transport, reason)
        self._at_step(SIGNED)
        asyncio.get_running_loop().call_soon(self._at_step, ANSWERED)


class Sender(Protocol):
    """Who sends effects of one kind."""

    async def send(self, parcel: Any) -> Any:
        """Send it; say what became of it."""


class SteppedSender:
    """A sender that tells before and after it sends an effect."""

    def __init__(self, sender: Sender, at_step: AtStep) -> None:
        self._sender = sender
        self._at_step = at_step

    async def send(self, parcel: Any) -> Any:
        """See workers.telling.Sender."""
        self._at_step(TAKEN)
        outcome = await self._sender.send(parcel)
        self._at_step(TOLD)
        return outcome


class Joints:
    """What make_app joins intake with; this one leaves everything as it is."""

    def keys(self, keys: Keys) -> Keys:
        """Where keys are found."""
        return keys

    def ledger(self, ledger: Ledger) -> Ledger:
        """What makes messages durable."""
        return ledger

    def counters(self, counters: Counters) -> Counters:
        """Where the end of each message is counted."""
        return counters

    def sender(self, sender: Sender) -> Sender:
        """Who sends effects of one kind."""
        return sender

    def engine(self, engine: Engine) -> None:
        """The database, before it is opened."""


AS_IT_IS: Final = Joints()


class SteppedJoints(Joints):
    """Joints that call `at_step(step)` at each of STEPS, from whichever thread takes it."""

    def __init__(self, at_step: AtStep) -> None:
        self._at_step = at_step

    def keys(self, keys: Keys) -> Keys:
        """They tell when one was found."""
        return SteppedKeys(keys, self._at_step)

    def ledger(self, ledger: Ledger) -> Ledger:
        """It tells before and after it makes a message durable."""
        return SteppedLedger(ledger, self._at_step)

    def counters(self, counters: Counters) -> Counters:
        """They tell when an answer is ready, and when the transport has had its turn."""
        return SteppedCounters(counters, self._at_step)

    def sender(self, sender: Sender) -> Sender:
        """It tells before and after it sends an effect."""
        return SteppedSender(sender, self._at_step)

    def engine(self, engine: Engine) -> None:
        """It tells when a transaction is about to be committed."""
        event.listen(engine, "commit", lambda _connection: self._at_step(WRITTEN))
