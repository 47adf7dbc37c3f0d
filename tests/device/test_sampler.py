"""The sampler joins channels, ring, rules and fault table, step by step."""

from phonehome.core.errors import ProductError
from phonehome.core.faults import CONFIRMED, OK, PENDING
from phonehome.core.product import Product
from phonehome.core.sampler import Sampler
from phonehome_wire import registry
from phonehome_wire.series import MISSING

KINDS = {
    registry.KIND_PENDING: "pending",
    registry.KIND_CONFIRMED: "confirmed",
    registry.KIND_HEALED: "healed",
    registry.KIND_CLEARED: "cleared",
}


class Washer:
    """Two sensors that a test sets, one fault, and what the sampler told."""

    def __init__(self, snapshot=None, heater_period_ms=1000, **words):
        product = Product("washer", 1, freeze_period_ms=1000, freeze_samples=8)
        product.sensor("temp", "Cel", -1, 1000, channel=9)
        product.sensor("heater", "", 0, heater_period_ms, channel=2)
        product.fault("E21", 520192, 0, "critical", "range", "temp", **words)
        self.product = product
        self.temp = 20
        self.heater = 0
        self.told = []
        self.frames = []
        self.now_ms = 0
        readers = {"temp": self.read_temp, "heater": lambda: self.heater}
        self.sampler = Sampler(product, readers, self.tell)
        if snapshot is not None:
            self.sampler.restore(snapshot, 0)

    def read_temp(self):
        if self.temp is OSError:
            raise OSError(110)
        return self.temp

    def tell(self, fault, kind, now_ms, frame):
        evidence = (fault.value, fault.limit, fault.exp, fault.failing_ms)
        self.told.append((now_ms, KINDS[kind]) + evidence)  # noqa: RUF005  # no star there
        self.frames.append(frame and read_frame(frame))

    def run(self, temps):
        """One sample a second of each temperature."""
        for temp in temps:
            self.temp = temp
            self.now_ms = self.sampler.step(self.now_ms)

    @property
    def state(self):
        return self.sampler.faults[0].state


def read_frame(frame):
    """A frame as {channel: samples}, its trigger beside it."""
    channels = {}
    for place in range(frame.channel_count):
        samples = [frame.sample(place, number) for number in range(frame.count)]
        channels[frame.channel_id(place)] = [None if s == MISSING else s for s in samples]
    return frame.trigger, channels


def test_a_fault_lives_from_pending_to_healed():
    """Each transition is told once, with value, limit and the time it was failing."""
    washer = Washer(high=90, deadband=5, on_delay_ms=2000, off_delay_ms=2000)
    washer.run([20, 20, 95, 96, 97, 98, 87, 84, 84, 84, 84])
    assert washer.told == [
        (2000, "pending", 950, 900, -1, 0),
        (4000, "confirmed", 970, 900, -1, 2000),
        (9000, "healed", 840, 900, -1, 4000),
    ]
    assert washer.sampler.faults[0].occurrence == 1


def test_only_confirmation_carries_a_freeze_frame():
    """It holds the samples before and at the confirmation, of every channel, ascending."""
    washer = Washer(high=90, on_delay_ms=1000)
    washer.heater = 1
    washer.run([20, 21, OSError, 95, 96, 20])
    assert [told[1] for told in washer.told] == ["pending", "confirmed", "healed"]
    assert washer.frames == [
        None,
        (4, {2: [1, 1, 1, 1, 1], 9: [200, 210, None, 950, 960]}),
        None,
    ]


def test_each_sensor_has_its_own_period():
    """The next step is when the next sensor is due, and only what is due is read."""
    washer = Washer(high=90, heater_period_ms=2500)
    steps = []
    for _ in range(8):
        steps.append(washer.now_ms)
        washer.run([20])
    assert steps == [0, 1000, 2000, 2500, 3000, 4000, 5000, 6000]
    assert washer.sampler.samples == 7 + 3


def test_missing_samples_are_counted_and_hold_the_fault():
    """A sensor that fails does not confirm, heal or crash anything."""
    washer = Washer(high=90, on_delay_ms=2000)
    washer.run([95, None, OSError, "hot", float("nan")])
    assert [told[1] for told in washer.told] == ["pending"]
    assert washer.sampler.errors == 4
    washer.run([95, 95])
    assert [told[1] for told in washer.told] == ["pending", "confirmed"]
    washer.run([None] * 5)
    assert washer.state == CONFIRMED


def test_a_shut_gate_gives_no_verdict():
    """Pending falls back without a word, confirmed stays, and delays begin anew."""
    washer = Washer(
        high=90, on_delay_ms=2000, off_delay_ms=2000, when=[{"sensor": "heater", "min": 1}]
    )
    washer.run([95] * 5)
    assert washer.told == []
    washer.heater = 1
    washer.run([95, 95])
    assert washer.state == PENDING
    washer.heater = 0
    washer.run([95])
    assert washer.state == OK
    washer.heater = 1
    washer.run([95] * 3)
    assert washer.state == CONFIRMED
    washer.heater = 0
    washer.run([20] * 5)
    assert washer.state == CONFIRMED
    washer.heater = 1
    washer.run([20] * 3)
    kinds = [told[1] for told in washer.told]
    assert kinds == ["pending", "pending", "confirmed", "healed"]


