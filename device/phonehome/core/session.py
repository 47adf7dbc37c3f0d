"""Who is talking: the incarnation, the boot and the numbers of records (WIRE.md 4.1).

Before anything is signed or stored under a boot number, that number is on flash. Where it cannot
be written, the boot gets an incarnation of its own that nobody will meet again.
"""

import struct

from phonehome_wire.compat import const

_STATE = "<4sIQII"  # incarnation, boot, utc floor in ms, config version, last clean boot
_STATE_BYTES = const(24)
_INC_BYTES = const(4)


class Session:
    """The identity of this boot; `slots` keeps it, `random_bytes(n)` makes a new one.

    `is_lost` says that the incarnation was made anew, `is_volatile` that it could not be kept.
    """

    def __init__(self, slots, random_bytes) -> None:
        self._slots = slots
        self._random_bytes = random_bytes
        self.has_begun = False
        self.is_volatile = False
        self.next_seq = 0
        self.clean_boot = 0
        state = slots.load()
        self.is_lost = state is None or len(state) != _STATE_BYTES
        if self.is_lost:
            self.inc, self.boot = random_bytes(_INC_BYTES), 0
            self.floor_ms = self.config_version = 0
        else:
            unpacked = struct.unpack(_STATE, state)
            self.inc, self.boot, self.floor_ms, self.config_version, self.clean_boot = unpacked
        self.boot += 1

    def begin(self) -> None:
        """Write the boot number; must be called before the first record is made."""
        self.has_begun = True
        try:
            self._save()
        except OSError:
            self.inc, self.boot = self._random_bytes(_INC_BYTES), 1
            self.is_volatile = True

    def take_seq(self) -> int:
        """Return the number of a new record."""
        seq = self.next_seq
        self.next_seq += 1
        return seq

    def keep_floor(self, floor_ms: int) -> None:
        """Save the newest signed server time, for the clock of the next boot."""
        self.floor_ms = max(self.floor_ms, floor_ms)
        self._save_if_kept()

    def end(self) -> None:
        """Note that this boot ended cleanly."""
        self.clean_boot = self.boot
        self._save_if_kept()

    def _save_if_kept(self) -> None:
        if self.has_begun and not self.is_volatile:
            try:
                self._save()
            except OSError:
                pass  # the state before still holds; nothing signed depends on this one

    def _save(self) -> None:
        fields = (self.inc, self.boot, self.floor_ms, self.config_version, self.clean_boot)
        self._slots.save(struct.pack(_STATE, *fields))
