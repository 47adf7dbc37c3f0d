# cpython-only
"""What the rules promise whatever the samples are, against models too simple to be wrong."""

from hypothesis import given, settings
from hypothesis import strategies as st

from phonehome.core.channel import Channel
from phonehome.core.debounce import (
    EVENT_CONFIRM,
    EVENT_FALL_BACK,
    EVENT_HEAL,
    FAIL,
    NONE,
    NOTHING,
    PASS,
    Debounce,
)
from phonehome.core.faults import CONFIRMED, OK, PENDING, FaultTable
from phonehome.core.freeze import FreezeRing
from phonehome.core.product import Product
from phonehome.core.rules.rate import Window
from phonehome.core.sampler import Sampler
from phonehome_wire import registry
from phonehome_wire.series import MISSING

SPAN_MS = st.integers(1, 10_000)
VERDICT = st.sampled_from([PASS, FAIL, NONE])
HISTORY = st.lists(st.tuples(VERDICT, SPAN_MS), max_size=80)


class Spec:
    def __init__(self, on_delay_ms=0, off_delay_ms=0, n=1, m=1):
        self.code, self.spn, self.fmi, self.urgent = "E1", 520192, 0, False
        self.on_delay_ms, self.off_delay_ms = on_delay_ms, off_delay_ms
        self.n, self.m = n, m


@st.composite
def specs(draw):
    """Any delays with any n of m."""
    m = draw(st.integers(1, 30))
    delays = st.integers(0, 30_000)
    return Spec(draw(delays), draw(delays), draw(st.integers(1, m)), m)


def play(spec, history):
    """(event, verdicts so far without NONE, time of each) after each verdict."""
    debounce, is_confirmed, now_ms = Debounce([spec]), False, 0
    past = []
    for verdict, span_ms in history:
        now_ms += span_ms
        event = debounce.judge(0, verdict, span_ms, is_confirmed)
        if verdict != NONE:
            past.append((verdict, now_ms))
        yield event, verdict, past, now_ms, is_confirmed
        if event in (EVENT_CONFIRM, EVENT_HEAL):
            is_confirmed = event == EVENT_CONFIRM


def failing_since(spec, past):
    """When n of the last m verdicts began to fail, for as long as they did without a break."""
    since_ms = None
    for end in range(1, len(past) + 1):
        window = [verdict for verdict, _ in past[max(0, end - spec.m) : end]]
        if window.count(FAIL) < spec.n:
            since_ms = None
        elif since_ms is None:
            since_ms = past[end - 1][1]
    return since_ms


@given(specs(), HISTORY)
def test_never_confirms_before_its_on_delay(spec, history):
    """A confirmation means that n of m failed for the whole delay, and that this one fails."""
    for event, verdict, past, now_ms, _ in play(spec, history):
        if event == EVENT_CONFIRM:
            assert verdict == FAIL
            assert now_ms - failing_since(spec, past) >= spec.on_delay_ms


@given(specs(), HISTORY)
def test_never_heals_before_its_off_delay(spec, history):
    """Healing means that every verdict of the whole delay passed, and fewer than n of m fail."""
    for event, verdict, past, now_ms, _ in play(spec, history):
        if event == EVENT_HEAL:
            assert verdict == PASS
            last_fail = max(i for i, (old, _) in enumerate(past) if old == FAIL)
            assert now_ms - past[last_fail + 1][1] >= spec.off_delay_ms
            assert sum(old == FAIL for old, _ in past[-spec.m :]) < spec.n


@given(st.integers(1, 30), st.data())
def test_n_of_m_is_exact(m, data):
    """Without delays a fault confirms with the very verdict that makes n of the last m fail."""
    n = data.draw(st.integers(1, m))
    history = data.draw(HISTORY)
    for event, verdict, past, _, was_confirmed in play(Spec(n=n, m=m), history):
        failed = sum(old == FAIL for old, _ in past[-m:])
        is_due = verdict == FAIL and failed >= n and not was_confirmed
        assert (event == EVENT_CONFIRM) == is_due
        is_due = verdict == PASS and failed < n and was_confirmed
        assert (event == EVENT_HEAL) == is_due


