"""A freezer logger that sleeps: light sleep, and a start of the firmware for each wake."""

import ast
from itertools import pairwise
from pathlib import Path

import pytest

from phonehome_tools.fleet.catalog import find_product
from phonehome_tools.pico import settings
from phonehome_tools.pico.board import PicoBoard
from phonehome_tools.pico.image import Flash, agent_modules, compiled
from phonehome_wire import registry

ROOT = Path(__file__).parents[2]
SLEEPING = Path(__file__).parent / "board" / "sleeping.py"
PARTS = ("__init__.py", "wake_meter.py")
MINUTE_MS = 60_000
AWAKE_MS = 3_000
COLD, WARM = -18, 4
LIGHT = "import sleeping; sleeping.sleep_lightly({}, {}, {})"


@pytest.fixture
def image(tmp_path) -> Path:
    """A board with the freezer's product and nothing of a network."""
    parts = {f"phonehome_sim/{name}": ROOT / "tools/phonehome_sim" / name for name in PARTS}
    own = {SLEEPING.name: SLEEPING, "unlinked.py": ROOT / "tools/phonehome_sim/unlinked.py"}
    modules = {**agent_modules(), **compiled({**parts, **own})}
    product = find_product(str(ROOT / "shared/products/freezer.toml")).device_half
    config = {"server": "http://10.0.0.1:1", "settle_ms": 0, "heartbeat_s": 3600}
    flash = Flash("a4cf12fffe05d3b1", bytes(32), product, modules, config)
    return flash.write(tmp_path / "flash.img", settings.pico())


def events(lines: list[str], name: str) -> list:
    """The facts of each event of a name, or the figures."""
    pairs = [line.split(" ", 1) for line in lines]
    return [ast.literal_eval(pair[1]) for pair in pairs if pair[0] == name and len(pair) == 2]


def test_light_sleep_keeps_time_and_memory(image):
    """Uptime goes on through the firmware's lightsleep, and so does a delay of 20 minutes."""
    with PicoBoard(settings.pico(), image) as pico:
        lines = pico.run(LIGHT.format(32, 1, 60), within_s=120)
    asleep = events(lines, "asleep")
    for before, after in pairwise(asleep):
        due_ms = before["uptime_ms"] + before["wait_ms"]
        assert 0 <= after["uptime_ms"] - due_ms <= AWAKE_MS
    confirmed = [e for e in events(lines, "transition") if e["kind"] == registry.KIND_CONFIRMED]
    minutes = {event["code"]: event["uptime_ms"] // MINUTE_MS for event in confirmed}
    assert minutes["Z01"] in (21, 22)
    assert [event["is_silent"] for event in asleep].count(True) >= 20


def test_a_start_for_each_wake_is_one_boot(image):
    """Over real resets: what was kept goes on, and a silent wake loads no agent."""
    uptime_ms, boots, silent, told = 0, 0, [], []
    with PicoBoard(settings.pico(), image) as pico:
        for number in range(12):
            value = COLD if number < 2 else WARM
            script = f"from phonehome_sim import wake_meter; wake_meter.wake({value}, {uptime_ms})"
            lines = pico.run_until_reset(script)
            asleep = events(lines, "asleep")[0]
            uptime_ms = asleep["uptime_ms"] + asleep["wait_ms"]
            boots += len(events(lines, "boot"))
            silent += events(lines, "is_silent")
            told += [(number, event["code"]) for event in events(lines, "transition")]
    assert boots == 1
    assert uptime_ms >= 4 * MINUTE_MS
    assert "Z01" in [code for _, code in told]
    assert silent.count(1) >= 3


def test_a_call_that_hangs_ends_with_a_reset(image):
    """The guard of a conversation resets the board."""
    with PicoBoard(settings.pico(), image) as pico:
        pico.run_until_reset("import sleeping; sleeping.hang()")
        assert pico.run("import machine; print(machine.reset_cause())") == ["3"]
