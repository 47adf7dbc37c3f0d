"""A sleeping appliance without hardware: time that a test drives, memory that stays, a desk.

Runs under both interpreters. Each wake is a new Sleeper, as on a board whose program starts again.
"""

import os

from phonehome.core.product import Product
from phonehome.sleeper import Sleeper
from tests.fakes.desk import FakeDesk

DEVICE = bytes([0xA4, 0xCF, 0x12, 0xFF, 0xFE, 0x05, 0xD3, 0xB1])
KEY = bytes(range(32))
ROOM_BYTES = 1920
WAKE_MS = 400


class Asleep(BaseException):
    """The program ended, as by SystemExit: the board sleeps."""


class FakeSleep:
    """A port like those of `ports.sleep`; `world` holds what outlives the program."""

    keeps_memory = False

    def __init__(self, world, room: int) -> None:
        self._world = world
        self.room = room
        self.elapsed = lambda later, earlier: later - earlier
        self._woken_ms = world.now_ms

    def ticks(self) -> int:
        return self._world.now_ms

    def load(self) -> bytes:
        kept, self._world.kept = self._world.kept, b""
        return kept

    def wall_ms(self) -> int:
        return self._world.wall_ms

    def awake_ms(self) -> int:
        return self._world.now_ms - self._woken_ms

    def pause(self, span_ms: int) -> None:
        self._world.now_ms += span_ms

    def guard(self, _span_ms: int) -> bool:
        return False

    def let_go(self) -> None:
        """Nothing to end."""

    def sleep(self, wait_ms: int, kept: bytes) -> None:
        self._world.kept = bytes(kept)
        self._world.asked_ms = wait_ms
        raise Asleep


class NoCells:
    """Retained memory of no use."""

    room = 0

    def read(self) -> bytes:
        return b""

    def write(self, data) -> None:
        """Forget it."""


class FakeBoard:
    """What the agent asks of its hardware."""

    can_reboot = False
    memory = None

    def __init__(self, world) -> None:
        self.ticks = lambda: world.now_ms
        self.elapsed = lambda later, earlier: later - earlier
        self.random_bytes = os.urandom

    def platform(self) -> str:
        return "fake"

    def reset_cause(self) -> int:
        return 0

    def set_clock(self, unix_ms: int) -> None:
        """No clock."""

    def make_retained(self, folder) -> NoCells:
        return NoCells()

    def heap_free(self) -> int:
        return 100000

    heap_largest = heap_left = heap_free

    def print_exception(self, error: BaseException, _stream=None) -> None:
        raise error

    def reboot(self) -> None:
        raise SystemExit(1)


class DeskLink:
    """Answers at once, or fails while the world has no network."""

    acks_later = False
    reconnects = 0

    def __init__(self, world, on_message) -> None:
        self._world = world
        self._on_message = on_message
        self.is_open = False

    async def open(self) -> None:
        from phonehome.core.errors import LinkError

        self._world.conversations += 1
        if not self._world.is_online:
            raise LinkError("connect", "nobody is there")
        self.is_open = True

    async def send(self, view) -> None:
        world = self._world
        world.now_ms += world.talk_ms
        report = world.desk.take(bytes(view))
        world.reports.append((world.now_ms, report.boot))
        world.desk.reports.clear()
        if world.loses_acks:
            return
        world.desk.server_ms = world.epoch_ms + world.now_ms
        self._on_message(world.desk.ack(report))

    async def close(self) -> None:
        self.is_open = False


class World:
    """What is outside the program: time, the sensor's value, flash, memory that stays, the desk.

    `drift_ppm` is how much too fast the clock runs that goes on during sleep.
    """

    def __init__(self, folder: str, make_product, room: int = ROOM_BYTES, **words) -> None:
        self.now_ms = 5000
        self.epoch_ms = 1700000000000
        self.slept_ms = 0
        self.drift_ppm = 0
        self.value = 20
        self.kept = b""
        self.asked_ms = 0
        self.is_online = True
        self.loses_acks = False
        self.talk_ms = 0
        self.conversations = 0
        self.desk = FakeDesk(DEVICE, KEY)
        self.reports = []
        self.events = []
        self.wakes = [0, 0]  # that spoke, that were silent
        self._make_product = make_product
        self._room = room
        self._words = words
        with open(folder + "/key", "wb") as file:
            file.write(b"\x01" + KEY)
        self.config = {
            "device": DEVICE.hex(),
            "server": "http://127.0.0.1:1",
            "insecure": True,
            "key": folder + "/key",
            "data": folder + "/data",
            "settle_ms": 0,
            "heartbeat_s": 3600,
        }

    @property
    def wall_ms(self) -> int:
        return self.now_ms + self.slept_ms * self.drift_ppm // 1000000

    def wake(self) -> Sleeper:
        """Start the program, let it do what is due and sleep; time passes until it wakes."""
        product = self._make_product()
        board = FakeBoard(self)
        sleeper = Sleeper(
            product,
            dict(self.config),
            sleep=FakeSleep(self, self._room),
            board=board,
            on_event=self._note,
            link=lambda hear: DeskLink(self, hear),
            **self._words,
        )
        for channel in sleeper.product.channels:
            sleeper.sensor(channel.name, self.read)
        self.run(sleeper)
        return sleeper

    def run(self, sleeper: Sleeper) -> None:
        """Let a program run to its sleep, and sleep."""
        try:
            sleeper.run()
        except Asleep:
            self.pass_time(self.asked_ms)

    def pass_time(self, span_ms: int) -> None:
        """Let it sleep so long by its own clock."""
        true_ms = span_ms * 1000000 // (1000000 + self.drift_ppm)
        self.now_ms += true_ms
        self.slept_ms += true_ms

    def read(self):
        """The sensor; it takes the board's time to wake."""
        return self.value

    def _note(self, name: str, **facts) -> None:
        facts["event"] = name
        if name == "asleep":
            self.wakes[facts["is_silent"]] += 1
        else:
            self.events.append(facts)


def leak_product(on_delay_ms: int = 150000, **words) -> Product:
    """One sensor, one fault above 50."""
    product = Product("leak", freeze_samples=8)
    product.sensor("water", "", 0, 60000)
    product.fault(
        "E01", 520192, 0, "critical", "range", "water", high=50, on_delay_ms=on_delay_ms, **words
    )
    return product


_used = []


def make_folder(name: str) -> str:
    """An empty folder for one test; that of the test before is gone then."""
    while _used:
        _remove(_used.pop())
    path = "/tmp/phonehome-" + name + "-" + os.urandom(6).hex()
    os.mkdir(path)
    _used.append(path)
    return path


def _remove(path: str) -> None:
    for name in os.listdir(path):
        if name == "data":
            _remove(path + "/data")
        else:
            os.remove(path + "/" + name)
    os.rmdir(path)
