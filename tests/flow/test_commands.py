"""The two commands of a fresh machine: the demo, and the replay of real data."""

import asyncio
import contextlib
import json
import os
import signal
import sqlite3
import sys
from pathlib import Path

import pytest

from phonehome_tools.fleet.desk import TOKEN_VARIABLE
from phonehome_tools.fleet.recording import parse_time_ms

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("PHONEHOME_DATA", ROOT / "../shared/data")).resolve()
RECORDING = DATA / "nab/realKnownCause/ambient_temperature_system_failure.csv"
WINDOWS = DATA / "nab/combined_windows.json"


async def run_command(*words, **variables):
    """(exit code, standard output, standard error) of `phonehome WORDS`, without a terminal."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "phonehome_tools.cli",
        *map(str, words),
        env={**os.environ, **variables},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


@pytest.mark.timeout(150)
async def test_demo_once_comes_true(tmp_path):
    """The demo ends with 0 after a ticket with its freeze frame resolved itself, and a pump was
    replaced when its owner was home.
    """
    code, out, err = await run_command("demo", "--once", "--state", tmp_path)
    assert (code, err) == (0, ""), out
    order = [
        out.index(words) for words in ("freeze frame of", "cleans the filter", "resolved itself")
    ]
    assert order == sorted(order)
    acts = ("pump opens", "ranks the causes", "three times", "chooses", "job sheet", "learnt")
    order = [out.index(words) for words in acts]
    assert order == sorted(order)


async def test_demo_tells_why_it_failed(tmp_path):
    """A demo whose receiver cannot start ends with 1 and the reason."""
    (tmp_path / "receiver").mkdir()
    (tmp_path / "receiver" / "receiver.db").write_text("this is no database, it is text\n" * 99)
    code, _, err = await run_command("demo", "--once", "--state", tmp_path)
    assert code == 1
    assert "the receiver did not start" in err


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_demo_leaves_no_process_behind(tmp_path, signum):
    """Stopped in the middle, the demo ends every process that it started."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "phonehome_tools.cli", "demo", "--state", str(tmp_path)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    line = b""
    while b"phones home" not in line:
        line = await process.stdout.readline()
        assert line, "the demo ended by itself"
    assert len(commands_with(tmp_path)) == 5  # the demo, its receiver, three boards
    process.send_signal(signum)
    assert await process.wait() == 128 + signum
    assert commands_with(tmp_path) == []


def commands_with(folder):
    """The command lines of running processes that name a folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append(path.read_bytes().replace(b"\0", b" ").decode())
    return [line for line in found if str(folder) in line]


@pytest.mark.skipif(not RECORDING.exists(), reason=f"no recorded data at {RECORDING}")
async def test_replay_finds_both_windows(installation, tmp_path):
    """A year of a real room opens tickets inside both labelled windows, and counts the others."""
    receiver = installation.receiver
    words = ("--server", receiver.http, "--state", tmp_path / "sim")
    code, out, err = await run_command(
        *("sim", "--json", "--replay", RECORDING, "--windows", WINDOWS, *words),
        **{TOKEN_VARIABLE: receiver.token},
    )
    assert code == 0, err
    summary = json.loads(out.splitlines()[-1])
    assert summary["event"] == "summary"
    assert all(window["openings"] for window in summary["windows"])
    assert summary["outside"] <= 2
    assert summary["tickets"] == 2
    reported = utc_of_reports(installation.receiver.folder / "receiver.db")
    assert reported
    assert all(parse_time_ms("2013-07-04") <= ms <= parse_time_ms("2014-05-29") for ms in reported)


def utc_of_reports(database):
    """What the device believes about UTC; the desk keeps it but does not order by it."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT utc_ms FROM message WHERE utc_quality = 3")
        return [utc_ms for (utc_ms,) in rows]


async def test_sim_runs_several_appliances(installation, tmp_path):
    """Two appliances with a scripted fault: each has a ticket of its own."""
    receiver = installation.receiver
    words = ("--server", receiver.mqtt, "--api", receiver.http, "--state", tmp_path / "sim")
    code, out, err = await run_command(
        *("sim", "--json", "--count", "2", "--fault", "leak@1s", "--duration", "6s", *words),
        **{TOKEN_VARIABLE: receiver.token},
    )
    assert code == 0, err
    events = [json.loads(line) for line in out.splitlines()]
    confirmed = {event["board"] for event in events if event.get("kind") == "confirmed"}
    assert confirmed == {"washer-1", "washer-2"}
    async with receiver.desk() as desk:
        for name in confirmed:
            config = json.loads((tmp_path / "sim" / name / "phonehome.json").read_text())
            assert [ticket["code"] for ticket in await desk.tickets(config["device"])] == ["E80"]


async def test_sim_reads_this_computer(installation, tmp_path):
    """The host is an appliance: its own sensors are sampled and it phones home."""
    receiver = installation.receiver
    code, out, err = await run_command(
        *("sim", "--json", "--host", "--duration", "3s"),
        *("--server", receiver.http, "--state", tmp_path / "sim"),
        **{TOKEN_VARIABLE: receiver.token},
    )
    assert code == 0, err
    events = [json.loads(line) for line in out.splitlines()]
    assert any(event["event"] == "acked" for event in events)
    last = [event for event in events if event["event"] == "state"][-1]
    assert 0 < last["values"]["memory_used"] < 100
