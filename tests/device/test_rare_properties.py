# cpython-only
"""What every kind of rule promises, whatever the samples are; and what silence does to none."""

from hypothesis import given, settings
from hypothesis import strategies as st

from phonehome.core.debounce import FAIL, NONE
from phonehome.core.faults import CONFIRMED, HEALED
from phonehome.core.product import Product
from phonehome.core.rules.buckets import Buckets
from phonehome.core.sampler import Sampler
from phonehome_wire import registry

DEADBAND = 3
KINDS = {  # kind: its words, limits 10 and 20 with a deadband of 3 where it has limits
    "range": {"low": 10, "high": 20, "deadband": DEADBAND},
    "rate": {"high": 2, "deadband": 1, "window_ms": 5000},
    "stuck": {"deadband": 2, "window_ms": 4000},
    "missing": {"window_ms": 2000},
    "noise": {"high": 10, "deadband": DEADBAND, "window_ms": 8000},
    "disagree": {"other": "other", "low": -10, "high": 10, "deadband": DEADBAND},
    "count": {"level": 15, "high": 3, "deadband": 1, "window_ms": 20000},
    "drift": {"low": 10, "high": 20, "deadband": DEADBAND, "excess": 25},
}
# Runs of samples: a run stays around a mean, so that every kind confirms and heals now and then.
RUN = st.tuples(st.integers(0, 40), st.sampled_from([0, 1, 12]), st.integers(1, 25))
RUNS = st.lists(RUN, min_size=1, max_size=12)
DELAYS = st.sampled_from([0, 1000, 4500])
KIND = st.sampled_from(sorted(KINDS))


class Recorder:
    """A rule that notes its verdicts."""

    def __init__(self, rule):
        self.rule = rule
        self.verdicts = []
        self.now_ms = 0

    def judge(self, *parts):
        verdict = self.rule.judge(*parts)
        self.verdicts.append((self.now_ms, verdict))
        return verdict

    def evidence(self, *parts):
        return self.rule.evidence(*parts)

    def reset(self):
        self.rule.reset()


class Plant:
    """One fault of a kind on the first of two sensors, sampled every second."""

    def __init__(self, kind, snapshot=None, **words):
        product = Product("plant")
        product.sensor("temp", "Cel", 0, 1000)
        product.sensor("other", "Cel", 0, 1000)
        product.fault("E1", 520192, 0, 2, kind, "temp", **words)
        self.kind, self.words = kind, words
        self.now_ms, self.value, self.told = 0, 15, []
        readers = {"temp": lambda: self.value, "other": lambda: 15}
        self.sampler = Sampler(product, readers, self.tell)
        self.rule = self.sampler.rules[0] = Recorder(self.sampler.rules[0])
        if snapshot:
            self.sampler.restore(snapshot, 0)

    def tell(self, fault, kind, now_ms, frame):
        self.told.append((now_ms, kind, fault.value, fault.limit, fault.occurrence))

    @property
    def fault(self):
        return self.sampler.faults[0]

    def step(self, value):
        self.rule.now_ms, self.value = self.now_ms, value
        self.now_ms = self.sampler.step(self.now_ms)
        return self.fault.state

    def reboot(self):
        return Plant(self.kind, self.sampler.snapshot(), **self.words)


def samples_of(runs):
    """The samples of runs of (mean, amplitude, length); a mean of 0 is a missing sensor."""
    for mean, amplitude, length in runs:
        for number in range(length):
            yield None if mean == 0 else mean + (amplitude if number % 2 else -amplitude)


@settings(max_examples=200)
@given(KIND, DELAYS, DELAYS, RUNS)
def test_no_kind_confirms_before_its_on_delay(kind, on_delay_ms, off_delay_ms, runs):
    """Every confirmation has only failing verdicts behind it, for the whole on-delay."""
    plant = Plant(kind, on_delay_ms=on_delay_ms, off_delay_ms=off_delay_ms, **KINDS[kind])
    was = plant.fault.state
    for value in samples_of(runs):
        at_ms = plant.now_ms
        state = plant.step(value)
        if state == CONFIRMED and was != CONFIRMED:
            since_ms = at_ms
            for judged_ms, verdict in reversed(plant.rule.verdicts):
                if verdict == FAIL:
                    since_ms = judged_ms
                elif verdict != NONE:
                    break
            assert at_ms - since_ms >= on_delay_ms
        was = state


@settings(max_examples=200)
@given(st.sampled_from(["range", "rate", "noise", "disagree", "count"]), DELAYS, RUNS)
def test_no_kind_clears_inside_its_deadband(kind, off_delay_ms, runs):
    """Whatever is compared with limits heals only with its evidence inside by the deadband."""
    words = KINDS[kind]
    plant = Plant(kind, off_delay_ms=off_delay_ms, **words)
    factor = 1000 if kind in ("rate", "noise") else 1
    was = plant.fault.state
    for value in samples_of(runs):
        state = plant.step(value)
        if was == CONFIRMED and state == HEALED:
            spec = plant.fault.spec
            found, _, _ = plant.rule.evidence(spec, plant.sampler.channels[0])
            assert found <= factor * (words["high"] - words["deadband"])
            if "low" in words:
                assert found >= words["low"] + words["deadband"]
        was = state


