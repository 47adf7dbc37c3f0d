"""The core samples and judges for ever in the memory it had after the start."""

import gc
import sys

from phonehome.core.product import Product
from phonehome.core.sampler import Sampler

STEPS = 4000
IS_EXACT = hasattr(gc, "mem_alloc")
SLACK_BYTES = 64 if IS_EXACT else 8192  # two blocks of the board's heap; CPython keeps caches


def used_bytes():
    """What is alive on the heap; on CPython a count of blocks, in bytes of the smallest."""
    gc.collect()
    if IS_EXACT:
        return gc.mem_alloc()
    return 16 * sys.getallocatedblocks()


class Plant:
    """A product with every kind of rule, and readers that walk, jump, fail and stand still."""

    def __init__(self):
        product = Product("plant", freeze_period_ms=1000, freeze_samples=16)
        self.readings = {}
        for number in range(8):
            name = f"s{number}"
            product.sensor(name, "Cel", -1, 500 + 250 * (number % 3))
            self.readings[name] = self.reader(number)
        gate = [{"sensor": "s1", "min": -200}]
        delays = {"on_delay_ms": 1000, "off_delay_ms": 1000, "n": 2, "m": 3}
        product.fault("E1", 520192, 0, 2, "range", "s0", high=50, deadband=5, when=gate)
        product.fault("E2", 520193, 0, 2, "range", "s1", low=-50, high=50, **delays)
        product.fault("E3", 520194, 0, 2, "rate", "s2", high=20, window_ms=3000, **delays)
        product.fault("E4", 520195, 0, 2, "rate", "s3", low=-1, high=1, window_ms=60000)
        product.fault("E5", 520196, 0, 2, "stuck", "s4", window_ms=3000, settle_ms=100)
        product.fault("E6", 520197, 0, 2, "missing", "s5", window_ms=1000, **delays)
        product.fault("E7", 520198, 0, 2, "python", "s6", predicate=lambda s: s.steps("s6") > 0)
        product.fault("E8", 520199, 0, 2, "python", predicate=lambda s: s["s7"] > s["s6"])
        product.fault("E9", 520200, 0, 2, "noise", "s0", high=6.5, window_ms=9000)
        product.fault("E10", 520201, 0, 2, "disagree", "s1", other="s2", low=-9, high=9)
        product.fault("E11", 520202, 0, 2, "count", "s3", level=0, high=9, window_ms=30000)
        product.fault("E12", 520203, 0, 2, "drift", "s4", low=0, high=0.5, excess=60)
        self.told = 0
        self.sampler = Sampler(product, self.readings, self.tell)
        self.now_ms = 2**31  # a board's 25th day: beyond its small integers

    def reader(self, number):
        state = [number + 1]

        def read():
            state[0] = (state[0] * 75 + 74) % 65537
            if state[0] % 11 == 0:
                raise OSError(110)
            return None if state[0] % 7 == 0 else state[0] % 200 - 100

        return read

    def tell(self, fault, kind, now_ms, frame):
        self.told += 1

    def count(self):
        """How many confirmations there were, told or collapsed."""
        return sum([fault.occurrence for fault in self.sampler.faults])

    def run(self, steps):
        for _ in range(steps):
            self.now_ms = self.sampler.step(self.now_ms)


def test_stepping_does_not_grow_the_heap():
    """Thousands of steps with hundreds of transitions leave the heap as it was."""
    plant = Plant()
    plant.run(200)
    count = plant.count()
    before = used_bytes()
    plant.run(STEPS)
    assert plant.count() - count > 100, "a plant without transitions proves little"
    assert used_bytes() - before <= SLACK_BYTES


def test_a_quiet_step_leaves_no_garbage():
    """While nothing fails, sampling integers and judging them takes nothing from the heap."""
    if not IS_EXACT:
        return
    product = Product("quiet")
    for number in range(8):
        product.sensor(f"s{number}", "", 0, 1000)
        product.fault(f"E{number}", 520192 + number, 0, 2, "range", f"s{number}", high=50)
    readers = {f"s{number}": lambda: 7 for number in range(8)}
    sampler = Sampler(product, readers, None)
    now_ms = sampler.step(0)
    now_ms = sampler.step(now_ms)
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    for _ in range(100):
        now_ms = sampler.step(now_ms)
    garbage_bytes = gc.mem_alloc() - before
    gc.enable()
    assert garbage_bytes <= SLACK_BYTES
