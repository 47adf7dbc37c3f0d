# cpython-only
"""Whatever the samples are: who sleeps between them finds what who stays awake finds."""

from hypothesis import given, settings
from hypothesis import strategies as st

from phonehome.core.keepsake import REMEMBERED, key_of, open_pack, pack, unpack
from phonehome.core.product import Product
from phonehome.core.sampler import Sampler
from phonehome.core.schedule import Schedule
from phonehome.core.silence import Silence

# What is made anew from the product at each wake, or said again before it is asked for.
MADE_ANEW = {
    "Sampler": {
        "ring",
        "rules",
        "readers",
        "_on_transition",
        "_silence",
        "_interval_ms",
        "_fresh",
    },
    "Channel": {"id", "name", "unit", "exp", "period_ms", "is_scaled"},
    "FaultTable": {"specs", "ageing_cycles"},
    "Debounce": {"_specs"},
    "Gates": {"_specs", "_channels"},
    "FreezeRing": {"period_ms", "trigger", "channel_count", "_channels", "_samples", "_order"},
    "Window": {"_window_ms", "_stride_ms"},
    "Buckets": {"_stride_ms"},
    "DisagreeRule": {"_other", "_exp", "_factor", "_other_factor", "_low", "_high", "_deadband"},
    "Schedule": {"_period_ms", "_pending_ms", "slack_ms"},
    "PredicateRule": {"_predicate", "_samples", "errors", "last_error"},
}
READING = st.one_of(st.none(), st.integers(-60, 60))
STEPS = st.lists(
    st.tuples(READING, READING, st.sampled_from([10, 500, 1000, 1300, 4000, 65000])), max_size=60
)
DELAYS = st.fixed_dictionaries(
    {"on_delay_ms": st.integers(0, 6000), "off_delay_ms": st.integers(0, 6000)}
)


def make_product(delays) -> Product:
    """A fault of every kind that remembers something, with a gate before some."""
    product = Product("all", freeze_period_ms=1000, freeze_samples=8)
    product.sensor("a", "", 0, 1000)
    product.sensor("b", "", 0, 1000)
    gate = [{"sensor": "b", "min": -40}]
    product.fault("R1", 520192, 0, "error", "range", "a", high=30, deadband=5, **delays)
    product.fault(
        "R2", 520193, 10, "error", "rate", "a", high=4, low=-4, window_ms=5000, n=2, m=3, **delays
    )
    product.fault("R3", 520194, 2, "error", "stuck", "a", deadband=3, window_ms=5000, when=gate)
    product.fault("R4", 520195, 9, "error", "missing", "a", window_ms=3000)
    product.fault("R5", 520196, 2, "error", "noise", "a", high=20, window_ms=5000)
    product.fault("R6", 520197, 12, "error", "disagree", "a", high=50, low=-50, other="b")
    product.fault("R7", 520198, 31, "error", "count", "a", high=2, window_ms=9000, level=20)
    product.fault(
        "R8", 520199, 20, "error", "drift", "a", high=10, low=-10, excess=60, deadband=2, when=gate
    )
    product.fault(
        "R9", 520200, 31, "error", "python", predicate=lambda samples: samples["a"] > 40, **delays
    )
    return product


class Life:
    """A sampler that plays steps and notes every transition; with `sleeps` one for each step."""

    def __init__(self, delays, sleeps: bool) -> None:
        self.told = []
        self._delays = delays
        self._sleeps = sleeps
        self._values = {}
        self._now_ms = 0
        self.sampler = self._make()

    def _make(self) -> Sampler:
        self._product = make_product(self._delays)
        readers = {name: lambda name=name: self._values[name] for name in "ab"}
        return Sampler(self._product, readers, self._note)

    def _note(self, fault, kind, now_ms, frame) -> None:
        samples = None
        if frame is not None:
            samples = [frame.sample(0, number) for number in range(frame.count)]
        facts = (fault.value, fault.limit, fault.failing_ms, fault.occurrence, fault.status)
        self.told.append((fault.spec.code, kind, now_ms, facts, samples))

    def step(self, a, b, span_ms) -> None:
        self._values = {"a": a, "b": b}
        self._now_ms += span_ms
        self.sampler.step(self._now_ms)
        if self._sleeps:
            key = key_of(self._product)
            data = pack(key, Schedule(1000, 1000), b"", self.sampler, 65536)
            self.sampler = self._make()
            unpack(open_pack(key, data), Schedule(1000, 1000), self.sampler)


@settings(max_examples=150, deadline=None)
@given(steps=STEPS, delays=DELAYS)
def test_sleeping_changes_no_verdict(steps, delays):
    """Transitions, their instants, evidence, counts, status and frames are the same."""
    awake, asleep = Life(delays, sleeps=False), Life(delays, sleeps=True)
    for step in steps:
        awake.step(*step)
        asleep.step(*step)
    assert asleep.told == awake.told
    assert asleep.sampler.faults.snapshot() == awake.sampler.faults.snapshot()


def test_the_table_names_all_that_is_remembered():
    """An attribute that a rule gets one day is kept, or said to be made anew."""
    sampler = Life({}, sleeps=False).sampler
    things = [sampler, sampler.ring, sampler.faults, sampler._debounce, sampler._gates]
    things += [Silence(3), Schedule(1, 1), *sampler.channels, *sampler.rules]
    for rule in list(sampler.rules):
        parts = ("_window", "_events", "_jumps", "_counts")
        things += [getattr(rule, part) for part in parts if hasattr(rule, part)]
    for thing in things:
        name = type(thing).__name__
        known = set(REMEMBERED.get(name, ())) | MADE_ANEW.get(name, set())
        assert set(vars(thing)) == known, name
