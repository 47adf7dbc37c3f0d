"""What a test's sleeping appliance runs under MicroPython: main.py SETTINGS.json, once a wake.

Beside the agent's own settings: `product` is a compiled file, `value` what its sensors read,
`wall_ms` the clock that goes on while no program runs. Prints an event a line; the last one names
the modules that this wake has loaded.
"""

import json
import sys

from phonehome.ports.sleep import ProcessEnd
from phonehome.sleeper import Sleeper


class DrivenEnd(ProcessEnd):
    """The end of a process, by a clock that the test drives."""

    def __init__(self, folder, wall_ms):
        super().__init__(folder)
        self._wall_ms = wall_ms

    def wall_ms(self):
        """What the test says, and on."""
        return self._wall_ms + self.awake_ms()


def tell(name, **facts):
    """Print an event; in one write, so that a killed program leaves whole lines."""
    facts["event"] = name
    sys.stdout.write(json.dumps(facts) + "\n")


def main():
    """Ten lines of a developer, and what a test needs."""
    with open(sys.argv[1]) as file:
        settings = json.load(file)
    product, value = settings.pop("product"), settings.pop("value")
    sleep = DrivenEnd(settings["data"], settings.pop("wall_ms"))
    sleeper = Sleeper(product, settings, period_s=60, sleep=sleep, on_event=tell)
    for channel in sleeper.product.channels:
        sleeper.sensor(channel.name, lambda: value)
    try:
        sleeper.run()
    finally:
        tell("loaded", modules=sorted(sys.modules))


main()
