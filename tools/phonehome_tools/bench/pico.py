"""The agent on real firmware in an emulated Pico: heap, largest free block, flash, time.

The appliance is the one that the goals speak of; tests/pico/README.md names the settings. The
emulator counts cycles without misses of the flash cache, so times are a lower bound.
"""

import asyncio
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean

from phonehome_tools.bench.appliance import SENSORS, write_product
from phonehome_tools.bench.figures import AT_LEAST, Figure
from phonehome_tools.fleet.catalog import find_product
from phonehome_tools.fleet.children import Children, run_until_done
from phonehome_tools.fleet.compiling import module_name
from phonehome_tools.fleet.errors import ChildError
from phonehome_tools.fleet.home import draw_device
from phonehome_tools.fleet.interpreter import folder_of
from phonehome_tools.fleet.receiver import Receiver
from phonehome_tools.linking.device import link_device, path_of
from phonehome_tools.linking.promises import IMPORTABLE
from phonehome_tools.linking.resident import CHOSEN, HOME
from phonehome_tools.packaging.parts import BASE, divide
from phonehome_tools.pico import settings
from phonehome_tools.pico.board import PicoBoard
from phonehome_tools.pico.image import Flash, agent_modules, compiled, umqtt_modules

METERS = ("unlinked.py", "pico_meter.py", "pico_steps.py")
RUN = "import pico_meter, unlinked; pico_meter.measure({})"
STEP = "import pico_steps; pico_steps.measure_steps()"
OFFLINE_MS = 30_000
ONLINE_MS = 12_000
BLOCK_BYTES = 16
KIB = 1024
HOST = "10.0.0.1"
HEAP_KB, FLASH_KB, LOADED_KB = 60, 60, 30
TLS_BLOCK_KB = 16.7
STEP_MS = 1
LARGEST = re.compile(r"max free sz: (\d+)")


class Reading:
    """What one run of the meter printed."""

    def __init__(self, lines: Sequence[str]) -> None:
        words = [line.split() for line in lines]
        self.modules = [pair[1] for pair in words if len(pair) == 2 and pair[0] == "module_loaded"]
        self.largest = [
            int(match[1]) * BLOCK_BYTES for line in lines if (match := LARGEST.search(line))
        ]
        self._words = words

    def all(self, name: str) -> list[int]:
        """Every value of a figure."""
        found = [int(pair[1]) for pair in self._words if len(pair) == 2 and pair[0] == name]
        if not found:
            raise ChildError(f"the meter on the board did not tell {name!r}")
        return found

    def most(self, name: str) -> int:
        """The most heap that was alive at a name, beyond the bare interpreter."""
        return max(self.all(name)) - self.all("heap_of_the_bare")[0]


def measure() -> list[Figure]:
    """Flash, then the board without a network, then the one with Wi-Fi; SetupError without one."""
    settings.expect_all()
    agent = agent_modules()
    simulator = folder_of("phonehome_sim")
    meters = {name: simulator / name for name in METERS}
    modules = {**agent, **umqtt_modules(), **compiled(meters)}
    with tempfile.TemporaryDirectory(prefix="phonehome-bench-") as folder:
        product = write_product(Path(folder) / "products")
        board = Bench(Path(folder), find_product(str(product)).device_half, modules)
        return [*board.measure_offline(agent), *run_until_done(board.measure_online())]