@given(specs(), HISTORY)
def test_no_verdict_does_nothing(spec, history):
    """NONE has no event, and the verdicts around it have those that they have without it."""
    with_none = [event for event, verdict, *_ in play(spec, history) if verdict != NONE]
    without = [event for event, *_ in play(spec, [step for step in history if step[0] != NONE])]
    assert with_none == without
    assert all(e == NOTHING for e, verdict, *_ in play(spec, history) if verdict == NONE)


@given(specs(), HISTORY)
def test_falls_back_when_no_failure_is_left(spec, history):
    """An unconfirmed fault falls back with the pass that makes the last m all pass, once."""
    for event, verdict, past, _, was_confirmed in play(spec, history):
        before = [old for old, _ in past[:-1]][-spec.m :]
        is_due = verdict == PASS and not was_confirmed and FAIL in before
        is_due = is_due and all(old == PASS for old, _ in past[-spec.m :])
        assert (event == EVENT_FALL_BACK) == is_due


@given(specs(), HISTORY)
def test_occurrences_are_counted_exactly(spec, history):
    """The count is the number of confirmations, the reports alternate, and none is told twice."""
    table, debounce = FaultTable([spec]), Debounce([spec])
    told = []
    for verdict, span_ms in history:
        if verdict != NONE:
            table.note_test(0, verdict)
        event = debounce.judge(0, verdict, span_ms, table.state(0) == CONFIRMED)
        kind = table.apply(0, event)
        if kind is not None:
            told.append(kind)
    confirmed = told.count(registry.KIND_CONFIRMED)
    assert table.occurrence(0) == min(confirmed, 126)
    changes = [kind for kind in told if kind != registry.KIND_PENDING]
    want = [registry.KIND_CONFIRMED, registry.KIND_HEALED] * (confirmed + 1)
    assert changes == want[: len(changes)]


class Plant:
    """One sensor with a range rule, and a gate on a second sensor."""

    def __init__(self, **words):
        product = Product("plant", freeze_period_ms=1000, freeze_samples=8)
        product.sensor("temp", "Cel", 0, 1000)
        product.sensor("power", "W", 0, 1000)
        product.fault("E1", 520192, 0, 2, "range", "temp", **words)
        self.temp = self.power = 0
        self.told = []
        readers = {"temp": lambda: self.temp, "power": lambda: self.power}
        self.sampler = Sampler(product, readers, self.tell)
        self.now_ms = 0

    def tell(self, fault, kind, now_ms, frame):
        self.told.append(kind)
        if frame is not None:
            assert frame.sample(0, frame.trigger) == fault.value

    def step(self, temp, power=0):
        self.temp, self.power = temp, power
        self.now_ms = self.sampler.step(self.now_ms)
        return self.sampler.faults[0].state


@given(
    st.lists(st.one_of(st.none(), st.integers(-50, 150)), max_size=60),
    st.integers(0, 30),
)
def test_never_heals_inside_its_deadband(temps, deadband):
    """A fault of a range heals exactly when a sample is back inside by the deadband."""
    plant = Plant(low=0, high=100, deadband=deadband)
    is_confirmed = False
    for temp in temps:
        if temp is not None:
            margin = deadband if is_confirmed else 0
            is_confirmed = not margin <= temp <= 100 - margin
        assert (plant.step(temp) == CONFIRMED) == is_confirmed


