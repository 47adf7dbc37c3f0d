"""Whom intake works with: what it asks of keys, buckets, the ledger, the mailbox and counters."""

from collections.abc import Callable, Hashable
from typing import Protocol

from .arrivals import Arrival, DeviceKey, Intrusion, Misfit, Outcome


class Keys(Protocol):
    """Where the key of a kid is found."""

    def recall(self, kid: bytes) -> DeviceKey | None:
        """The key that signs under this kid, as far as is known without asking anybody."""

    async def find(self, kid: bytes) -> DeviceKey | None:
        """The key that signs under this kid now, or None; raises StoreUnavailableError."""


class Bucket(Protocol):
    """How often one name may come."""

    def take(self, key: Hashable, cost: float = 1.0) -> float:
        """0.0, or the seconds until `cost` tokens will be there."""

    def charge(self, key: Hashable, cost: float) -> None:
        """Take tokens whether they are there or not."""


class Ledger(Protocol):
    """What makes things durable; every call returns after the commit.

    All raise OverloadedError or StoreUnavailableError when nothing was stored.
    """

    def submit(self, arrival: Arrival, done: Callable[[Outcome | Exception], None]) -> None:
        """As `add`, without a task that waits: `done` is told the outcome, or what add raises.

        Raises OverloadedError at once; then `done` is not called.
        """

    async def add(self, arrival: Arrival) -> Outcome:
        """Store a message with its records."""

    async def quarantine(self, misfit: Misfit) -> None:
        """Keep an authentic message that cannot be read."""

    async def note_intrusion(self, intrusion: Intrusion) -> None:
        """Keep that somebody spoke under a wrong name."""


class Mailbox(Protocol):
    """What waits for devices to be told."""

    def waits_for(self, device: str) -> bool:
        """Whether a command waits for a device, as far as is known without asking anybody."""

    async def look_again(self, device: str) -> None:
        """Something may have changed for a device."""

    async def next_for(self, arrival: Arrival) -> bytes:
        """The signed command for the boot that sent this, now under way; empty when none waits."""


class Counters(Protocol):
    """Where messages are counted."""

    def count_message(self, transport: str, reason: str) -> None:
        """One message ended like this."""
