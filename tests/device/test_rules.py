"""Each kind of rule, sample by sample."""

from phonehome.core.channel import Channel
from phonehome.core.debounce import FAIL, NONE, PASS
from phonehome.core.product import FaultSpec
from phonehome.core.rules import (
    KIND_MISSING,
    KIND_PYTHON,
    KIND_RANGE,
    KIND_RATE,
    KIND_STUCK,
    make_rules,
)
from phonehome_wire.series import MISSING

LETTERS = {PASS: "P", FAIL: "F", NONE: "-"}


def spec_of(kind, *params, code="E1"):
    """A fault of the first sensor with this rule and nothing else."""
    return FaultSpec(520192, 0, 2, code, False, kind, 0, params, 0, 0, 1, 1, (), 0)


def channel_of(exp=0, period_ms=1000):
    """A channel that reads steps."""
    channel = Channel(0, "speed", "1/min", exp, period_ms)
    channel.is_scaled = True
    return channel


class Bench:
    """One rule on one channel, fed sample by sample."""

    def __init__(self, kind, *params, exp=0, predicate=None):
        self.spec = spec_of(kind, *params)
        self.channel = channel_of(exp)
        self.rule = make_rules([self.spec], [self.channel], {"E1": predicate})[0]

    def feed(self, value, span_ms=1000, is_confirmed=False):
        self.channel.tick(span_ms)
        self.channel.read(lambda: value)
        return LETTERS[self.rule.judge(self.spec, self.channel, is_confirmed)]

    def run(self, values, **words):
        return "".join([self.feed(value, **words) for value in values])

    def evidence(self):
        return self.rule.evidence(self.spec, self.channel)


def test_range_has_inclusive_limits():
    """The limits themselves are good, what is beyond them fails, on both sides."""
    assert Bench(KIND_RANGE, 10, 90, 0).run((9, 10, 50, 90, 91)) == "FPPPF"
    assert Bench(KIND_RANGE, None, 90, 0).run((-5000, 90, 91)) == "PPF"
    assert Bench(KIND_RANGE, 10, None, 0).run((5000, 10, 9)) == "PPF"


def test_range_heals_beyond_its_deadband():
    """Only a confirmed fault needs the deadband: unconfirmed, the limit itself decides."""
    values = (95, 91, 90, 86, 85, 15, 14, 10)
    assert Bench(KIND_RANGE, 10, 90, 5).run(values) == "FFPPPPPP"
    assert Bench(KIND_RANGE, 10, 90, 5).run(values, is_confirmed=True) == "FFFFPPFF"


def test_range_has_no_verdict_on_a_missing_sample():
    """A missing sample is neither good nor bad."""
    assert Bench(KIND_RANGE, 10, 90, 0).run((None, 91, None, 50)) == "-F-P"


def test_range_tells_sample_and_nearer_limit():
    """The evidence is the sample and the limit it violates, in steps of the sensor."""
    bench = Bench(KIND_RANGE, 10, 90, 5, exp=-1)
    bench.feed(95)
    assert bench.evidence() == (95, 90, -1)
    bench.feed(3)
    assert bench.evidence() == (3, 10, -1)
    one_limit = Bench(KIND_RANGE, 10, None, 0)
    one_limit.feed(95)
    assert one_limit.evidence() == (95, 10, 0)


def test_rate_needs_a_full_window():
    """Before samples cover the window there is no verdict, behind it every sample has one."""
    assert Bench(KIND_RATE, None, 2000, 3000, 0).run((0, 5, 10, 15, 15, 15, 15)) == "---FFPP"


def test_rate_is_measured_across_the_window():
    """A jump raises the rate by its height divided by the window, for as long as the window."""
    bench = Bench(KIND_RATE, -1000, 1000, 4000, 0)
    assert bench.run([0] * 5) == "----P"
    assert bench.run([5] * 6) == "FFFFPP"
    assert bench.run([0] * 6) == "FFFFPP"


def test_rate_tells_units_a_second():
    """The evidence is in thousandths of a step a second: 2 degrees in 4 s are 0.5 a second."""
    bench = Bench(KIND_RATE, None, 40000, 4000, 0, exp=-2)
    assert bench.run((0, 50, 100, 150, 200)) == "----F"
    assert bench.evidence() == (50000, 40000, -5)
    tiny = Bench(KIND_RATE, None, 40000, 4000, 0, exp=-8)
    tiny.run((0, 50, 100, 150, 200))
    assert tiny.evidence() == (50, 40, -8), "the wire has no exponent below -9"


def test_rate_goes_on_across_missing_samples():
    """A missing sample has no verdict; the next one is compared across the gap."""
    bench = Bench(KIND_RATE, None, 1000, 2000, 0)
    assert bench.run((0, 0, 0, None, 4, 4, 4)) == "--P-FFP"


def test_rate_with_samples_slower_than_the_window():
    """Then the sample before is the start of the window."""
    assert Bench(KIND_RATE, None, 1000, 10, 0).run((0, 1, 3, 3)) == "-PFP"