def test_a_gate_is_watched_between_the_samples_of_the_rule():
    """A gate that shut for a moment begins its settle time anew."""
    washer = Washer(
        high=90, settle_ms=3000, when=[{"sensor": "heater", "min": 1}], heater_period_ms=250
    )
    washer.temp = 95
    washer.heater = 1
    while washer.now_ms < 2500:
        washer.now_ms = washer.sampler.step(washer.now_ms)
    washer.heater = 0
    washer.now_ms = washer.sampler.step(washer.now_ms)
    washer.heater = 1
    while washer.told == []:
        washer.now_ms = washer.sampler.step(washer.now_ms)
    assert washer.told[0][:2] == (6000, "confirmed")


def test_confirmed_survives_a_reboot():
    """It is not told again, does not count again, and heals by its own proof."""
    washer = Washer(high=90)
    washer.run([95])
    again = Washer(snapshot=washer.sampler.faults.snapshot(), high=90)
    again.run([95, 95])
    assert again.told == []
    assert again.state == CONFIRMED
    again.run([20])
    assert again.told == [(2000, "healed", 200, 900, -1, 1000)]
    assert again.sampler.faults[0].occurrence == 1


def test_clearing_by_command_begins_anew():
    """Clear is told once; a fault that is still there is confirmed again, as the first."""
    washer = Washer(high=90, on_delay_ms=1000)
    washer.run([95, 95])
    assert washer.sampler.clear(washer.now_ms, "E99") == 0
    assert washer.sampler.clear(washer.now_ms, "E21") == 1
    assert washer.sampler.clear(washer.now_ms) == 0
    washer.run([95, 95])
    kinds = [told[1] for told in washer.told]
    assert kinds == ["pending", "confirmed", "cleared", "pending", "confirmed"]
    assert washer.sampler.faults[0].occurrence == 1


def test_age_is_told_at_boot():
    """A fault cleared by age is told as cleared when its snapshot is restored."""
    washer = Washer(high=90)
    washer.run([95, 20])
    snapshot = washer.sampler.faults.snapshot()
    told = []
    for _ in range(41):
        boot = Washer(snapshot=snapshot, high=90)
        boot.run([20])
        snapshot = boot.sampler.faults.snapshot()
        told.append([entry[1] for entry in boot.told])
    assert told == [[]] * 40 + [["cleared"]]


def test_a_python_rule_without_a_sensor_is_judged_with_the_rows():
    """It sees all sensors, once a row of the freeze ring, and its delays run on that time."""
    product = Product("pair", freeze_period_ms=2000)
    product.sensor("inlet", "Cel", -1, 500)
    product.sensor("outlet", "Cel", -1, 500)
    product.fault(
        "E40",
        520200,
        2,
        "warning",
        "python",
        on_delay_ms=4000,
        predicate=lambda samples: samples["outlet"] > samples["inlet"],
    )
    told = []
    sampler = Sampler(
        product, {"inlet": lambda: 20, "outlet": lambda: 25.5}, lambda *facts: told.append(facts)
    )
    now_ms = 0
    while now_ms < 10000:
        now_ms = sampler.step(now_ms)
    assert [(kind, at_ms) for _, kind, at_ms, _ in told] == [
        (registry.KIND_PENDING, 2000),
        (registry.KIND_CONFIRMED, 6000),
    ]
    assert (told[1][0].value, told[1][0].limit) == (None, None)


def test_time_that_jumps():
    """A clock that goes back does nothing, a pause of years is judged as one of days."""
    washer = Washer(high=90, on_delay_ms=2000)
    washer.run([95])
    washer.sampler.step(500)
    due_ms = washer.sampler.step(0)
    assert due_ms == 500, "what went by before the clock went back still counts"
    far_ms = 10**15
    assert far_ms < washer.sampler.step(far_ms) <= far_ms + 1000
    assert washer.state == CONFIRMED


def test_what_is_missing_stops_the_start():
    """A sensor without a reader and a Python rule without a function are named."""
    product = Product("washer")
    product.sensor("temp", "Cel", -1, 1000)
    product.fault("E40", 520200, 2, "warning", "python")
    texts = []
    for readers in ({}, {"temp": 21}, {"temp": lambda: 21}):
        try:
            Sampler(product, readers, None)
        except ProductError as error:
            texts.append(str(error))
    assert len(texts) == 3
    assert "'temp'" in texts[0]
    assert "E40" in texts[2]
    product.rule("E40", lambda samples: False)
    Sampler(product, {"temp": lambda: 21}, None)
