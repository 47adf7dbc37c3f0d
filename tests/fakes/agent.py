"""The parts of an agent that commands work on, real where that needs no network."""

from phonehome.core.commands import execute
from phonehome.core.hands import Hands
from phonehome.core.logring import Logger, LogRing
from phonehome.core.outbox import Outbox
from phonehome.core.product import Product
from phonehome.core.sampler import Sampler
from phonehome.ports.segments import Segments
from phonehome.ports.slots import Slots
from phonehome_wire import registry as r
from tests.fakes.flash import FakeFlash


class FakeClock:
    """An uptime that a test moves."""

    now = 5000

    def now_ms(self):
        return self.now


class FakeBoard:
    can_reboot = True


class FakeBirth:
    is_safe, died = False, 0


class FakeConfig:
    heartbeat_s, gather_ms, ack_s, keepalive_s, settle_ms = 300, 500, 30, 120, 10000
    trial_s = 600
    commands = None
    insecure, wifi = False, {"ssid": "home"}


class FakeSession:
    config_version = 0
    crashes = 0


class FakeReporter:
    """Notes what it is asked to store."""

    def __init__(self):
        self.told = []

    def add_hello(self, now_ms, has_catalog=False):
        self.told.append(("hello", has_catalog))
        return True

    def add_log(self, crumbs, now_ms):
        self.told.append(("log", len(crumbs)))
        return True

    def beat(self):
        self.told.append(("beat",))


class FakeSending:
    """Notes which settings it was told to follow."""

    def __init__(self):
        self.followed = []

    def follow(self, config):
        self.followed.append((config.ack_s, config.gather_ms))

    def ask(self, is_urgent):
        pass


def make_product():
    """A tank with a rule of a kind without memory, one with, and one in Python."""
    product = Product("tank")
    product.sensor("level", "mm", 0, 1000)
    product.fault("E1", 520192, 0, "error", "range", "level", low=0, high=90, deadband=5)
    product.fault("E2", 520193, 10, "error", "rate", "level", high=9, window_ms=5000)
    product.fault("E3", 520194, 31, "error", "python", "level", predicate=lambda s: False)
    return product


class FakeAgent:
    """One boot of an agent on a flash; `boot` starts the next one on the same flash."""

    tunes_product = True

    def __init__(self, flash=None):
        self.flash = flash or FakeFlash()
        self.boot()

    def boot(self):
        self.board, self.config, self.uptime = FakeBoard(), FakeConfig(), FakeClock()
        self._birth = FakeBirth()
        self.product = make_product()
        self.level = 20
        self.told, self.events = [], []
        self.outbox = Outbox(Segments(self.flash), b"inc1")
        self._ring = LogRing(self.uptime)
        self._log = Logger(self._ring, "agent")
        self._functions, self._replaced = {}, {}
        self._reporter, self._sending, self._session = FakeReporter(), None, FakeSession()
        self._sampler = self._trial = self._next_metric = None
        self._reboot_asked, self.reboots = False, []
        self._tasks = self
        self._pushed_slots = Slots(self.flash, "config")

    def start(self):
        self._sending = FakeSending()
        self._sampler = Sampler(self.product, {"level": lambda: self.level}, self._tell)

    def reboot(self, name):
        self.reboots.append(name)

    def hands(self):
        return Hands(self)

    def step(self, count=1):
        for _ in range(count):
            self._sampler.step(self.uptime.now)
            self.uptime.now += 1000

    def _rotate_key(self, args):
        """The rest of it is in tests/device/test_keychange."""
        return r.RESULT_OK, args[0]

    def _tell(self, fault, kind, now_ms, frame):
        self.told.append((fault.spec.code, kind))

    def _emit(self, name, **facts):
        self.events.append((name, facts.get("version"), facts.get("state")))


def make_agent():
    """An agent that has started."""
    agent = FakeAgent()
    agent.start()
    return agent


def push(agent, version, values):
    """(status, value) of the command."""
    return execute(r.COMMAND_SET_CONFIG, {0: version, 1: values}, agent.hands())


def tend(agent, now_ms, acked_ms=-1):
    """What the agent does each second; True when the trial is over."""
    agent.uptime.now = now_ms
    is_over = agent._trial.is_over(now_ms, acked_ms)
    if is_over:
        agent._trial = None
    return is_over


def keep(agent, version, values):
    """Push a configuration and let it prove itself."""
    push(agent, version, values)
    since = agent.uptime.now
    assert tend(agent, since + 60_000, since)
