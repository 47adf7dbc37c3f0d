"""A product is loaded from its compiled file or declared in Python, and checked either way."""

import sys

from phonehome.core.errors import ProductError
from phonehome.core.product import Product, load
from phonehome.core.rules import KIND_MISSING, KIND_PYTHON, KIND_RANGE, KIND_RATE, KIND_STUCK
from phonehome_wire.encoder import Encoder

SENSORS = [[4, "water_temp", "Cel", -1, 1000], [0, "drum_speed", "1/min", 0, 100]]
NO_GATE = [0, 0, 1, 1, [], 0]
RANGE = [
    520192,
    0,
    2,
    "E21",
    1,
    KIND_RANGE,
    0,
    [None, 900, 50],
    3000,
    5000,
    2,
    3,
    [[1, 1, None]],
    9,
]


def fault(spn, code, kind, sensor, params):
    """A fault of the compiled form without gates and delays."""
    return [spn, 5, 3, code, 0, kind, sensor, params] + NO_GATE  # noqa: RUF005  # no star there


def parts_of_washer():
    """The compiled form of a small product, as Python values."""
    faults = [
        list(RANGE),
        fault(520193, "E22", KIND_RATE, 0, [-100, None, 60000, 0]),
        fault(520194, "E23", KIND_STUCK, 1, [0, 2000]),
        fault(520195, "E24", KIND_MISSING, 1, [5000]),
        fault(520196, "E25", KIND_PYTHON, None, []),
    ]
    return {0: 1, 1: "washer", 2: 7, 3: [500, 16], 4: [list(row) for row in SENSORS], 5: faults}


def compile_parts(parts):
    """The bytes of a compiled form."""
    encoder = Encoder(bytearray(4096), 0)
    encoder.put_value(parts)
    return bytes(encoder.buf[: encoder.pos])


def error_of(act, *args, **words):
    """The text of the ProductError that an act raises."""
    try:
        act(*args, **words)
    except ProductError as error:
        return str(error)
    raise AssertionError("no error")


def test_a_compiled_product_is_loaded_whole():
    """Every field of the file arrives, and the manifest is the start of its hash."""
    product = load(compile_parts(parts_of_washer()))
    assert (product.name, product.version) == ("washer", 7)
    assert (product.freeze_period_ms, product.freeze_samples) == (500, 16)
    assert len(product.manifest) == 4
    assert product.catalog() == [(0, "drum_speed", "1/min"), (4, "water_temp", "Cel")]
    assert product.channel("drum_speed").period_ms == 100
    spec = product.faults[0]
    assert (spec.spn, spec.fmi, spec.severity, spec.code, spec.urgent) == (
        520192,
        0,
        2,
        "E21",
        True,
    )
    assert (spec.kind, spec.sensor, spec.params) == (KIND_RANGE, 0, (None, 900, 50))
    assert (spec.on_delay_ms, spec.off_delay_ms, spec.n, spec.m) == (3000, 5000, 2, 3)
    assert (spec.gates, spec.settle_ms) == (((1, 1, None),), 9)
    assert [other.code for other in product.faults] == ["E21", "E22", "E23", "E24", "E25"]


def test_a_declared_product_is_the_same():
    """The words of a product file in Python give the same faults as its compiled form."""
    product = Product("washer", 7, freeze_period_ms=500)
    product.sensor("water_temp", "Cel", -1, 1000, channel=4)
    product.sensor("drum_speed", "1/min", 0, 100, channel=0)
    product.fault(
        "E21",
        520192,
        0,
        "critical",
        "range",
        "water_temp",
        high=90,
        deadband=5.0,
        on_delay_ms=3000,
        off_delay_ms=5000,
        n=2,
        m=3,
        when=[{"sensor": "drum_speed", "min": 1}],
        settle_ms=9,
        urgent=True,
    )
    product.fault("E22", 520193, 5, 3, "rate", "water_temp", low=-0.01, window_ms=60000)
    product.fault("E23", 520194, 5, "error", "stuck", "drum_speed", window_ms=2000)
    product.fault("E24", 520195, 5, "error", "missing", "drum_speed", window_ms=5000)
    product.fault("E25", 520196, 5, "error", "python", predicate=lambda samples: True)
    loaded = load(compile_parts(parts_of_washer()))
    for spec, other in zip(product.faults, loaded.faults):  # noqa: B905  # no strict there
        assert tuple(spec) == tuple(other)
    assert product.manifest is None
    assert list(product.predicates) == ["E25"]


def test_channels_number_themselves():
    """Without a number a sensor gets the one after the highest so far."""
    product = Product("p")
    product.sensor("a", "V", -3, 1000)
    product.sensor("b", "V", -3, 1000, channel=7)
    assert product.sensor("c", "V", -3, 1000).id == 8
    assert product.channels[0].id == 0


def test_loading_leaves_nothing_loaded():
    """What checks and loads is dropped from memory, and comes back when it is needed."""
    product = load(compile_parts(parts_of_washer()))
    for name in ("checks", "loading", "declaring"):
        assert "phonehome.core." + name not in sys.modules
    product.sensor("late", "V", -3, 1000)
    assert product.channel("late").id == 5


