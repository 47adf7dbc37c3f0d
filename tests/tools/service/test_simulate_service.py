"""`phonehome simulate-service`: the same seeds say the same, in every form."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from phonehome_product.values import keys_of
from phonehome_tools import cli
from phonehome_tools.service_world.reading import _TABLES
from phonehome_tools.service_world.year import POLICIES
from phonehome_tools.simulate_service import world_names
from tests.tools.service.worlds import write_world

ROOT = Path(__file__).parents[3]
FAULTS = """
[[fault]]
code = "L1"
cause = { bulb_dead = 0.5, cord_broken = 0.3, bulb_loose = 0.2 }
"""


@pytest.fixture
def world(tmp_path):
    """A small world with some of everything."""
    return write_world(tmp_path, FAULTS, finds=0.8, in_van=0.5, desk=0.5, appliances=40)


def run(capsys, *words):
    """Exit code and what was printed."""
    code = cli.main(["simulate-service", *map(str, words)])
    return code, capsys.readouterr()


def test_the_same_seeds_give_the_same_report(world, capsys):
    """Seed by seed in one process, side by side in two: not a digit differs; other seeds do."""
    words = ["--world", world, "--seeds", "2", "--json"]
    _, one = run(capsys, *words, "--processes", "1")
    _, two = run(capsys, *words, "--processes", "2")
    _, other = run(capsys, *words, "--processes", "1", "--first-seed", "3")
    assert one.out == two.out
    assert one.out != other.out


def test_the_report_is_whole(world, capsys):
    """Every policy with every figure and its interval, all faults ended, and the three goals."""
    code, printed = run(capsys, "--world", world, "--seeds", "2", "--processes", "1", "--json")
    report = json.loads(printed.out, parse_constant=pytest.fail)
    assert code == 0
    assert report["policies"]["always_visit"]["ece"] == {"mean": None, "half": None}
    assert list(report["policies"]) == list(POLICIES)
    for figures in report["policies"].values():
        assert figures["faults"] == sum(figures["ends"].values()) > 0
        assert figures["faults"] == sum(figures["first_actions"].values())
        assert set(figures["money"]) == {"mean", "half"}
    assert report["policies"]["always_visit"]["money_ratio"] == {"mean": 1.0, "half": 0.0}
    assert [goal["bar"] for goal in report["goals"]] == [0.88, 0.6, 0.05]


def test_the_drawing_needs_no_style(world, tmp_path, capsys):
    """Well formed, and nothing in it that a strict content security policy blocks."""
    drawing = tmp_path / "out.svg"
    code, printed = run(capsys, "--world", world, "--seeds", "1", "--svg", drawing)
    assert code == 0
    assert "first-time fix" in printed.out
    text = drawing.read_text()
    assert ET.fromstring(text).tag.endswith("svg")
    assert "style" not in text
    assert "<script" not in text


def test_wrong_use_and_wrong_files(tmp_path, capsys):
    """A world that is not there, one that is refused, and no seeds: each in words."""
    code, printed = run(capsys, "--world", tmp_path / "none.toml")
    assert (code, "No such file" in printed.err) == (1, True)
    bad = tmp_path / "bad.toml"
    bad.write_text('[world]\ntitle = "W"\nproduct = "no_such_product"\n')
    code, printed = run(capsys, "--world", bad)
    assert (code, "is not here: name one of" in printed.err) == (3, True)
    code, printed = run(capsys, "--world", bad, "--seeds", "0")
    assert (code, "want 1 or more" in printed.err) == (2, True)


def test_the_page_tells_every_key():
    """Each key that a world file may have stands in the table of the page, and no other does."""
    page = (ROOT / "tools" / "SIMULATION.md").read_text()
    rows = page[page.index("| key | default") : page.index("## What came out")].splitlines()
    first = " ".join(row.split("|")[1] for row in rows if row.startswith("|"))
    told = {word.strip("[]").rpartition(".")[2] for word in re.findall(r"`([^`]+)`", first)}
    models = [keys_of(model).values() for model in _TABLES.values()]
    assert told == {key for keys in models for key in keys}


def test_the_page_shows_what_the_command_says(tmp_path, capsys, monkeypatch):
    """The errors on the page are those of such files."""
    page = (ROOT / "tools" / "SIMULATION.md").read_text()
    monkeypatch.chdir(tmp_path)
    head = '[world]\ntitle = "Bad"\nproduct = "washer"\n'
    worse = '\n[[fault]]\ncode = "E21"\ncause = { filter_cloged = 1 }\n'
    for name, text in (("bad.toml", "apliances = 500\n"), ("worse.toml", worse)):
        (tmp_path / name).write_text(head + text)
        code, printed = run(capsys, "--world", name)
        assert code == 3
        assert f"$ phonehome simulate-service --world {name}\n{printed.err}" in page


@pytest.mark.parametrize("name", world_names())
def test_the_page_shows_what_was_measured(name):
    """Each figure of the page's tables is that of the report that lies beside the drawing."""
    page = (ROOT / "tools" / "SIMULATION.md").read_text()
    report = json.loads((ROOT / "tools" / "simulated" / f"{name}.json").read_text())
    shown = (
        ("first_time_fix", ".3f"),
        ("money", ".1f"),
        ("money_ratio", ".3f"),
        ("days_without", ".2f"),
        ("visits", ".2f"),
        ("wasted_visits", ".3f"),
        ("ece_second_half", ".3f"),
    )
    for policy, figures in report["policies"].items():
        cells = [_cell(figures[figure], form) for figure, form in shown]
        assert f"| {policy.replace('_', ' ')} | {' | '.join(cells)} |" in page


def _cell(found, form):
    if found["mean"] is None:
        return "-"
    return f"{format(found['mean'], form)} ± {format(found['half'], form)}"


@pytest.mark.parametrize("name", world_names())
def test_the_worlds_that_ship_are_read(name, tmp_path, capsys):
    """Each ships with a product that it fits; a small copy of it runs from end to end."""
    from phonehome_tools.simulate_service import WORLDS

    text = WORLDS.joinpath(f"{name}.toml").read_text()
    lines = [line for line in text.splitlines() if not line.startswith("appliances")]
    at = lines.index("[world]") + 1
    small = tmp_path / "small.toml"
    small.write_text("\n".join([*lines[:at], "appliances = 200", *lines[at:]]))
    code, printed = run(capsys, "--world", small, "--seeds", "1", "--json")
    assert code == 0
    assert json.loads(printed.out)["policies"]["phonehome"]["faults"] > 0
