"""Lets `import machine` and the sensor drivers find the fakes, for the length of a with block."""

import sys

FOLDER = __file__.rsplit("/", 1)[0] + "/micropython"
NAMES = ("machine", "onewire", "ds18x20", "dht")


class Hardware:
    """`with Hardware() as machine`: the fake machine, fresh, whose wiring the test sets."""

    def __enter__(self):
        self._kept = {name: sys.modules.pop(name, None) for name in NAMES}
        sys.path.insert(0, FOLDER)
        import machine

        return machine

    def __exit__(self, *_):
        sys.path.remove(FOLDER)
        for name in NAMES:
            sys.modules.pop(name, None)
            if self._kept[name] is not None:
                sys.modules[name] = self._kept[name]


class Clock:
    """Ticks that a test moves; they wrap at 2**30 as those of a board do."""

    def __init__(self, now_ms=2**30 - 500):
        self.now_ms = now_ms

    def ticks_ms(self):
        """The wrapping counter."""
        return self.now_ms % 2**30

    def ticks_diff(self, later, earlier):
        """The signed distance of two readings."""
        return (later - earlier + 2**29) % 2**30 - 2**29
