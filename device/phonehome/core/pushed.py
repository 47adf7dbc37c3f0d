"""A pushed configuration on flash: the one that has proven itself, and the one on trial.

    state = [format, boots of the trial, configuration on trial or null, kept, before that, taken]
    configuration = [version, {key: value}]
    taken = [boots that had died when the guard took one back, its version]

Two slots hold it, so whatever happens while it is written, the old or the new one is there.
"""

from phonehome_wire.compat import const
from phonehome_wire.decoder import decode
from phonehome_wire.encoder import Encoder
from phonehome_wire.errors import WireError
from phonehome_wire.pushed import TEXTS

_FORMAT = const(2)
_OLDER_FORMAT = const(1)  # without the last two
_MAX_BYTES = const(1728)  # 29 keys of 5 bytes with values of 5, 3 texts, three times, the rest
_NOTHING: tuple = (0, {})  # the configuration of the file alone
_NOT_TAKEN: tuple = (0, 0)


class Pushed:
    """What `slots` hold: `kept` and `trial` are (version, {key: value}), trial None without one.

    `boots` counts the boots under the trial, `before` was kept before `kept`. What the guard
    against boot loops took back last is `taken`: (boots that had died, version), (0, 0) without.
    Every change is on flash when it returns; OSError when it could not be written, then the old
    state holds.
    """

    def __init__(self, slots) -> None:
        self._slots = slots
        self.boots = 0
        self.trial: tuple | None = None
        self.kept: tuple = _NOTHING
        self.before: tuple = _NOTHING
        self.taken: tuple = _NOT_TAKEN
        state = slots.load()
        if state is not None:
            self._read(state)

    @property
    def current(self) -> tuple:
        """The configuration that the device should run under: the trial, else what is kept."""
        return self.kept if self.trial is None else self.trial

    def begin_trial(self, version: int, values: dict) -> None:
        """From now on, and from the next boot on, under these; until `keep` or `drop`."""
        self._write(0, (version, values), self.kept, self.before)

    def note_boot(self) -> None:
        """One more boot under the trial."""
        self._write(self.boots + 1, self.trial, self.kept, self.before)

    def keep(self) -> None:
        """The trial has proven itself."""
        self._write(0, None, self.current, self.kept)

    def drop(self) -> None:
        """The trial is over: back to what was kept before it."""
        self._write(0, None, self.kept, self.before)

    def take_back(self, died: int) -> None:
        """After so many boots that died: the trial, else what is kept, gives way.

        But for the way to the receiver: that has proven itself, and the one before may lead
        nowhere by now. It is remembered as `taken`: one try is made before the next is taken back.
        """
        taken = (died, self.current[0])
        if self.trial is None:
            values = {key: self.before[1][key] for key in self.before[1] if key not in TEXTS}
            values.update({key: self.kept[1][key] for key in self.kept[1] if key in TEXTS})
            self._write(0, None, (self.before[0], values), _NOTHING, taken)
        else:
            self._write(0, None, self.kept, self.before, taken)

    def note_health(self) -> None:
        """Boots live again: the guard begins anew."""
        self._write(self.boots, self.trial, self.kept, self.before, (0, self.taken[1]))

    def _read(self, state: bytes) -> None:
        try:
            found, boots, trial, *kept = decode(state, _MAX_BYTES)
            if found == _OLDER_FORMAT:
                kept += (_NOTHING, _NOT_TAKEN)
            elif found != _FORMAT:
                return
            self.kept, self.before, self.taken = [tuple(part) for part in kept]
            self.boots, self.trial = boots, trial and tuple(trial)
        except (WireError, TypeError, ValueError):
            pass  # of another version of the agent: the file alone counts

    def _write(self, boots: int, trial, kept: tuple, before: tuple, taken=None) -> None:
        taken = taken or self.taken
        enc = Encoder(bytearray(_MAX_BYTES), 0)
        enc.put_value([_FORMAT, boots, trial, kept, before, taken])
        self._slots.save(bytes(enc.buf[: enc.pos]))
        self.boots, self.trial, self.kept, self.before = boots, trial, kept, before
        self.taken = taken
