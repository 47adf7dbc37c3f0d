"""A pushed configuration on flash: the one that has proven itself, and the one on trial.

    state = [format, boots of the trial, [version, {key: value}] on trial or null, the same kept]

Two slots hold it, so whatever happens while it is written, the old or the new one is there.
"""

from phonehome_wire.compat import const
from phonehome_wire.decoder import decode
from phonehome_wire.encoder import Encoder
from phonehome_wire.errors import WireError

_FORMAT = const(1)
_MAX_BYTES = const(704)  # 32 keys of 5 bytes with values of 5, twice, and the rest
_NOTHING: tuple = (0, {})  # the configuration of the file alone


class Pushed:
    """What `slots` hold: `kept` and `trial` are (version, {key: value}), trial None without one.

    `boots` counts the boots under the trial. Every change is on flash when it returns; OSError
    when it could not be written, then the old state holds.
    """

    def __init__(self, slots) -> None:
        self._slots = slots
        self.boots = 0
        self.trial: tuple | None = None
        self.kept: tuple = _NOTHING
        state = slots.load()
        if state is not None:
            self._read(state)

    @property
    def current(self) -> tuple:
        """The configuration that the device should run under: the trial, else what is kept."""
        return self.kept if self.trial is None else self.trial

    def begin_trial(self, version: int, values: dict) -> None:
        """From now on, and from the next boot on, under these; until `keep` or `drop`."""
        self._write(0, (version, values), self.kept)

    def note_boot(self) -> None:
        """One more boot under the trial."""
        self._write(self.boots + 1, self.trial, self.kept)

    def keep(self) -> None:
        """The trial has proven itself."""
        self._write(0, None, self.current)

    def drop(self) -> None:
        """The trial is over: back to what was kept before it."""
        self._write(0, None, self.kept)

    def drop_all(self) -> None:
        """Back to the file alone."""
        self._write(0, None, _NOTHING)

    def _read(self, state: bytes) -> None:
        try:
            found, self.boots, trial, kept = decode(state, _MAX_BYTES)
            if found == _FORMAT:
                self.kept = tuple(kept)
                self.trial = trial and tuple(trial)
        except (WireError, TypeError, ValueError):
            pass  # of another version of the agent: the file alone counts

    def _write(self, boots: int, trial: "tuple | None", kept: tuple) -> None:
        enc = Encoder(bytearray(_MAX_BYTES), 0)
        enc.put_value([_FORMAT, boots, trial, kept])
        self._slots.save(bytes(enc.buf[: enc.pos]))
        self.boots, self.trial, self.kept = boots, trial, kept