class Bench:
    """Boards with one product and one set of modules, their files in one folder."""

    def __init__(self, folder: Path, product: bytes, modules: Mapping[str, bytes]) -> None:
        self._folder = folder
        self._product = product
        self._modules = modules

    def measure_offline(self, agent: Mapping[str, bytes]) -> list[Figure]:
        """The board without a network: everything but the link."""
        machine = settings.pico()
        config = {"server": "http://10.0.0.1:1"}
        flash = Flash(draw_device(), bytes(32), self._product, self._modules, config)
        image = flash.write(self._folder / "pico.img", machine)
        with PicoBoard(machine, image) as pico:
            ran = Reading(pico.run(RUN.format(f"{OFFLINE_MS}, link=unlinked.NoLink")))
        with PicoBoard(machine, image) as pico:
            stepped = Reading(pico.run(STEP))
        expect_known(ran.modules, agent)
        return [*flash_figures(agent, ran), *heap_figures("Pico", ran), *step_figures(stepped)]

    async def measure_online(self) -> list[Figure]:
        """The board with Wi-Fi, over each transport to a receiver of its own."""
        machine = settings.pico_w()
        figures = []
        async with Children() as children:
            receiver = Receiver(self._folder / "receiver", children, self._folder / "products")
            await receiver.start()
            for name, url in (("HTTP", receiver.http), ("MQTT", receiver.mqtt)):
                ran = await self._run_online(machine, receiver, url)
                figures += heap_figures(f"Pico W, {name}", ran)
        return figures

    async def _run_online(
        self, machine: settings.Machine, receiver: Receiver, url: str
    ) -> Reading:
        device = draw_device()
        async with receiver.desk() as desk:
            key = await desk.add_device(device, "bench", device)
        config = {
            "server": url.replace("127.0.0.1", HOST),
            "wifi": settings.wifi(),
            "settle_ms": 500,
            "heartbeat_s": 2,
        }
        flash = Flash(device, key, self._product, self._modules, config)
        image = flash.write(self._folder / f"{device}.img", machine)
        with PicoBoard(machine, image, is_paced=True) as pico:
            ran = Reading(await asyncio.to_thread(pico.run, RUN.format(ONLINE_MS)))
        expect_known(ran.modules, agent_modules())
        if ran.all("records_waiting")[-1]:
            raise ChildError("records were not acknowledged: nothing to measure")
        return ran


def expect_known(modules: Sequence[str], agent: Mapping[str, bytes]) -> None:
    """ChildError for a module of ours that stays loaded and is nowhere listed to do so."""
    units = {module_name(Path(name)) for name in agent}
    addresses = link_device().addresses
    known = {addresses.get(name, name) for name in (HOME, *CHOSEN, *IMPORTABLE)}
    for name in units.intersection(modules) - known:
        raise ChildError(
            f"{name} stays loaded: drop it with core.ondemand.forget, or give the reason in "
            "phonehome_tools/linking/resident.py"
        )


def flash_figures(agent: Mapping[str, bytes], ran: Reading) -> list[Figure]:
    """Bytes of .mpy: of each package, and what is loaded after a while of normal life."""
    linked = link_device()
    packages = divide(linked.units, linked.addresses)
    loaded = sum(
        len(data) for name, data in agent.items() if module_name(Path(name)) in ran.modules
    )
    return [
        *(
            Figure(
                f".mpy on flash, {name}",
                kib(sum(len(agent[path_of(unit)]) for unit in units)),
                "KB",
                FLASH_KB if name == BASE else None,
            )
            for name, units in packages.items()
        ),
        Figure(".mpy loaded after a fault came and went", kib(loaded), "KB", LOADED_KB),
    ]


def heap_figures(board: str, ran: Reading) -> list[Figure]:
    """Heap beyond the bare interpreter, and the largest block beside it."""
    return [
        Figure(
            f"{board}: free heap of the bare interpreter", kib(ran.all("heap_free_bare")[0]), "KB"
        ),
        Figure(f"{board}: import", ran.all("import_took_us")[0] / 1000, "ms"),
        Figure(f"{board}: heap after import", kib(ran.all("heap_imported")[0]), "KB"),
        Figure(f"{board}: heap while running", kib(ran.most("heap_running")), "KB", HEAP_KB),
        Figure(f"{board}: heap while speaking", kib(ran.most("heap_speaking")), "KB"),
        Figure(
            f"{board}: largest free block while running",
            kib(min(ran.largest)),
            "KB",
            TLS_BLOCK_KB,
            AT_LEAST,
        ),
    ]


def step_figures(stepped: Reading) -> list[Figure]:
    """Time of sampling every sensor and judging every rule."""
    steps_ms = [us / 1000 for us in stepped.all("step_us")]
    return [
        Figure("step of 8 sensors and 10 rules, mean", mean(steps_ms), "ms"),
        Figure("step of 8 sensors and 10 rules, longest", max(steps_ms), "ms"),
        Figure("sample and rule, mean", mean(steps_ms) / SENSORS, "ms", STEP_MS),
    ]


def kib(count: int) -> float:
    """Bytes as KB of 1024."""
    return round(count / KIB, 1)
