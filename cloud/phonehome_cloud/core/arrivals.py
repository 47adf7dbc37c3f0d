"""What intake hands to the store, and what it gets back."""

from dataclasses import dataclass, field
from typing import NamedTuple

from phonehome_wire.begun import BegunMAC
from phonehome_wire.uplink import Uplink

RecordId = tuple[int, int]  # (boot, seq)
HASH_BYTES = 16  # of sha256, for messages and what is in quarantine


@dataclass(frozen=True, slots=True)
class DeviceKey:
    """One key of a device with what is derived from it; `state` is active, next or grace."""

    device: str
    epoch: int
    state: str
    kid: bytes
    up: bytes = field(repr=False)
    down: bytes = field(repr=False)
    up_mac: BegunMAC = field(init=False, repr=False, compare=False)
    down_mac: BegunMAC = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Begin the MACs, once for all messages of this key."""
        object.__setattr__(self, "up_mac", BegunMAC(self.up, self.kid))
        object.__setattr__(self, "down_mac", BegunMAC(self.down, self.kid))


class Arrival(NamedTuple):
    """One authentic, decoded message on its way into the database.

    `inc` is the incarnation that speaks, `origin` that of the records, both in hex.
    """

    key: DeviceKey
    raw: bytes
    hash: bytes
    transport: str
    received_at: int
    uplink: Uplink
    inc: str
    origin: str

    @property
    def device(self) -> str:
        """The device that signed it."""
        return self.key.device


@dataclass(slots=True)
class Outcome:
    """What the commit made of one arrival: all of it is on the disk, or none."""

    stored: list[RecordId] = field(default_factory=list)
    refused: list[tuple[int, int, int]] = field(default_factory=list)  # (boot, seq, code)
    new_records: int = 0
    late: bool = False
    state_lost: bool = False
    wants_catalog: bool = False
    has_results: bool = False  # of commands, which may have been waited for


@dataclass(frozen=True, slots=True)
class Misfit:
    """Something authentic that is no arrival: kept with its reason for people to look at."""

    device: str
    raw: bytes
    hash: bytes
    reason: str
    detail: str
    transport: str
    received_at: int


@dataclass(frozen=True, slots=True)
class Intrusion:
    """A message signed by one device that came in under the name of another."""

    device: str
    claimed: str
    transport: str
    received_at: int
