# cpython-only: a module that is not installed is one whose place in sys.modules is None
"""A part of the agent that is not installed is named by the error, with the fix."""

import sys
from types import SimpleNamespace

import pytest

from phonehome import Product
from phonehome.assembly import load_identity, make_link, restore_pushed, settle_pushed
from phonehome.core.commands import execute
from phonehome.core.config import Config
from phonehome.core.errors import ConfigError, ProductError
from phonehome.core.linkkeys import judge_link
from phonehome.core.product import FaultSpec
from phonehome.ports.files import Folder
from phonehome.ports.state import State
from phonehome_wire import registry

NOISE = 6
SERVER = 7  # of phonehome_wire.pushed.TEXTS


@pytest.fixture
def product(monkeypatch):
    """A product with one sensor on a board without the rare rules."""
    monkeypatch.setitem(sys.modules, "phonehome.core.rarekinds", None)
    made = Product("tank")
    made.sensor("level", "mm", exp=0, period_ms=500)
    return made


def test_a_declared_rule_names_its_package(product):
    """A rule in Python whose kind is not installed is told with what to install."""
    with pytest.raises(ProductError, match=r"kind = 'noise'; write one of .*DIR phonehome-rules'"):
        product.fault("E01", 1, 2, "error", "noise", "level", window_ms=1000, high=5)


def test_a_compiled_rule_names_its_package(product):
    """So is a rule of a product file."""
    spec = FaultSpec(1, 2, 3, "E01", False, NOISE, 0, (1, 1), 0, 0, 1, 1, (), 0)
    with pytest.raises(ProductError, match="kind = 6: the part rules is not on this"):
        product.add(spec)


def test_a_declared_fault_names_its_package(product, monkeypatch):
    """A program that declares faults needs the part that reads its words."""
    monkeypatch.setitem(sys.modules, "phonehome.core.declaring", None)
    with pytest.raises(ProductError, match=r"'E01': the part declare .*DIR phonehome-declare'"):
        product.fault("E01", 1, 2, "error", "range", "level", high=5)


@pytest.mark.parametrize(
    ("server", "module", "part"),
    [
        ("mqtt://127.0.0.1:1", "phonehome.ports.mqtt", "mqtt"),
        ("http://127.0.0.1:1", "phonehome.ports.http", "http"),
        ("https://127.0.0.1:1", "phonehome.ports.tls", "tls"),
        ("mqtts://127.0.0.1:1", "phonehome.core.dates", "tls"),
    ],
)
def test_a_server_names_its_package(monkeypatch, server, module, part):
    """A server over what is not installed is a mistake in the settings, told at the start."""
    monkeypatch.setitem(sys.modules, module, None)
    config = Config({"server": server, "insecure": True})
    said = f"'server' is '{server}': the part {part} .*DIR phonehome-{part}'"
    with pytest.raises(ConfigError, match=said):
        make_link(None, config, (None, None), bytes(8), None, None, None)


def test_a_claim_names_its_package(monkeypatch, tmp_path):
    """A board without a key is told at its start what would ask for one."""
    monkeypatch.setitem(sys.modules, "phonehome.core.enrolling", None)
    claim = tmp_path / "claim"
    claim.write_bytes(bytes(range(40)))
    settings = {"server": "http://127.0.0.1:1", "insecure": True, "device": "28cdc1fffe0a1b2c"}
    config = Config({**settings, "claim": str(claim), "key": str(tmp_path / "key")})
    with pytest.raises(ConfigError, match=r"'claim' is .*: the part enrollment .*-enrollment'"):
        load_identity(config, None, None)


def test_a_command_without_its_part_is_unknown(monkeypatch):
    """A configuration from the receiver is answered as what this board cannot do, and logged."""
    monkeypatch.setitem(sys.modules, "phonehome.core.pushing", None)
    said: list = []
    hands = SimpleNamespace(
        functions={128: lambda _args: __import__("gone")},
        config=SimpleNamespace(commands=None),
        log=SimpleNamespace(error=lambda text, *parts: said.append(text % parts)),
    )
    assert execute(registry.COMMAND_SET_CONFIG, {}, hands) == (registry.RESULT_UNKNOWN, None)
    assert execute(128, {}, hands) == (registry.RESULT_FAILED, None)  # the application's own
    assert said == ["command 3: part not installed", "command 128: No module named 'gone'"]


@pytest.mark.parametrize(
    ("url", "module"),
    [
        ("mqtt://127.0.0.1:1", "phonehome.ports.mqtt"),
        ("http://127.0.0.1:1", "phonehome.ports.http"),
        ("https://127.0.0.1:1", "phonehome.ports.tls"),
    ],
)
def test_a_pushed_server_needs_its_part(monkeypatch, url, module):
    """The receiver cannot send a board where it has no way to go: unsupported, nothing changes."""
    config = Config({"server": "http://127.0.0.1:1", "insecure": True})
    hands = SimpleNamespace(config=config, board=SimpleNamespace(can_reboot=True))
    for status in (registry.PUSHED_OK, registry.PUSHED_UNSUPPORTED):
        judged = {SERVER: registry.PUSHED_OK}
        judge_link(hands, {SERVER: url}, judged)
        assert judged == {SERVER: status}
        monkeypatch.setitem(sys.modules, module, None)


def test_a_pushed_configuration_without_its_part_is_passed_over(tmp_path, monkeypatch):
    """A board from which the part was taken starts by its settings, and its log says so."""
    folder = Folder(str(tmp_path))
    slots = State(folder, "config")
    slots.save(b"pushed by an earlier boot")
    for module in ("linkkeys", "pushing"):
        monkeypatch.setitem(sys.modules, f"phonehome.core.{module}", None)
    config = Config({"server": "http://127.0.0.1:1", "insecure": True})
    assert settle_pushed({}, config, folder, None, None)[0] is config
    lines: list = []
    agent = SimpleNamespace(getLogger=lambda _: SimpleNamespace(error=lines.append))
    restore_pushed(agent, State(folder, "config"))
    assert lines == ["no part config, pushed is off"]