def test_rate_thins_a_long_window():
    """A window of thousands of samples keeps sixteen and still covers the whole window."""
    bench = Bench(KIND_RATE, None, 10, 1000000, 0)
    verdicts = bench.run(range(3000))
    assert verdicts[:1000] == "-" * 1000
    assert verdicts[1000:] == "F" * 2000
    value, _, _ = bench.evidence()
    assert value == 1000


def test_rate_forgets_after_days_without_a_sample():
    """A window that has run for longer than six days is begun anew, in small integers."""
    bench = Bench(KIND_RATE, None, 1000, 2000, 0)
    assert bench.run((0, 0, 0)) == "--P"
    assert bench.feed(10**6, span_ms=2**29) == "-"
    assert bench.run((10**6, 10**6)) == "-P"


def test_rate_forgets_when_its_gate_shuts():
    """After a reset the window fills anew."""
    bench = Bench(KIND_RATE, None, 1000, 2000, 0)
    assert bench.run((0, 0, 0)) == "--P"
    bench.rule.reset()
    assert bench.run((100, 100, 100)) == "--P"


def test_stuck_waits_for_its_window():
    """No move for the window fails; whether it moves is unknown until it did or did not."""
    assert Bench(KIND_STUCK, 0, 3000).run((7, 7, 7, 7, 7, 8, 8, 8, 8)) == "---FFPPPF"


def test_stuck_ignores_moves_within_its_band():
    """Noise within the band is no move, a slow drift out of it is one."""
    assert Bench(KIND_STUCK, 2, 3000).run((7, 8, 7, 6, 7)) == "---FF"
    assert Bench(KIND_STUCK, 2, 3000).run(range(12)) == "---PPPPPPPPP"


def test_stuck_counts_no_time_across_missing_samples():
    """A dead wire is missing, not stuck."""
    assert Bench(KIND_STUCK, 0, 3000).run((7, 7, None, None, None, 7, 7, 7)) == "-------F"


def test_stuck_forgets_when_its_gate_shuts():
    """After a reset the window begins anew."""
    bench = Bench(KIND_STUCK, 0, 2000)
    assert bench.run((7, 7, 7)) == "--F"
    bench.rule.reset()
    assert bench.run((7, 7, 7)) == "--F"
    assert bench.evidence() == (7, None, 0)


def test_missing_waits_for_its_age():
    """Good samples pass, missing ones have no verdict until the newest good one is too old."""
    bench = Bench(KIND_MISSING, 3000)
    assert bench.run((1, None, None, None, None, 1, None)) == "P--FFP-"
    assert bench.evidence() == (None, None, 0)
    assert Bench(KIND_MISSING, 0).run((None, 1, None)) == "FPF"


def test_a_predicate_sees_units_and_steps():
    """The function gets samples in units and as steps, None where they are missing."""
    seen = []

    def predicate(samples):
        seen.append((samples["speed"], samples.steps("speed")))
        return samples["speed"] > 12

    bench = Bench(KIND_PYTHON, exp=-1, predicate=predicate)
    assert bench.run((121, 120)) == "FP"
    assert seen == [(12.1, 121), (12.0, 120)]
    coarse = Bench(KIND_PYTHON, exp=2, predicate=lambda samples: samples["speed"] == 300)
    assert coarse.run((3,)) == "F"
    assert coarse.evidence() == (3, None, 2)


def test_a_predicate_without_an_answer_has_no_verdict():
    """None is no verdict; an error is none either, and is counted by name."""
    bench = Bench(KIND_PYTHON, predicate=lambda samples: samples["speed"] > 12)
    assert bench.run((None, 13, None)) == "-F-"
    assert (bench.rule.errors, bench.rule.last_error) == (2, "TypeError")
    assert bench.evidence() == (None, None, 0)
    assert Bench(KIND_PYTHON, predicate=lambda samples: None).run((1,)) == "-"
    assert Bench(KIND_PYTHON, predicate=lambda samples: samples["typo"]).run((1,)) == "-"


def test_running_out_of_memory_is_no_verdict_of_a_predicate():
    """A MemoryError passes through: the crash report needs it."""

    def predicate(samples):
        raise MemoryError

    try:
        Bench(KIND_PYTHON, predicate=predicate).feed(1)
    except MemoryError:
        return
    raise AssertionError("MemoryError was swallowed")


def test_rules_that_remember_nothing_are_shared():
    """Ten range rules cost one object; those with a memory have one each."""
    specs = [spec_of(KIND_RANGE, 0, 1, 0), spec_of(KIND_RANGE, 0, 9, 0), spec_of(KIND_STUCK, 0, 9)]
    specs.append(spec_of(KIND_STUCK, 0, 9))
    rules = make_rules(specs, [channel_of()], {})
    assert rules[0] is rules[1]
    assert rules[2] is not rules[3]


def test_a_fresh_channel_is_missing():
    """Before its first sample a channel has no value for any rule."""
    assert channel_of().value == MISSING
