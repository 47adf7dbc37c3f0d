"""The kinds that few products use: noise, disagree, count and drift, sample by sample."""

import sys

from phonehome.core.debounce import FAIL, NONE, PASS
from phonehome.core.errors import ProductError
from phonehome.core.product import Product
from phonehome.core.rules import make_rules

LETTERS = {PASS: "P", FAIL: "F", NONE: "-"}


class Bench:
    """One rule of a declared fault on the first of two channels, fed sample by sample."""

    def __init__(self, kind, exp=0, other_exp=0, **words):
        product = Product("bench")
        self.channel = product.sensor("first", "Cel", exp, 1000)
        self.other = product.sensor("second", "Cel", other_exp, 1000)
        self.channel.is_scaled = self.other.is_scaled = True
        self.spec = product.fault("E1", 520192, 0, "error", kind, "first", **words)
        self.rule = make_rules([self.spec], product.channels, {})[0]

    def feed(self, value, span_ms=1000, is_confirmed=False):
        self.channel.tick(span_ms)
        self.channel.read(lambda: value)
        return LETTERS[self.rule.judge(self.spec, self.channel, is_confirmed)]

    def run(self, values, **words):
        return "".join([self.feed(value, **words) for value in values])

    def pair(self, value, other, **words):
        self.other.read(lambda: other)
        return self.feed(value, **words)

    def evidence(self):
        return self.rule.evidence(self.spec, self.channel)


def error_of(kind, **words):
    """The text of the ProductError of a declaration."""
    try:
        Bench(kind, **words)
    except ProductError as error:
        return str(error)
    raise AssertionError("no error")


def test_noise_is_the_mean_jump():
    """Up and down by 4 is noise of 4, whatever the mean; a trend of 1 a sample is noise of 1."""
    bench = Bench("noise", high=3, window_ms=15000)
    verdicts = bench.run([10, 14] * 10)
    assert verdicts == "-" * 15 + "F" * 5
    assert bench.evidence() == (4000, 3000, -3)
    assert (
        Bench("noise", high=3, window_ms=15000).run(range(0, 2000, 1)[:20]) == "-" * 15 + "PPPPP"
    )


def test_noise_can_be_too_little():
    """A lower limit finds a sensor that is too quiet to be alive."""
    bench = Bench("noise", low=0.5, window_ms=15000)
    assert bench.run([20] * 17) == "-" * 15 + "FF"
    assert bench.evidence() == (0, 500, -3)


def test_noise_heals_beyond_its_deadband():
    """A confirmed fault passes when the mean jump is back by the deadband."""
    for deadband, verdict in ((0, "P"), (1, "P"), (1.5, "F")):
        bench = Bench("noise", high=3, deadband=deadband, window_ms=15000)
        assert bench.run([10, 12] * 10, is_confirmed=True)[-1] == verdict


def test_noise_counts_no_jump_across_missing_samples():
    """The sample behind a gap is no jump from the one before it, and the gap fills no window."""
    bench = Bench("noise", high=3, window_ms=15000)
    assert bench.run([0] * 10 + [None, 100] + [100] * 7) == "-" * 17 + "PP"


def test_noise_follows_its_window():
    """Noise that stops is forgotten after the window and a fifteenth at most."""
    bench = Bench("noise", high=3, window_ms=15000)
    bench.run([10, 20] * 20)
    assert "F" not in bench.run([10] * 40)[16:]
    bench.rule.reset()
    assert bench.run([10, 20] * 10) == "-" * 15 + "F" * 5


def test_noise_has_the_wire_s_exponent():
    """Whole steps where thousandths of them have no exponent on the wire."""
    bench = Bench("noise", exp=-8, high=3e-8, window_ms=15000)
    bench.run([10, 14] * 10)
    assert bench.evidence() == (4, 3, -8)


def test_disagree_compares_two_sensors():
    """The difference is first minus second, with limits, deadband and evidence of a range."""
    bench = Bench("disagree", other="second", low=-3, high=3, deadband=1)
    pairs = ((10, 10), (13, 10), (14, 10), (6, 10), (None, 10), (10, None))
    assert "".join([bench.pair(*pair) for pair in pairs]) == "PPFF--"
    assert bench.pair(13, 10, is_confirmed=True) == "F"
    assert bench.pair(12, 10, is_confirmed=True) == "P"
    assert bench.evidence() == (2, 3, 0)
    bench.rule.reset()
    assert bench.pair(5, 10) == "F"
    assert bench.evidence() == (-5, -3, 0)


def test_disagree_knows_different_exponents():
    """A fine and a coarse thermometer are compared in the finer of their steps."""
    for exp, other_exp, value, other in ((0, -2, 23, 1999), (-2, 0, 2301, 20)):
        bench = Bench("disagree", exp=exp, other_exp=other_exp, other="second", high=3)
        assert bench.pair(value, other) == "F"
        assert bench.evidence() == (301, 300, -2)
        assert bench.pair(*((23, 2000) if exp == 0 else (2300, 20))) == "P"


def test_count_counts_rises():
    """What counts is a rise above the level behind a sample at or below where it rearms."""
    bench = Bench("count", level=50, rearm=20, high=2, window_ms=15000)
    assert bench.run([60, 60, 10, 51, 49, 60, 20, 51, 51, 0, 50]) == "-" * 11
    assert bench.evidence() == (2, 2, 0)
    assert bench.run([51]) == "F"
    assert bench.evidence() == (3, 2, 0)


