"""Recordings for a replay, and the labelled windows beside them."""

import json

import pytest

from phonehome_tools.fleet.errors import SetupError
from phonehome_tools.fleet.recording import convert, parse_time_ms
from phonehome_tools.fleet.windows import Window, load_windows, tally

HOUR_MS = 3_600_000


def write(path, *lines):
    """A CSV file."""
    path.write_text("\n".join(lines) + "\n")
    return path


def test_rows_become_utc_and_numbers(tmp_path):
    """Times become unix ms, `value` feeds the only sensor, an empty value stays missing."""
    source = write(
        tmp_path / "a.csv", "timestamp,value", "2013-07-04 00:00:00,69.5", "2013-07-04 01:00:00,"
    )
    recording = convert(source, ["temperature"], tmp_path / "rows.csv")
    first = 1_372_896_000_000
    assert recording.path.read_text() == f"{first},69.5\n{first + HOUR_MS},\n"
    assert (recording.names, recording.rows) == (("temperature",), 2)
    assert (recording.first_ms, recording.last_ms) == (first, first + HOUR_MS)


def test_columns_are_chosen_by_sensor_name(tmp_path):
    """Columns that no sensor has are left out."""
    source = write(tmp_path / "a.csv", "timestamp,note,b,a", "2020-01-01T00:00:00Z,x,2,1")
    recording = convert(source, ["a", "b"], tmp_path / "rows.csv")
    assert recording.names == ("b", "a")
    assert recording.path.read_text() == "1577836800000,2.0,1.0\n"


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["time,value", "2020-01-01,1"], "first column must be 'timestamp'"),
        (["timestamp,other", "2020-01-01,1"], "no column is a sensor"),
        (["timestamp,value"], "no row"),
        (["timestamp,value", "2020-01-01,1", "yesterday,1"], "a.csv:3"),
        (["timestamp,value", "2020-01-01,warm"], "a.csv:2"),
        (["timestamp,value", "2020-01-01"], "a.csv:2"),
    ],
)
def test_wrong_recording_names_the_line(tmp_path, lines, words):
    """What cannot be replayed is refused with its line."""
    source = write(tmp_path / "a.csv", *lines)
    with pytest.raises(SetupError, match=words):
        convert(source, ["temperature"], tmp_path / "rows.csv")


def test_windows_are_found_by_the_name_of_the_recording(tmp_path):
    """A file of many recordings gives the windows of the one that is replayed."""
    labels = tmp_path / "windows.json"
    labels.write_text(json.dumps({"x/a.csv": [["2020-01-01", "2020-01-02"]], "b.csv": []}))
    day = parse_time_ms("2020-01-01")
    assert load_windows(labels, tmp_path / "a.csv") == (Window(day, day + 24 * HOUR_MS),)
    with pytest.raises(SetupError, match=r"no entry for c\.csv"):
        load_windows(labels, tmp_path / "c.csv")


def test_tally_counts_inside_and_outside():
    """Each instant is counted in its window, or outside of all."""
    found = tally((Window(10, 20), Window(30, 40)), [10, 20, 25, 41])
    assert (found.inside, found.outside, found.is_complete) == ((2, 0), 2, False)
