# cpython-only: a module that is not installed is one whose place in sys.modules is None
"""A part of the agent that is not installed is named by the error, with the fix."""

import sys

import pytest

from phonehome import Product
from phonehome.assembly import make_link
from phonehome.core.config import Config
from phonehome.core.errors import ConfigError, ProductError
from phonehome.core.product import FaultSpec

NOISE = 6


@pytest.fixture
def product(monkeypatch):
    """A product with one sensor on a board without the rare rules."""
    monkeypatch.setitem(sys.modules, "phonehome.core.rarekinds", None)
    made = Product("tank")
    made.sensor("level", "mm", exp=0, period_ms=500)
    return made


def test_a_declared_rule_names_its_package(product):
    """A rule in Python whose kind is not installed is told with what to install."""
    with pytest.raises(ProductError, match=r"kind = 'noise'; write one of .* phonehome-rules"):
        product.fault("E01", 1, 2, "error", "noise", "level", window_ms=1000, high=5)


def test_a_compiled_rule_names_its_package(product):
    """So is a rule of a product file."""
    spec = FaultSpec(1, 2, 3, "E01", False, NOISE, 0, (1, 1), 0, 0, 1, 1, (), 0)
    with pytest.raises(ProductError, match="kind = 6 is in the package phonehome-rules"):
        product.add(spec)


def test_mqtt_names_its_package(monkeypatch):
    """A server over MQTT without its part is a mistake in the settings."""
    monkeypatch.setitem(sys.modules, "phonehome.ports.mqtt", None)
    config = Config({"server": "mqtt://127.0.0.1:1", "insecure": True})
    with pytest.raises(ConfigError, match=r"'server' is 'mqtt://.* package phonehome-mqtt"):
        make_link(None, config, (None, None), bytes(8), None, None, None)
