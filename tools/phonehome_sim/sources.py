"""Where samples come from: a physical model, this computer, or recorded rows.

A source has `names` (of sensors, None: all of the product), `reader(name)`, `step(now_ms)`,
`switch(fault, on)`, `test()`, `phase` and `is_idle`.
"""

from .rows import Rows


class ModelSource:
    """A physical model from models/; its clock is the board's uptime."""

    names = None

    def __init__(self, setup):
        name = setup["model"]
        module = __import__("phonehome_sim.models." + name, None, None, (name,))
        self._model = getattr(module, name[0].upper() + name[1:])(setup["seed"])

    @property
    def phase(self):
        """What the appliance is doing."""
        return self._model.phase

    @property
    def is_idle(self):
        """Whether nobody minds when it is interrupted."""
        return self._model.is_idle

    def reader(self, name):
        """A sensor function."""
        return lambda: self._model.read(name)

    def step(self, now_ms):
        """Let the appliance run until now."""
        self._model.step(now_ms)

    def switch(self, fault, on):
        """Break something or mend it; KeyError when the model has no such fault."""
        if on:
            self._model.inject(fault)
        else:
            self._model.clear(fault)

    def test(self):
        """What tests itself, by the name of its sensor: 1 good, 0 open, 2 not switched."""
        return self._model.test()


class HostSource:
    """The sensors of this computer."""

    phase = "up"
    is_idle = False

    def __init__(self, _setup):
        from . import host

        self._readers = {
            "cpu_load": host.CPULoad(),
            "memory_used": host.memory_used,
            "disk_used": host.disk_used,
            "temperature": host.temperature,
        }
        self.names = tuple(self._readers)

    def reader(self, name):
        """A sensor function."""
        return self._readers[name]

    def step(self, now_ms):
        """The computer runs by itself."""

    def switch(self, fault, _on):
        """Nothing can be broken here."""
        raise KeyError(fault)

    def test(self):
        """Nothing tests itself here."""
        return {}


class ReplaySource:
    """Recorded rows; `advance` takes the next one, `utc_ms` is its time."""

    phase = "replay"
    is_idle = False

    def __init__(self, setup):
        self._file = open(setup["rows"])  # noqa: SIM115 - read row by row, closed by close()
        self._rows = Rows(self._file, setup["names"])
        self.names = tuple(setup["names"])

    @property
    def utc_ms(self):
        """The time of the newest row."""
        return self._rows.utc_ms

    def reader(self, name):
        """A sensor function."""
        return self._rows.reader(name)

    def advance(self):
        """Take the next row; False at the end."""
        return self._rows.advance()

    def close(self):
        """Close the file of rows."""
        self._file.close()

    def step(self, now_ms):
        """Rows are taken by `advance`."""

    def switch(self, fault, _on):
        """What was recorded cannot be changed."""
        raise KeyError(fault)


KINDS = {"model": ModelSource, "host": HostSource, "replay": ReplaySource}


def make_source(setup):
    """The source that a setup names."""
    return KINDS[setup["kind"]](setup)
