"""Capacity: the arithmetic, the simulated day, and that the page shows what the command says."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from phonehome_tools import cli
from phonehome_tools.capacity import SIZES, rows_of
from phonehome_tools.planning.arithmetic import DAY_S, Fleet, Measured, need, shipped_figures
from phonehome_tools.planning.day import BACK_S, CUT_S, DARK_S, simulate
from phonehome_tools.planning.drawing import draw_day

ROOT = Path(__file__).parents[2]
COST = Measured(report_cpu_us=1000.0, stored_bytes=1024.0, database_cpu_us=500.0, idle_bytes=2048)
FLEET = Fleet(86_400, heartbeat_s=86_400.0, faults_a_day=0.0, cut=0.5)


def test_the_arithmetic_is_what_a_pencil_says():
    """One report a second at 1 ms each: a thousandth of a core, and so on."""
    found = need(FLEET, COST)
    assert found.mean_rate == pytest.approx(1.0)
    assert found.receiver_cores == pytest.approx(0.001)
    assert found.database_cores == pytest.approx(0.0005)
    assert found.receivers == 1
    assert found.cut_rate == pytest.approx(43_200 / 60 + 1)
    assert found.cut_s == pytest.approx(60.0)
    assert found.grown_gib_a_day == pytest.approx(86_400 * 1024 / 1024**3)
    assert need(Fleet(86_400_000, 86_400.0, 0.0, 0.5), COST).receivers == 2


def test_every_report_of_the_day_is_taken_in_the_end():
    """Refused, they come again: nothing is lost and nothing twice, and it settles."""
    day = simulate(Fleet(1_000_000), 1000.0, 1)
    assert day.refused > 0
    assert 0 < day.settled_s < 3600
    assert sum(day.taken) == pytest.approx(sum(day.fresh), rel=1e-9)
    assert max(day.taken) <= 1000.0


def test_who_has_room_refuses_nobody():
    """The same day with capacity above its peak."""
    day = simulate(Fleet(1_000_000), 5000.0, 1)
    assert (day.refused, day.settled_s) == (0.0, 0)
    assert day.tried == day.fresh


def test_a_region_is_dark_and_then_back_within_a_minute():
    """Fewer reports in the dark, all of its devices at once afterwards, and then as before."""
    fleet = Fleet(1_000_000, faults_a_day=0.0, cut=0.2)
    fresh = simulate(fleet, 1e9, 1).fresh
    usual = fleet.devices / fleet.heartbeat_s
    assert fresh[CUT_S - 1] == pytest.approx(usual)
    assert fresh[CUT_S] == pytest.approx(0.8 * usual)
    back = fresh[CUT_S + DARK_S : CUT_S + DARK_S + BACK_S]
    assert sum(back) - BACK_S * usual == pytest.approx(0.2 * fleet.devices)
    assert fresh[CUT_S + DARK_S + BACK_S] == pytest.approx(usual)
    assert len(fresh) == DAY_S


def test_the_drawing_needs_no_style():
    """Well formed, and nothing in it that a strict content security policy blocks."""
    text = draw_day(simulate(Fleet(100_000), 500.0, 1), "A day")
    root = ET.fromstring(text)
    assert root.tag.endswith("svg")
    assert "style" not in text
    assert "<script" not in text


def test_the_page_shows_what_the_command_says():
    """Each line of the table, and the drawing, are those of the shipped figures."""
    cost = shipped_figures()
    page = (ROOT / "cloud" / "CAPACITY.md").read_text()
    needs = [need(Fleet(size), cost) for size in SIZES]
    for row in rows_of(needs):
        assert f"| {' | '.join(row)} |\n" in page
    million = needs[1]
    day = simulate(million.fleet, million.receivers * cost.core_rate, million.receivers)
    title = f"A day of {million.fleet.devices:,} devices, receiver processes: {million.receivers}"
    assert (ROOT / "cloud" / "capacity.svg").read_text() == draw_day(day, title)
    assert f"In {day.settled_s} s everybody has been heard" in page


def test_figures_of_another_machine_are_taken(tmp_path, capsys):
    """From the files that bench printed; one that is missing is named."""
    figures = tmp_path / "figures.json"
    rows = json.loads((ROOT / "tools/phonehome_tools/planning/measured.json").read_text())
    figures.write_text(json.dumps(rows))
    assert cli.main(["capacity", "--figures", str(figures), "--devices", "1000"]) == 0
    assert "1,000 devices" in capsys.readouterr().out
    figures.write_text(json.dumps(rows[:1]))
    assert cli.main(["capacity", "--figures", str(figures)]) == 2
    assert "no figure" in capsys.readouterr().err
