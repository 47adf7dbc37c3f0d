# cpython-only
"""Wear of the flash, counted on the board's own file system; what a day costs, and `stats`."""

import pytest

from phonehome.core.session import Session
from phonehome.ports.files import Folder
from phonehome.ports.segments import Segments
from phonehome.ports.slots import Slots
from tests.device.cutting import Story
from tests.fakes.board import KEY
from tests.fakes.lifetime import Life
from tests.fakes.littleflash import Flash, LittleFiles, mounted, remembering

HOUR_S = 3600
BEAT_S = 300
MOST_COMMITS = 12  # an hour, in normal life
RECORD = bytes(range(120))


@pytest.fixture
def life(tmp_path):
    """A board that has just started, on littlefs, with its modules kept."""
    (tmp_path / "key").write_bytes(b"\x01" + KEY)
    flash = Flash()
    with mounted(LittleFiles(flash, is_new=True)) as files, remembering():
        life = Life(files, str(tmp_path / "key"), Story(flash))
        life.start()
        yield life
        life.end()


def erases(flash, since=0):
    """How many blocks were erased from a change on."""
    return sum(data is None for *_, data in flash.changes[since:])


def live_an_hour(life, level_of=lambda second: 0):
    """An hour with its heartbeats, its reports and its hourly save; (commits, erases) of it."""
    commits, changes = life.agent._folder.commits, len(life.story.flash.changes)
    for second in range(HOUR_S):
        life.run(1, level_of(second))
        if second % BEAT_S == 0:
            life.agent._beat()
        if life.reporter.has_anything:
            life.report()
    life.agent._keep()
    return life.agent._folder.commits - commits, erases(life.story.flash, changes)


def test_a_quiet_day_costs_a_commit_an_hour(life):
    """Behind the first hour, in which the boot is told, only the hourly save writes."""
    first, *others = [live_an_hour(life)[0] for _ in range(24)]
    assert first <= MOST_COMMITS
    assert set(others) == {1}


def test_a_day_with_faults_stays_within_the_budget(life):
    """A fault that comes and goes each hour, told and acknowledged each time, is within it too."""
    live_an_hour(life)
    for _ in range(3):
        commits, _ = live_an_hour(life, lambda second: 101 if 600 < second < 1200 else 0)
        assert commits <= MOST_COMMITS


def test_a_chattering_fault_is_bounded(life):
    """Three faults that flap every ten seconds, hour by hour, cost no more than a quiet day."""
    live_an_hour(life)
    commits, erased = live_an_hour(life, lambda second: 200 if second // 10 % 2 else 0)
    assert commits < 60
    commits, erased = live_an_hour(life, lambda second: 200 if second // 10 % 2 else 0)
    assert commits <= MOST_COMMITS
    assert erased <= commits


def kinds(folder):
    """What the agent does to its files, by name: (commits, the act)."""
    segments, slots = Segments(folder), Slots(folder, "state")
    session = Session(slots, bytes)
    session.begin()

    def queue(count):
        segments.create(1, b"inc1", RECORD)
        for _ in range(count - 1):
            segments.append(1, b"inc1", RECORD)
        segments.remove(1)

    return {
        "state": lambda: session.keep_floor(1),
        "fault states": lambda: folder.replace("faults.bin", bytes(60)),
        "a record and its ack": lambda: queue(1),
        "thirty records and their ack": lambda: queue(30),
    }


@pytest.mark.parametrize(
    ("kind", "least", "most"),
    [
        ("state", 0.05, 0.1),
        ("fault states", 0.15, 0.3),
        ("a record and its ack", 0.05, 0.2),
        ("thirty records and their ack", 0.8, 1.0),
    ],
)
def test_a_commit_costs_at_most_an_erase(kind, least, most):
    """Each kind of commit erases what core/stats says it does, over hundreds of them."""
    flash = Flash()
    with mounted(LittleFiles(flash, is_new=True)):
        folder = Folder("/data")
        act = kinds(folder)[kind]
        before, changes = folder.commits, len(flash.changes)
        for _ in range(300):
            act()
        assert least <= erases(flash, changes) / (folder.commits - before) <= most


def test_the_wear_is_spread(life):
    """Two years of hourly saves go round: no block bears more than littlefs lets one bear."""
    flash = life.story.flash
    life.report()
    for _ in range(20_000):
        life.agent._session.keep_floor(1)
    worn = {}
    for block, _, data in flash.changes:
        if data is None:
            worn[block] = worn.get(block, 0) + 1
    assert max(worn.values()) <= 210
    assert erases(flash) > 1000


def test_stats_say_how_long_the_flash_lasts(life):
    """A person at the console reads commits, rate and life; a board that just started says so."""
    lines = []
    life.agent.stats(lines.append)
    assert lines[-1] == "flash life: not known yet"
    for _ in range(3):
        live_an_hour(life, lambda second: 101 if second > 1800 else 0)
    lines.clear()
    life.agent.stats(lines.append)
    said = dict(line.split(": ", 1) for line in lines)
    assert said["uptime"] == "10800 s, boot 1"
    assert said["records waiting"] == "0"
    assert said["records dropped"] == "none"
    commits = int(said["flash commits"].split(",")[0])
    assert commits == life.agent._folder.commits > 3
    assert said["flash commits"].endswith(" an hour")
    assert said["flash life"].startswith("more than ")
    assert int(said["flash life"].split()[2]) >= 100
