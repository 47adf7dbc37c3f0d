"""Parameters of rules for one device: the checks of the file, the numbers of the board."""

import pytest

from phonehome.core import declaring, rarekinds
from phonehome.core.rules import rare
from phonehome_product import TuneError, compile_device, load, tune
from phonehome_product.tuning import TIMING, words_of
from phonehome_product.vocabulary import KINDS
from phonehome_wire.decoder import decode
from phonehome_wire.pushed import KIND_PARAMS, RULE_WORDS, rule_key, sensor_key


@pytest.fixture(scope="module")
def washer(project):
    """The washer's product file."""
    return load(project / "shared/products/washer.toml")


@pytest.fixture(scope="module")
def products(project):
    """Every product file of the project."""
    return [load(path) for path in (project / "shared/products").glob("*.toml")]


def fixes(product, changes):
    """What is wrong with changes, by name."""
    with pytest.raises(TuneError) as found:
        tune(product, changes)
    return {name: fix for name, _, fix in found.value.problems}


def test_values_are_scaled_like_the_file(washer):
    """A limit in the sensor's unit becomes the integer that the board compares."""
    tuned = {t.name: t for t in tune(washer, {"E21.high": -1.5, "E22.low": 0.1})}
    assert (tuned["E21.high"].key, tuned["E21.high"].value) == (rule_key(520194, 7, "high"), -1500)
    assert tuned["E22.low"].key == rule_key(520194, 5, "low")


def test_what_the_file_says_is_what_is_sent(products):
    """Every parameter of every product, set to what it is, gives the number of its device half."""
    seen = 0
    for product in products:
        rows = {row[3]: row for row in decode(compile_device(product), max_bytes=16384)[5]}
        for fault in product.faults:
            for word in words_of(fault):
                value = getattr(fault.rule, word)
                if value is None:
                    continue
                (tuned,) = tune(product, {f"{fault.code}.{word}": value})
                own = KIND_PARAMS[KINDS[fault.rule.kind]]
                row = rows[fault.code]
                assert tuned.value == (
                    row[TIMING[word]] if word in TIMING else row[7][own.index(word)]
                )
                seen += 1
    assert seen > 100


def test_what_cannot_be_is_named(washer):
    """Unknown faults and words, values out of bounds, limits that leave no room: all at once."""
    found = fixes(
        washer,
        {"E99.low": 1, "E21.colour": 1, "E22.low": 0.0001, "E21.n": 0, "E80.m": 99, "x.y": 1},
    )
    assert set(found) == {"E99.low", "E21.colour", "E22.low", "E21.n", "E80.m", "x.y"}
    assert "E21" in found["E99.low"]
    assert "E21.high" in found["E21.colour"]


def test_words_that_must_fit_together(washer):
    """Two words of one rule are judged together."""
    assert "n" in str(fixes(washer, {"E80.n": 3, "E80.m": 2}))
    assert {t.name: t.value for t in tune(washer, {"E80.n": 2, "E80.m": 3})} == {
        "E80.n": 2,
        "E80.m": 3,
    }


def test_the_tables_agree():
    """Kinds and words on the wire are those of the product file and of the board."""
    assert set(KIND_PARAMS) == set(KINDS.values())
    assert {word for words in KIND_PARAMS.values() for word in words} | set(TIMING) == set(
        RULE_WORDS
    )
    declared = {kind: row[1] for kind, row in (declaring._KINDS | rarekinds.KINDS).items()}
    for kind, words in declared.items():
        own = set(words) - {"predicate", "other"}
        assert set(KIND_PARAMS[KINDS[kind]]) == own, kind
    assert KINDS["drift"] == rare.KIND_DRIFT


def test_a_sensor_is_read_more_often(washer):
    """A period goes as it is, under the key of its channel."""
    sensor = washer.sensors[0]
    (tuned,) = tune(washer, {f"{sensor.name}.period_ms": 250})
    assert (tuned.key, tuned.value) == (sensor_key(sensor.channel), 250)


def test_rules_get_on_with_a_period(washer):
    """A window shorter than its periods refuses the period, unless the window changes with it."""
    fault = next(f for f in washer.faults if f.rule.kind in {"rate", "stuck"})
    period, window = f"{fault.rule.sensor}.period_ms", f"{fault.code}.window_ms"
    long_ms = fault.rule.window_ms * 2
    assert "would be shorter than" in fixes(washer, {period: long_ms})[period]
    others = [f for f in washer.faults if f.rule.sensor == fault.rule.sensor and f.rule.window_ms]
    windows = {f"{f.code}.window_ms": long_ms * 4 for f in others}
    assert window in windows
    tuned = tune(washer, {period: long_ms, **windows})
    assert {t.name for t in tuned} == {period, *windows}


def test_wrong_periods_are_named(washer):
    """Of no sensor, out of bounds, and no whole number."""
    name = f"{washer.sensors[0].name}.period_ms"
    found = fixes(washer, {"colour.period_ms": 500, name: 1.5})
    assert set(found) == {"colour.period_ms", name}
    for value in (0, 10**9):
        assert set(fixes(washer, {name: value})) == {name}
