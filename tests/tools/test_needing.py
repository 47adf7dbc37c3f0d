"""Which parts of the agent a board needs is found in its settings, product and application."""

import json

import pytest

from phonehome_tools.cable.board import open_board
from phonehome_tools.cable.errors import UsageError
from phonehome_tools.cable.files import send_files
from phonehome_tools.cli import main
from phonehome_tools.fleet.catalog import find_product
from phonehome_tools.installing.bundle import agent_files, make_bundle
from phonehome_tools.installing.needing import (
    by_application,
    by_product,
    by_settings,
    expect_application,
    lacking,
)
from tests.fakes.cabled import CabledBoard
from tests.tools.boards import APP, installed, provision, write_app

ANY = {"config", "console", "enrollment", "http", "mqtt", "tls"}
QUIET = {"console": False, "commands": [1, 2]}


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        (None, ANY),
        ({"server": "http://desk"}, {"config", "console", "http"}),
        ({**QUIET, "server": "http://desk"}, {"http"}),
        ({**QUIET, "server": "https://desk"}, {"http", "tls"}),
        ({**QUIET, "server": "mqtt://desk"}, {"mqtt"}),
        ({**QUIET, "server": "mqtts://desk", "claim": "c"}, {"mqtt", "tls", "enrollment"}),
        ({"console": False, "commands": [3], "server": "mqtt://desk"}, {"mqtt", "config"}),
    ],
)
def test_settings_ask_for_parts(settings, names):
    """Each setting for its own; a board without settings may get any."""
    assert by_settings(settings) == names


@pytest.mark.parametrize(("product", "names"), [("room", set()), ("washer", {"rules"})])
def test_a_product_asks_for_rare_rules(product, names):
    """Where one of its faults is of a rare kind; what cannot be read is left to the agent."""
    assert by_product(find_product(product).device_half) == names
    assert by_product(None) == by_product(b"\xff") == by_product(b"\x01") == {"rules"}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (APP, set()),
        ("from phonehome.ports.adc import ADC", {"sensors"}),
        ("from phonehome.ports import pin, board", {"sensors"}),
        ("import phonehome.ports.i2c as bus", {"sensors"}),
        ("def main():\n    from phonehome.sleeper import Sleeper", {"sleep"}),
        ("import phonehome\nproduct = phonehome.Product('tank')", {"declare"}),
        ("from phonehome import Product", {"declare"}),
    ],
)
def test_an_application_asks_for_what_it_imports(text, names):
    """Wherever in it the import stands."""
    assert by_application(text) == names


def test_an_application_without_its_part_is_refused(tmp_path):
    """The error names the part, before a board is opened; what comes along by itself is enough."""
    app = write_app(tmp_path, "from phonehome.sleeper import Sleeper\n")
    with pytest.raises(UsageError, match="--parts mqtt: the application uses the part sleep"):
        expect_application(make_bundle("washer", app, "mqtt"), "mqtt")
    for parts in ("sleep", "all", "needed"):
        expect_application(make_bundle("washer", app, parts), parts)
    expect_application(make_bundle("washer", None, "base"), "base")


def test_what_a_board_lacks_is_what_its_settings_ask_for():
    """A board with HTTP that is to speak MQTT under TLS lacks both, one with all lacks nothing."""
    settings = {**QUIET, "server": "mqtts://desk"}
    assert lacking(settings, agent_files("http")) == ["mqtt", "tls"]
    assert lacking(settings, agent_files("mqtt,tls")) == []
    assert lacking(settings, agent_files("all")) == []


def test_a_push_of_what_is_needed_follows_the_settings(tmp_path, capsys):
    """A blank board gets what any settings could ask for; a provisioned one loses the rest."""
    app = str(write_app(tmp_path))
    with CabledBoard(tmp_path / "flash.img", blocks=212) as board:
        words = ["push", board.port, "--product", "washer", "--app", app, "--json"]
        assert main([*words, "--parts", "needed"]) == 0
        there = installed(board.port)
        assert agent_files("mqtt,tls,enrollment,config,console").keys() <= there.keys()
        assert not agent_files("sleep").keys() <= there.keys()
        provision(board.port, server="http://127.0.0.1:1")
        capsys.readouterr()
        assert main([*words, "--parts", "needed"]) == 0
        (told,) = json.loads(capsys.readouterr().out)
        assert told["copied"] == 0 and told["removed"] > 0 and told["state"] == "started"
        agent = {path for path in installed(board.port) if path.startswith("/lib/")}
        assert agent - {"/lib/umqtt/simple.mpy"} == agent_files("http,config,console,rules").keys()


def test_doctor_says_what_the_settings_lack(tmp_path, capsys):
    """An agent that cannot start by its settings is bad, with the push that mends it."""
    app = str(write_app(tmp_path))
    with CabledBoard(tmp_path / "flash.img", blocks=212) as board:
        words = ["push", board.port, "--product", "washer", "--app", app, "--parts", "http"]
        assert main(words) == 0
        with open_board(board.port) as cable:
            settings = {"server": "mqtt://127.0.0.1:1", "insecure": True}
            send_files(cable, {"/phonehome.json": json.dumps(settings).encode()})
        capsys.readouterr()
        assert main(["doctor", board.port, "--json"]) == 1
        (told,) = json.loads(capsys.readouterr().out)
        (found,) = [one for one in told["findings"] if one["name"] == "agent"]
        assert found["value"] == "without mqtt, which its settings ask for"
        assert found["state"] == "bad" and found["advice"] == f"phonehome push {board.port}"