def test_damaged_files_are_refused():
    """Cut, flipped, of another format or not CBOR at all: always a ProductError."""
    good = compile_parts(parts_of_washer())
    assert "build it again" in error_of(load, b"")
    assert "build it again" in error_of(load, good[:-1])
    assert "build it again" in error_of(load, bytes(20000))
    assert "format 1" in error_of(load, b"\x01")
    assert "format 1" in error_of(load, compile_parts({0: 2}))
    for key in range(1, 6):
        parts = parts_of_washer()
        del parts[key]
        error_of(load, compile_parts(parts))


def test_wrong_fields_of_a_file_are_named():
    """The error says which fault, which field, what is wrong with it."""
    cases = (
        (0, 524288, "id = 524288; write an integer 0..524287"),
        (1, 32, "fmi = 32"),
        (2, 8, "severity = 8"),
        (2, "critical", "severity = 'critical'"),
        (3, "", "code = ''"),
        (5, 10, "kind = 10; write 1..9"),
        (6, 2, "sensor = 2; write an integer 0..1"),
        (6, None, "sensor = None"),
        (7, [1, 2], "params = (1, 2); write 3 of them"),
        (7, [None, None, 0], "no limit"),
        (7, [10, 20, 6], "leaves no good value"),
        (7, [20, 10, 0], "leaves no good value"),
        (7, [0, 2**31, 0], "2147483648"),
        (7, [0, 10, -1], "deadband = -1"),
        (8, -1, "on_delay_ms = -1"),
        (9, 86400001, "off_delay_ms = 86400001"),
        (10, 4, "n = 4; write an integer 1..3"),
        (11, 31, "m = 31; write an integer 1..30"),
        (12, [[2, 1, None]], "when.sensor = 2"),
        (12, [[1, None, None]], "when has no limit"),
        (12, [[1, 1]], "when = [1, 1]"),
        (12, 5, "when = 5"),
        (13, None, "settle_ms = None"),
    )
    for place, value, text in cases:
        parts = parts_of_washer()
        parts[5][0][place] = value
        error = error_of(load, compile_parts(parts))
        assert text in error, error
        assert "fault" in error


def test_wrong_sensors_are_named():
    """The error says which sensor, which field, what to write instead."""
    cases = (
        (0, 256, "channel = 256; write an integer 0..255"),
        (0, True, "channel = True"),
        (1, "x" * 25, "1..24 characters"),
        (1, 5, "name = 5"),
        (2, "x" * 13, "0..12 characters"),
        (3, 10, "exp = 10"),
        (4, 0, "period_ms = 0"),
        (0, 4, "the number or the name is that of sensor 'water_temp'"),
        (1, "water_temp", "the number or the name is that of sensor 'water_temp'"),
    )
    for place, value, text in cases:
        parts = parts_of_washer()
        parts[4][1][place] = value
        assert text in error_of(load, compile_parts(parts)), text


def test_limits_of_a_product():
    """At most sixteen sensors, because a freeze frame has no more, and sixty-four faults."""
    product = Product("p")
    for number in range(16):
        product.sensor(f"s{number}", "", 0, 1000)
    assert "16 sensors" in error_of(product.sensor, "late", "", 0, 1000)
    for number in range(64):
        product.fault(f"E{number}", 520192 + number, 0, 3, "missing", "s0", window_ms=1)
    assert "64 faults" in error_of(
        product.fault, "E64", 520500, 0, 3, "missing", "s0", window_ms=1
    )
    twice = Product("p")
    twice.sensor("s", "", 0, 1000)
    twice.fault("E1", 520192, 0, 3, "missing", "s", window_ms=1)
    assert "that of fault E1" in error_of(
        twice.fault, "E1", 520193, 0, 3, "missing", "s", window_ms=1
    )
    assert "that of fault E1" in error_of(
        twice.fault, "E2", 520192, 0, 3, "missing", "s", window_ms=1
    )
    assert "samples = 129" in error_of(Product, "p", freeze_samples=129)
    assert "name = ''" in error_of(Product, "")


def test_wrong_words_in_python_are_named():
    """A typing mistake in a declaration is told with the words that would be right."""
    product = Product("p")
    product.sensor("temp", "Cel", -1, 1000)

    def declare(kind="range", sensor="temp", severity="critical", **words):
        product.fault("E1", 520192, 0, severity, kind, sensor, **words)

    assert "range rate" not in error_of(declare, hihg=90)
    assert "hihg is no word of kind range; use low high deadband" in error_of(declare, hihg=90)
    assert "kind = 'rnage'" in error_of(declare, kind="rnage", high=90)
    assert "sensor 'tmep': the product has temp" in error_of(declare, sensor="tmep", high=90)
    assert "sensor = None" in error_of(declare, sensor=None, high=90)
    assert "write one of emergency alert" in error_of(declare, severity="bad", high=90)
    assert "high = 'hot'" in error_of(declare, high="hot")
    assert "high = 1" in error_of(declare, high=10**10)
    assert "when = 'heater'" in error_of(declare, high=90, when=["heater"])
    assert "window_ms = None" in error_of(declare, kind="stuck")
    assert "give a function" in error_of(declare, kind="python", predicate=5)


def test_a_rule_gets_its_function_by_code():
    """Only a Python rule takes a function, and only a function."""
    product = load(compile_parts(parts_of_washer()))
    product.rule("E25", lambda samples: False)
    assert "no fault of kind python" in error_of(product.rule, "E21", lambda samples: False)
    assert "give a function" in error_of(product.rule, "E25", None)