@given(st.lists(st.tuples(st.integers(0, 200), st.booleans()), max_size=60), st.integers(0, 4000))
def test_a_shut_gate_has_no_verdict(rows, settle_ms):
    """While the gate is shut or settling nothing is confirmed, healed or pending."""
    plant = Plant(
        high=100, on_delay_ms=1000, when=[{"sensor": "power", "min": 1}], settle_ms=settle_ms
    )
    open_for_ms = -1
    for temp, is_on in rows:
        before = plant.sampler.faults[0].state
        told = len(plant.told)
        after = plant.step(temp, int(is_on))
        open_for_ms = -1 if not is_on else 0 if open_for_ms < 0 else open_for_ms + 1000
        if open_for_ms < 0 or open_for_ms < settle_ms:
            assert len(plant.told) == told
            assert after == (OK if before == PENDING else before)


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 3000)), max_size=60))
def test_a_reboot_anywhere_keeps_confirmed(steps):
    """With a reboot between any two samples no fault is confirmed twice or healed unconfirmed."""
    table = FaultTable([Spec()], ageing_cycles=255)
    confirmed = 0
    for choice, _ in steps:
        event = EVENT_CONFIRM if choice % 3 == 0 else EVENT_HEAL if choice % 3 == 1 else NOTHING
        was_confirmed = table.state(0) == CONFIRMED
        kind = table.apply(0, event)
        assert (kind == registry.KIND_CONFIRMED) == (event == EVENT_CONFIRM and not was_confirmed)
        assert (kind == registry.KIND_HEALED) == (event == EVENT_HEAL and was_confirmed)
        confirmed += kind == registry.KIND_CONFIRMED
        after = FaultTable([Spec()], ageing_cycles=255)
        assert after.restore(table.snapshot()) == []
        assert after.snapshot()[1:4] == table.snapshot()[1:4]
        assert (after.state(0), after.occurrence(0)) == (table.state(0), table.occurrence(0))
        table = after
    assert table.occurrence(0) == min(confirmed, 126)


@given(st.binary(max_size=40))
def test_any_bytes_are_a_snapshot_or_a_value_error(data):
    """Whatever is found on the flash, the table takes it or refuses it with ValueError."""
    table = FaultTable([Spec()])
    try:
        table.restore(data)
    except ValueError:
        return
    assert table.occurrence(0) <= 126


@given(
    st.integers(1, 100_000),
    st.lists(st.tuples(st.integers(1, 20_000), st.integers(-1000, 1000)), max_size=80),
)
def test_a_window_begins_where_it_should(window_ms, steps):
    """The start of a full window is at least its length ago, and a stride and a step at most."""
    window, now_ms, values = Window(window_ms), 0, {}
    stride_ms = -(-window_ms // 15)
    longest_ms = 0
    for span_ms, value in steps:
        now_ms += span_ms
        window.advance(span_ms)
        oldest = window.maybe_oldest()
        longest_ms = max(longest_ms, span_ms)
        if oldest is not None:
            assert window_ms <= window.span_ms <= window_ms + stride_ms + longest_ms
            assert values[now_ms - window.span_ms] == oldest
        window.put(value)
        values[now_ms] = value


@settings(max_examples=60)
@given(
    st.integers(1, 9),
    st.lists(st.tuples(st.integers(0, 2500), st.integers(-9, 9)), max_size=60),
)
def test_a_ring_shows_the_newest_rows(samples, steps):
    """Each row holds what the channel had at its end; rows that were slept through are missing."""
    channel = Channel(0, "s", "", 0, 1)
    ring = FreezeRing([channel], 1000, samples)
    rows, now_ms = {0: MISSING}, 0
    for span_ms, value in steps:
        before = now_ms // 1000
        now_ms += span_ms
        ring.advance(span_ms)
        for row in range(before + 1, now_ms // 1000):
            rows[row] = MISSING
        rows.setdefault(now_ms // 1000, channel.value)
        channel.value = value
        ring.put(0)
        rows[now_ms // 1000] = value
        frame = ring.capture()
        want = [rows[row] for row in sorted(rows)][-samples:]
        assert [frame.sample(0, number) for number in range(frame.count)] == want
