"""What a wake of a sleeping appliance takes on real firmware in an emulated Pico."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from phonehome_tools.bench.figures import Figure
from phonehome_tools.fleet.catalog import find_product
from phonehome_tools.fleet.errors import ChildError
from phonehome_tools.fleet.home import draw_device
from phonehome_tools.fleet.interpreter import folder_of
from phonehome_tools.pico import settings
from phonehome_tools.pico.board import PicoBoard
from phonehome_tools.pico.image import Flash, agent_modules, compiled

PRODUCT = "freezer"
# The second wake comes before the boot has settled and said hello: there is nothing to say yet.
SETTLE_MS, SECOND_S = 60_000, 55
SCRIPT = "from phonehome_sim import wake_meter; wake_meter.wake(-18, {}, {})"
LIGHT = "from phonehome_sim import wake_meter; wake_meter.wake_lightly(2)"
WAKE_MODULES = ("phonehome_sim/__init__.py", "phonehome_sim/wake_meter.py")
UNLINKED = "unlinked.py"
MS = 1000


def measure_wakes() -> tuple[dict[str, float], list[Figure]]:
    """Milliseconds of a silent and a loud wake on the emulated Pico, and their figures."""
    tools = folder_of("phonehome_sim").parent
    files = {name: tools / name for name in WAKE_MODULES}
    files[UNLINKED] = tools / "phonehome_sim" / UNLINKED
    modules = {**agent_modules(), **compiled(files)}
    config = {"server": "http://10.0.0.1:1", "settle_ms": SETTLE_MS}
    product = find_product(PRODUCT).device_half
    machine = settings.pico()
    with tempfile.TemporaryDirectory(prefix="phonehome-bench-") as folder:
        flash = Flash(draw_device(), bytes(32), product, modules, config)
        image = flash.write(Path(folder) / "pico.img", machine)
        with PicoBoard(machine, image) as pico:
            readings = [
                read_wake(pico.run_until_reset(SCRIPT.format(wall_ms, SECOND_S)))
                for wall_ms in (0, SECOND_S * MS)
            ]
            light = read_wake(pico.run(LIGHT))
    loud, silent = readings
    if loud["is_silent"] or not silent["is_silent"]:
        raise ChildError("the second wake of a boot was not silent: nothing to measure")
    wakes = {"silent": silent["awake_us"] / MS, "loud": loud["awake_us"] / MS}
    wakes["light"] = light["light_us"] / MS
    return wakes, [
        Figure("silent wake on the emulated Pico", wakes["silent"], "ms"),
        Figure("of it import", silent["import_us"] / MS, "ms"),
        Figure("modules of a silent wake", silent["modules"], ""),
        Figure("first wake of a boot there, the agent loaded", wakes["loud"], "ms"),
        Figure("modules of a wake that speaks", loud["modules"], ""),
        Figure("silent wake from light sleep, in RAM", wakes["light"], "ms"),
    ]


def read_wake(lines: list[str]) -> Mapping[str, int]:
    """The figures that a wake printed."""
    words = [line.split() for line in lines]
    return {pair[0]: int(pair[1]) for pair in words if len(pair) == 2 and pair[1].isdigit()}
