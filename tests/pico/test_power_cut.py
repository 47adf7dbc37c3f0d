"""Real firmware loses power at a program or an erase of its flash, again and again."""

import json
import random
from pathlib import Path

from phonehome_tools.fleet.interpreter import folder_of
from phonehome_tools.pico import settings
from phonehome_tools.pico.board import PicoBoard
from tests.fakes.board import DEVICE, KEY
from tests.fakes.compiled import source_modules

LOSING = Path(__file__).parent / "board" / "losing.py"
CUTS = 12
LATEST = 60  # changes of the flash: a boot, some faults, their states and a deletion


def image(folder: Path, machine: settings.Machine) -> Path:
    """A flash with the agent, by its own names because the script looks inside, and the script."""
    from phonehome_tools.pico.image import Flash, compiled

    modules = source_modules(folder_of("phonehome"), folder_of("phonehome_wire"))
    parts = {**modules, **compiled({LOSING.name: LOSING})}
    config = {"server": "http://10.0.0.1:1", "outbox_bytes": 8192}
    return Flash(DEVICE.hex(), KEY, b"", parts, config).write(folder / "flash.img", machine)


class Books:
    """What the board said over its boots."""

    def __init__(self) -> None:
        self.stored: set[tuple] = set()
        self.deleted: set[tuple] = set()

    def enter(self, lines: list[str]) -> None:
        """One boot: what waits is what was stored and not deleted; what is stored is new."""
        for event in [json.loads(line) for line in lines if line.startswith("{")]:
            if event["event"] == "waiting":
                waiting = {tuple(key) for key in event["ids"]}
                assert self.stored - self.deleted <= waiting
                assert event["drops"] == {}
                self.stored |= waiting  # one whose word was cut off, but which was stored
            elif event["event"] == "stored":
                assert tuple(event["id"]) not in self.stored
                self.stored.add(tuple(event["id"]))
            elif event["event"] == "deleting":
                self.deleted |= {tuple(key) for key in event["ids"]}


def test_what_is_stored_survives_on_real_firmware(tmp_path):
    """Cut at random changes, half of them torn, nothing that was stored is lost."""
    machine, draw, books = settings.pico(), random.Random(4), Books()
    with PicoBoard(machine, image(tmp_path, machine)) as pico:
        for cut in range(CUTS):
            script = f"import losing; losing.live({draw.randrange(LATEST)}, {cut % 2 == 1})"
            books.enter(pico.run_until_reset(script))
        books.enter(pico.run("import losing; losing.look()"))
    assert len(books.stored) > CUTS
    assert books.deleted
