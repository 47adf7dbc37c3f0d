"""The options of `phonehome sim`: what does not fit is refused before anything is started."""

import argparse

import pytest

from phonehome_tools import sim
from phonehome_tools.fleet import simulation
from phonehome_tools.fleet.catalog import find_product, model_names
from phonehome_tools.fleet.errors import SetupError


def parse(*words):
    """The arguments as the command parses them."""
    parser = argparse.ArgumentParser()
    sim.add_arguments(parser)
    return parser.parse_args(words)


def test_a_plan_has_what_was_asked_for(tmp_path):
    """Every option reaches the plan in the unit that is used later."""
    args = parse("--product", "fridge", "--count", "3", "--duration", "2m", "--speed", "4")
    plan = sim.read_plan(args)
    assert (plan.product, plan.count, plan.duration_ms, plan.speed) == ("fridge", 3, 120_000, 4.0)
    assert plan.api == plan.server


def test_the_product_follows_the_source(tmp_path):
    """A replay is a room, a host is a computer, and a model is a washer unless said otherwise."""
    assert sim.read_plan(parse()).product == "washer"
    assert sim.read_plan(parse("--host")).product == "host"
    assert sim.read_plan(parse("--replay", "a.csv")).product == "room"


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--count", "0"], "--count 0"),
        (["--speed", "-1"], "--speed -1.0"),
        (["--windows", "w.json"], "--windows belongs"),
        (["--host", "--fault", "leak@1s"], "--fault needs a physical model"),
        (["--fault", "leak"], "fault 'leak'"),
        (["--duration", "soon"], "duration 'soon'"),
        (["--server", "mqtt://127.0.0.1:1"], "give --api"),
    ],
)
def test_wrong_options_are_refused_by_name(words, text):
    """The error names the option and what would fit."""
    with pytest.raises(SetupError, match=text):
        sim.read_plan(parse(*words))


def test_exit_code_of_wrong_use(capsys, monkeypatch):
    """Wrong use is exit code 2 with one line, as for every verb."""
    monkeypatch.delenv("PHONEHOME_API_TOKEN", raising=False)
    assert sim.run(parse("--product", "washer")) == 2
    assert "PHONEHOME_API_TOKEN" in capsys.readouterr().err
    assert sim.run(parse("--product", "toaster")) == 2
    assert "product 'toaster'" in capsys.readouterr().err
    assert sim.run(parse("--fault", "gremlins@3s")) == 2
    said = capsys.readouterr().err
    assert "fault 'gremlins'" in said
    assert "drain_blocked" in said


def test_an_unreachable_desk_is_a_failure(capsys, monkeypatch, tmp_path):
    """A receiver that is not there is exit code 1 with its address."""
    monkeypatch.setenv("PHONEHOME_API_TOKEN", "x" * 16)
    monkeypatch.setattr(simulation, "DESK_WITHIN_S", 0)
    args = parse("--server", "http://127.0.0.1:9", "--state", str(tmp_path))
    assert sim.run(args) == 1
    assert "http://127.0.0.1:9" in capsys.readouterr().err


def test_models_are_products():
    """Every physical model has a product file that it plays."""
    assert {"washer", "fridge"} <= set(model_names())
    for name in model_names():
        assert find_product(name).product.name == name
