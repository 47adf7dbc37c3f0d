"""The device half is deterministic, exact, and what the device's own loader reads."""

from pathlib import Path

import pytest

from phonehome.core.product import load as load_device_half
from phonehome_product import compile_device, load, manifest_of, parse
from phonehome_wire.decoder import decode
from tests.product.samples import GOOD

PRODUCTS = sorted((Path(__file__).parents[2] / "shared" / "products").glob("*.toml"))
WALL = """
[[sensor]]
name = "wall_temp"
title = "Temperature of the wall"
unit = "Cel"
channel = 2
exp = -2
period_ms = 500

"""


def test_device_half_has_the_documented_layout():
    """Every part stands where the layout says, limits scaled to steps of the sensor."""
    half = compile_device(parse(GOOD, "kettle.toml"))
    assert decode(half, max_bytes=16384) == {
        0: 1,
        1: "kettle",
        2: 3,
        3: [500, 16],
        4: [[0, "water_temp", "Cel", -1, 500], [1, "heater", "", 0, 250]],
        5: [
            [520192, 0, 2, "K1", 0, 1, 0, [-50, 1045, 20], 1000, 0, 1, 1, [[1, 1, None]], 0],
            [520192, 10, 4, "K2", 1, 2, 0, [5000, None, 4000, 0], 0, 0, 2, 3, [], 0],
        ],
    }


@pytest.mark.parametrize(
    ("rule", "kind", "sensor", "parameters"),
    [
        (
            'kind = "stuck"\nsensor = "water_temp"\ndeadband = 0.2\nwindow_ms = 4000',
            3,
            0,
            [2, 4000],
        ),
        ('kind = "missing"\nsensor = "heater"\nwindow_ms = 4000', 4, 1, [4000]),
        ('kind = "python"', 5, None, []),
        (
            'kind = "noise"\nsensor = "water_temp"\nhigh = 0.25\ndeadband = 0.1\nwindow_ms = 4000',
            6,
            0,
            [None, 2500, 4000, 1000],
        ),
        (
            'kind = "disagree"\nsensor = "water_temp"\nother = "wall_temp"\nlow = -2\nhigh = 2',
            7,
            0,
            [-20, 20, 0, 2],
        ),
        (
            'kind = "count"\nsensor = "water_temp"\nlevel = 50.5\nhigh = 3\nwindow_ms = 4000',
            8,
            0,
            [None, 3, 4000, 0, 505, 505],
        ),
        (
            'kind = "count"\nsensor = "heater"\nlevel = 1\nrearm = 0\nlow = 2\nwindow_ms = 4000',
            8,
            1,
            [2, None, 4000, 0, 1, 0],
        ),
        (
            'kind = "drift"\nsensor = "water_temp"\nhigh = 90\ndeadband = 0.5\nexcess = 7.2',
            9,
            0,
            [None, 900, 72_000, 5],
        ),
    ],
)
def test_other_kinds_have_their_own_parameters(rule, kind, sensor, parameters):
    """Each kind has the parameters that the layout names, and the device takes them so."""
    start, end = GOOD.rindex("kind = "), GOOD.rindex("[[fault.cause]]")
    text = GOOD[:start] + rule + "\n" + GOOD[end:]
    half = compile_device(parse(text.replace("[[fault]]", WALL + "[[fault]]", 1), "kettle.toml"))
    assert decode(half, max_bytes=16384)[5][1][5:8] == [kind, sensor, parameters]
    spec = load_device_half(half).faults[1]
    assert (spec.kind, spec.sensor, spec.params) == (kind, sensor, tuple(parameters))


def test_words_for_people_do_not_change_the_device_half():
    """A title or a cause may be reworded without a new configuration on any device."""
    reworded = GOOD.replace("Boils dry", "Runs dry").replace("prior = 0.25", "prior = 0.251")
    assert compile_device(parse(reworded, "")) == compile_device(parse(GOOD, ""))


def test_every_change_of_a_limit_changes_the_manifest():
    """The manifest id tells device halves apart."""
    first = manifest_of(compile_device(parse(GOOD, "")))
    second = manifest_of(compile_device(parse(GOOD.replace("104.5", "104.6"), "")))
    assert first != second
    assert len(first) == len(second) == 4


@pytest.mark.parametrize("path", PRODUCTS, ids=lambda path: path.stem)
def test_device_loads_every_product_of_the_project(path):
    """The device's loader finds the same sensors and faults as the file has, and its manifest."""
    product = load(path)
    half = compile_device(product)
    loaded = load_device_half(half)
    assert (loaded.name, loaded.version) == (product.name, product.version)
    assert loaded.manifest == manifest_of(half)
    assert [c.name for c in loaded.channels] == [s.name for s in product.sensors]
    assert [f.code for f in loaded.faults] == [f.code for f in product.faults]


def test_washer_is_a_washing_machine():
    """At least 8 sensors and 10 faults, each with causes that a service engineer can look for."""
    product = load(next(path for path in PRODUCTS if path.stem == "washer"))
    assert len(product.sensors) >= 8
    assert len(product.faults) >= 10
    assert all(len(fault.causes) >= 2 for fault in product.faults)
