"""Who is talking: the incarnation, the boot and the numbers of records (WIRE.md 4.1).

Before anything is signed or stored under a boot number, that number is on flash. Where it cannot
be written, the boot gets an incarnation of its own that nobody will meet again.
"""

import struct

from phonehome_wire.compat import const

# Incarnation, boot, utc floor in ms, config version, last clean boot; unexpected resets, and the
# seconds operated in all and at the last crash, which the first states did not have; uptime at
# this save, which the second ones did not have.
_STATE = "<4sIQIIIIII"
_STATE_BYTES = const(40)
_OLDER_STATES_BYTES = (24, 36)
_INC_BYTES = const(4)


class Session:
    """The identity of this boot; `slots` keeps it, `random_bytes(n)` makes a new one.

    `past_s` is how long the boot before lasted, as retained memory knows it; 0 when it does not.

    `is_lost` says that the incarnation was made anew, `is_volatile` that it could not be kept;
    `uptime_s` is the caller's to set, before a save; `crashes` counts what ended badly since the
    start, and the boot before it if that did.
    """

    def __init__(self, slots, random_bytes, past_s: int = 0) -> None:
        self._slots = slots
        self._random_bytes = random_bytes
        self.has_begun = False
        self.is_volatile = False
        self.next_seq = 0
        self.clean_boot = 0
        state = slots.load()
        self.uptime_s = self.crashes = 0
        self.unexpected_resets = self._operated_s = self._crashed_at_s = 0
        if state is not None and len(state) in _OLDER_STATES_BYTES:
            state += bytes(_STATE_BYTES - len(state))
        self.is_lost = state is None or len(state) != _STATE_BYTES
        if self.is_lost:
            self.inc, self.boot = random_bytes(_INC_BYTES), 0
            self.floor_ms = self.config_version = 0
        else:
            unpacked = struct.unpack(_STATE, state)
            self.inc, self.boot, self.floor_ms, self.config_version, self.clean_boot = unpacked[:5]
            self.unexpected_resets, self._operated_s, self._crashed_at_s, kept_s = unpacked[5:]
            self._operated_s += max(0, past_s - kept_s)  # what the boot before did not save
        self.boot += 1

    @property
    def operated_s(self) -> int:
        """Seconds of operation over all boots, less what power cuts took since the last save.

        A reset takes nothing of them: the retained memory knows how long that boot lasted.
        """
        operated_s: int = self._operated_s + self.uptime_s
        return operated_s

    @property
    def crash_free_s(self) -> int:
        """Seconds of operation since the last crash or unexpected reset."""
        crash_free_s: int = self.operated_s - self._crashed_at_s
        return crash_free_s

    def note_crash(self, is_reset: bool) -> None:
        """Something ended badly now: a task, or, with `is_reset`, the boot before this one."""
        self.crashes += 1
        self._crashed_at_s = self.operated_s
        self.unexpected_resets += is_reset

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
        life = (self.unexpected_resets, self.operated_s, self._crashed_at_s, self.uptime_s)
        self._slots.save(struct.pack(_STATE, *(fields + life)))
