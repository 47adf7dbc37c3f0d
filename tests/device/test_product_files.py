# cpython-only
"""The device halves of the products in this project load on the device as they were written."""

from pathlib import Path

import pytest

from phonehome.core.product import load
from phonehome.core.sampler import Sampler
from phonehome_product import load as load_file
from phonehome_product.device_half import compile_device, manifest_of

PRODUCTS = sorted((Path(__file__).parents[2] / "shared" / "products").glob("*.toml"))


def test_there_are_products():
    """The project has product files to try."""
    assert {path.stem for path in PRODUCTS} >= {"washer", "fridge"}


@pytest.mark.parametrize("path", PRODUCTS, ids=lambda path: path.stem)
def test_a_product_file_reaches_the_device(path):
    """Name, version, manifest, sensors and faults of the file are those on the device."""
    written = load_file(path)
    data = compile_device(written)
    product = load(data)
    assert (product.name, product.version) == (written.name, written.version)
    assert product.manifest == manifest_of(data)
    assert [channel.name for channel in product.channels] == [s.name for s in written.sensors]
    for spec, fault in zip(product.faults, written.faults, strict=True):
        assert (spec.code, spec.spn, spec.fmi) == (fault.code, fault.id, fault.fmi)
        assert (spec.severity, spec.urgent) == (fault.severity_code, fault.urgent)
        assert (spec.n, spec.m, spec.settle_ms) == (
            fault.rule.n,
            fault.rule.m,
            fault.rule.settle_ms,
        )
        sensor = None if spec.sensor is None else product.channels[spec.sensor].name
        assert sensor == fault.rule.sensor


@pytest.mark.parametrize("path", PRODUCTS, ids=lambda path: path.stem)
def test_a_product_without_sensors_attached_is_quiet_but_for_missing(path):
    """With every reader dead for an hour only rules of missing samples speak."""
    product = load(compile_device(load_file(path)))
    for spec in product.faults:
        if spec.kind == 5:
            product.rule(spec.code, lambda samples: None)
    told = set()
    sampler = Sampler(
        product,
        {channel.name: lambda: None for channel in product.channels},
        lambda fault, kind, now_ms, frame: told.add(fault.spec.kind),
    )
    now_ms = 0
    while now_ms < 3_600_000:
        now_ms = sampler.step(now_ms)
    assert told <= {4}
