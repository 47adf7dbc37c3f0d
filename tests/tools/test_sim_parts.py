"""The parts of a virtual board that need no interpreter of a board to be tested."""

import io
import json

import pytest

from phonehome_sim.clocks import DrivenUptime, RecordedClock
from phonehome_sim.host import CPULoad, disk_used, load_average, memory_used, temperature
from phonehome_sim.output import Output
from phonehome_sim.rows import RowError, Rows
from phonehome_sim.scripting import FaultScript
from phonehome_sim.sources import make_source


def test_rows_are_read_one_by_one():
    """A row sets its time and its values; an empty value is a missing sample."""
    rows = Rows(["1000,1.5,2\n", "2000,,3\n"], ["a", "b"])
    read_a = rows.reader("a")
    assert rows.advance()
    assert (rows.utc_ms, read_a(), rows.values["b"]) == (1000, 1.5, 2.0)
    assert rows.advance()
    assert (rows.utc_ms, read_a()) == (2000, None)
    assert not rows.advance()


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["1,2,3"], "row 1 has 3 columns"),
        (["1,x"], "row 1 is not numbers"),
        (["5,1", "4,1"], "row 2 goes back"),
    ],
)
def test_wrong_rows_are_refused(lines, words):
    """A row that cannot be replayed is named."""
    rows = Rows(lines, ["a"])
    with pytest.raises(RowError, match=words):
        list(iter(rows.advance, False))


def test_script_tells_each_change_once_and_in_order():
    """A fault is switched on at its start and off at its end, each once."""
    script = FaultScript([["leak", 3000, 5000], ["door", 1000, None]])
    assert script.due(999) == []
    assert script.due(3000) == [("door", True), ("leak", True)]
    assert script.due(9000) == [("leak", False)]
    assert script.due(9001) == []


def test_driven_uptime_never_goes_back():
    """Time only goes on, however it is set."""
    uptime = DrivenUptime()
    uptime.set(5000)
    uptime.set(4000)
    assert uptime.now_ms() == 5000


def test_recorded_clock_ignores_what_a_receiver_says():
    """During a replay the recording knows what time it is, not the receiver of today."""
    clock = RecordedClock(1_000_000)
    clock.note_signed(500)
    clock.hear(1_700_000_000_000, 500, 600)
    assert clock.utc_ms(2000) == 1_002_000
    assert clock.quality() == 3


def test_output_is_one_json_object_a_line():
    """Every event is a line with its uptime; bytes are said in hex."""
    stream = io.StringIO()
    output = Output(DrivenUptime(), stream)
    output.write("sent", raw=b"\x01\xff", more=[1, None, {"a": 2.5}])
    line = json.loads(stream.getvalue())
    assert line == {
        "event": "sent",
        "at_ms": 0,
        "raw": "01ff",
        "more": [1, None, {"a": 2.5}],
    }
    assert stream.getvalue().count("\n") == 1


def test_cpu_load_is_the_share_between_two_calls(tmp_path):
    """Load counts from the last call on; idle and waiting time are not work."""
    stat = tmp_path / "stat"
    stat.write_text("cpu 100 0 100 800 0 0 0 0 0 0\n")
    load = CPULoad(str(stat))
    assert load() is None
    stat.write_text("cpu 130 0 110 850 10 0 0 0 0 0\n")
    assert load() == 40


def test_this_computer_has_sensors():
    """What is read from this machine is a plausible share, or nothing at all."""
    assert 0 < memory_used() < 100
    assert 0 <= disk_used() <= 100
    assert load_average() >= 0


def test_the_hottest_zone_counts(tmp_path):
    """Of several thermal zones the hottest is told; without zones the sample is missing."""
    for name, milli in (("thermal_zone0", 41_000), ("thermal_zone1", 55_500)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "temp").write_text(f"{milli}\n")
    assert temperature(str(tmp_path)) == 55.5
    assert temperature(str(tmp_path / "none")) is None


def test_only_a_model_can_be_broken():
    """Real data has no switch for faults."""
    model = make_source({"kind": "model", "model": "washer", "seed": 1})
    model.switch("leak", True)
    model.step(1000)
    assert model.reader("pan_water")() == 1
    with pytest.raises(KeyError):
        model.switch("no_such_fault", True)
    with pytest.raises(KeyError):
        make_source({"kind": "host"}).switch("leak", True)