@settings(max_examples=200)
@given(RUNS)
def test_drift_is_the_cusum(runs):
    """Confirmed at the excess, healed when as much was taken off inside the deadband, exactly."""
    plant = Plant("drift", **KINDS["drift"])
    above = below = 0
    is_confirmed = False
    for number, value in enumerate(samples_of(runs)):
        if value is not None:
            margin = DEADBAND if is_confirmed else 0
            span_s = 1 if number else 0
            above = min(max(above + (value - 20 + margin) * span_s, 0), 25)
            below = min(max(below + (10 - value + margin) * span_s, 0), 25)
            if is_confirmed and above == below == 0:
                is_confirmed = False
            elif not is_confirmed and 25 in (above, below):
                is_confirmed, above, below = True, 25, 25
        assert (plant.step(value) == CONFIRMED) == is_confirmed


@given(
    st.integers(1, 100_000),
    st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 1000)), max_size=80),
)
def test_buckets_hold_a_window(window_ms, steps):
    """All of the window is in the total, and nothing from before its start less a fifteenth."""
    buckets, now_ms, past = Buckets(window_ms), 0, []
    for span_ms, amount in steps:
        now_ms += span_ms
        buckets.advance(span_ms)
        buckets.put(amount)
        past.append((now_ms, amount))
        stride_ms = -(-window_ms // 15)
        least = sum(a for at_ms, a in past if now_ms - at_ms < window_ms)
        most = sum(a for at_ms, a in past if now_ms - at_ms < 16 * stride_ms)
        assert least <= buckets.total <= most
        assert buckets.is_full == (now_ms // stride_ms >= 15)


@settings(max_examples=200)
@given(KIND, DELAYS, st.lists(st.tuples(RUN, st.sampled_from("-sec")), max_size=12))
def test_occurrences_are_exact_whatever_is_told(kind, off_delay_ms, runs):
    """Shelved, chattering or neither: the count is that of the confirmations since a clearing."""
    plant = Plant(kind, off_delay_ms=off_delay_ms, **KINDS[kind])
    confirmed, was = 0, plant.fault.state
    for run, act in runs:
        if act == "s":
            plant.sampler.shelve("E1", 90_000)
        elif act == "e":
            plant.sampler.shelve("E1", 0)
        elif act == "c":
            plant.sampler.clear(plant.now_ms, "E1")
            confirmed, was = 0, plant.fault.state
        for value in samples_of([run]):
            state = plant.step(value)
            confirmed += state == CONFIRMED and was != CONFIRMED
            was = state
            assert plant.fault.occurrence == confirmed
    check_end(plant)


def check_end(plant):
    """Behind the longest silence the newest report is the state, with the whole count."""
    is_touched = plant.fault.occurrence > 0
    state = plant.fault.state
    for _ in range(160):  # a shelf and a quiet minute without a verdict that could change it
        plant.sampler.rules[0].judge = lambda *_: NONE
        plant.step(15)
    if is_touched:
        kinds = {CONFIRMED: registry.KIND_CONFIRMED, HEALED: registry.KIND_HEALED}
        told = [entry for entry in plant.told if entry[1] != registry.KIND_PENDING][-1]
        assert (told[1], told[4]) == (kinds[state], plant.fault.occurrence)
    assert not plant.sampler.has_silence


@settings(max_examples=100)
@given(st.lists(st.tuples(st.integers(1, 20), st.integers(1, 20)), max_size=60))
def test_records_stay_bounded(cycles):
    """No minute sees more than six reports of a fault, however it chatters."""
    plant = Plant("range", **KINDS["range"])
    for failing_s, passing_s in cycles:
        for value in [30] * failing_s + [15] * passing_s:
            plant.step(value)
    times = [at_ms for at_ms, *_ in plant.told]
    assert all(later - earlier >= 60_000 for earlier, later in zip(times, times[6:], strict=False))


@settings(max_examples=200)
@given(KIND, DELAYS, st.lists(st.tuples(RUN, st.booleans(), st.booleans()), max_size=12))
def test_a_reboot_keeps_confirmed(kind, off_delay_ms, runs):
    """Confirmed, healed and the count are behind a reboot what they were, and so is a shelf."""
    plant = Plant(kind, off_delay_ms=off_delay_ms, **KINDS[kind])
    for run, is_shelved, is_rebooted in runs:
        if is_shelved:
            plant.sampler.shelve("E1", 3_600_000)
        for value in samples_of([run]):
            plant.step(value)
        if is_rebooted:
            before = plant
            plant = before.reboot()
            if before.fault.state in (CONFIRMED, HEALED):
                assert plant.fault.state == before.fault.state
            assert plant.fault.occurrence == before.fault.occurrence
            assert (plant.sampler.silence.shelved_ms(0) > 0) == (
                before.sampler.silence.shelved_ms(0) > 0
            )
            assert plant.told == []
