# cpython-only
"""An application behind `phonehome.start` under MicroPython: its mistakes lock nobody out."""

from pathlib import Path

import pytest

from phonehome_wire import registry

MAIN = Path(__file__).parents[1] / "fakes" / "start_main.py"
BROKEN = 'print("imported")\nraise ValueError("no such pump")\n'
HANGING = "import time\n\ntime.sleep(1000)\n"
GOOD = """
import json, sys
import phonehome
from tests.fakes.dog import DogBoard, tell

with open(sys.argv[1]) as file:
    settings = json.load(file)
for name in ("flow", "dog", "app", "reset"):
    settings.pop(name, None)
agent = phonehome.Agent(phonehome.Product("bench"), settings, DogBoard(0), on_event=tell)
agent.run()
"""


class Kitchen:
    """A board with an app.py, and the receiver that it phones."""

    def __init__(self, receiver, board, folder: Path) -> None:
        self.receiver = receiver
        self.board = board
        self._app = folder / "app.py"
        board.main = MAIN
        board.settings |= {"app": str(folder), "watchdog_ms": 1000}

    async def die(self, app: str) -> None:
        """Boot with this application, which ends the boot."""
        self._app.write_text(app)
        await self.board.start()
        await self.board.process.wait()
        await self.board.kill()

    async def start(self, app: str) -> None:
        """Boot with this application."""
        self._app.write_text(app)
        await self.board.start()

    async def until_loop(self) -> list:
        """The bodies of all crash records, when that of a boot loop has come."""
        fed = 1
        while True:
            crashes = [record.body for record in self.receiver.records(registry.RTYPE_CRASH)]
            if any(c[registry.CRASH_KIND] == registry.CRASHKIND_BOOT_LOOP for c in crashes):
                return crashes
            assert fed < 200
            await self.board.event("fed", count=fed)
            fed += 1

    @property
    def dead_boots(self) -> int:
        """What the newest hello says of them."""
        hello = self.receiver.records(registry.RTYPE_HELLO)[-1].body
        return hello[registry.HELLO_DEAD_BOOTS]

    @property
    def imports(self) -> int:
        """How often the broken application was imported."""
        return sum(event.get("line") == "imported" for event in self.board.events)


@pytest.fixture
async def kitchen(serve, make_board, tmp_path):
    """A board whose main.py starts an app.py."""
    served = await serve()
    board = make_board(f"http://127.0.0.1:{served.port}")
    folder = tmp_path / "app"
    folder.mkdir()
    return Kitchen(served.receiver, board, folder)


async def test_an_import_that_fails_locks_nobody_out(kitchen):
    """Three boots fail at it, the fourth phones home without it: what failed, and the loop."""
    for _ in range(3):
        await kitchen.die(BROKEN)
        assert kitchen.board.process.returncode == 1
    await kitchen.start(BROKEN)
    first, loop = await kitchen.until_loop()
    assert kitchen.imports == 3
    assert (first[registry.CRASH_EXCEPTION], first[registry.CRASH_MESSAGE]) == (
        "ValueError",
        "no such pump",
    )
    assert first[registry.CRASH_FRAMES][-1][0].endswith("app.py")
    assert loop[registry.CRASH_KIND] == registry.CRASHKIND_BOOT_LOOP
    assert loop[registry.CRASH_EXCEPTION] == "ValueError"


async def test_an_import_that_hangs_is_bitten(kitchen):
    """On a computer no timer feeds while it is imported: the dog bites, and the boot counts."""
    for _ in range(3):
        await kitchen.die(HANGING)
        assert kitchen.board.process.returncode == -9
    await kitchen.start(HANGING)
    await kitchen.until_loop()
    assert kitchen.dead_boots == 3


async def test_a_good_application_is_counted_once(kitchen):
    """The boot that main.py counts is the one of the agent: two that die are two, not four."""
    await kitchen.die(BROKEN)
    await kitchen.start(GOOD)
    await kitchen.board.event("acked")
    await kitchen.board.kill()
    await kitchen.start(GOOD)
    await kitchen.board.event("boot", count=2)
    await kitchen.board.kill()
    assert not any(event["event"] == "safe" for event in kitchen.board.events)
    await kitchen.start(GOOD)
    await kitchen.until_loop()
    assert kitchen.dead_boots == 3