def test_count_needs_a_window_to_pass():
    """Too many fail at once, but few enough are known after a whole window."""
    bench = Bench("count", level=0, high=2, window_ms=15000)
    assert bench.run([0, 1] * 10) == "-----FFFFFFFFFFFFFFF"
    assert bench.run([0] * 16, is_confirmed=True)[-4:] == "PPPP"
    few = Bench("count", level=0, low=2, window_ms=15000)
    assert few.run([0, 1] + [0] * 16) == "-" * 14 + "FFFF"


def test_count_heals_beyond_its_deadband():
    """A confirmed fault passes when the count is back by the deadband."""
    bench = Bench("count", level=0, high=3, deadband=2, window_ms=15000)
    bench.run([0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0])
    assert bench.evidence()[0] == 2
    assert bench.feed(0, is_confirmed=True) == "F"
    assert bench.feed(0, is_confirmed=False) == "P"


def test_count_holds_its_window_while_samples_are_missing():
    """A gap is no time in which nothing happened."""
    bench = Bench("count", level=0, low=1, window_ms=15000)
    assert bench.run([0, 1] + [None] * 30 + [0] * 12) == "-" * 44
    assert bench.run([0]) == "P"
    bench.rule.reset()
    assert bench.run([0]) == "-"


def test_drift_adds_up_what_lies_beyond():
    """Two beyond the limit for five seconds are an excess of ten; single samples are none."""
    bench = Bench("drift", high=20, excess=10)
    assert bench.run([15, 25, 15, 25, 15, 25] * 4).count("F") == 0
    bench.run([0] * 10)
    assert bench.run([22] * 5) == "PPPPF"
    assert bench.evidence() == (22, 20, 0)
    assert bench.run([22] * 3) == "FFF"


def test_drift_finds_a_mean_under_noise():
    """A mean one beyond the limit fails although every second sample is good."""
    bench = Bench("drift", high=20, excess=10)
    verdicts = bench.run([18, 24] * 20)
    assert verdicts.index("F") == 7
    assert bench.evidence()[:2] == (21, 20)


def test_drift_heals_when_the_sum_is_taken_off():
    """A confirmed fault passes after as much inside the deadband as it took to fail."""
    bench = Bench("drift", high=20, deadband=2, excess=10)
    assert bench.run([22] * 6)[-1] == "F"
    assert bench.run([18, 19, 18, 19] * 5, is_confirmed=True) == "F" * 20, "inside the deadband"
    assert bench.run([16] * 6, is_confirmed=True)[-1] == "P"
    assert bench.evidence() == (16, 20, 0)


def test_drift_has_two_sides():
    """Each limit has a sum of its own, and the evidence names the limit that was left."""
    bench = Bench("drift", low=10, high=20, excess=10)
    assert bench.run([0, 8] + [8] * 5)[-1] == "F"
    value, limit, _ = bench.evidence()
    assert limit == 10
    assert value < 10
    assert bench.run([15] * 8, is_confirmed=True)[-1] == "P"


def test_drift_of_a_confirmed_fault_begins_full():
    """Behind a reboot a confirmed fault has to prove its recovery from the beginning."""
    bench = Bench("drift", high=20, excess=10)
    assert bench.run([15] * 4, is_confirmed=True) == "FPPP"
    assert bench.run([22] * 5) == "PPPPF"


def test_drift_is_stopped_by_a_gate_and_by_missing_samples():
    """What happens while the gate is shut neither adds nor takes off."""
    bench = Bench("drift", high=20, excess=10)
    assert bench.run([22, 22, 22, None, None]) == "PPP--"
    bench.rule.reset()
    assert bench.run([22, 22, 22]) == "PFF"


def test_what_is_not_used_is_not_loaded():
    """A product without rare kinds imports none of their files, one with them only its own."""
    for name in list(sys.modules):
        if name.startswith("phonehome.core.rules.") or name == "phonehome.core.rarekinds":
            del sys.modules[name]
    Bench("range", high=3)
    rare = ("noise", "disagree", "count", "drift", "buckets", "rare")
    assert [name for name in rare if "phonehome.core.rules." + name in sys.modules] == []
    assert "phonehome.core.rarekinds" not in sys.modules
    Bench("drift", high=3, excess=1)
    assert [name for name in rare if "phonehome.core.rules." + name in sys.modules] == ["drift"]


def test_wrong_words_are_named():
    """Each kind says which of its words is wrong and what to write."""
    assert "low high deadband other" in error_of("disagree", high=3, second="second")
    assert "window_ms = None" in error_of("noise", high=3)
    assert "no limit" in error_of("noise", window_ms=1000)
    assert "other = None" in error_of("disagree", high=3)
    assert "sensor 'third'" in error_of("disagree", high=3, other="third")
    assert "write another sensor" in error_of("disagree", high=3, other="first")
    assert "level = None" in error_of("count", high=3, window_ms=1000)
    assert "rearm = 60" in error_of("count", high=3, window_ms=1000, level=50, rearm=60)
    assert "low..high = -1" in error_of("count", low=-1, window_ms=1000, level=50)
    assert "excess = None" in error_of("drift", high=3)
    assert "excess = 0" in error_of("drift", high=3, excess=0)
    assert "noise" in error_of("noisy", high=3)
