"""When somebody is home: cells of the week, what use tells about them, and how true it is."""

import random
from hashlib import sha256

import pytest
from sqlalchemy import func, insert, select, update

from phonehome_cloud import migrations
from phonehome_cloud.core.people.consents import PRESENCE
from phonehome_cloud.core.visiting.calibration import calibrate
from phonehome_cloud.core.visiting.closing import Closing
from phonehome_cloud.core.visiting.learning import (
    MAX_GAP_MS,
    WEEK_MS,
    Uses,
    count_uses,
    estimate,
    find_uses,
)
from phonehome_cloud.core.visiting.presence import (
    CELLS,
    HOURS_OF_WEEK,
    PARTS,
    UNKNOWN,
    Presence,
    cell_of_hour,
)
from phonehome_cloud.store import presence, visit_answers
from phonehome_cloud.store.database import Database
from phonehome_cloud.store.erasing import Subject, erase
from phonehome_cloud.store.people_tables import owner
from phonehome_cloud.store.schema import record, session
from phonehome_cloud.store.visit_tables import presence as presence_table
from phonehome_wire.encoder import Encoder
from phonehome_wire.metrics import Metrics
from phonehome_wire.record import put_head, put_heartbeat
from phonehome_wire.registry import RTYPE_HEARTBEAT
from tests.cloud.visited import BERLIN, DEVICE, NOW, OTHER, at, begin, fill, find_fault
from tests.fakes.bases import base_url

AWAKE = [cell for cell in range(CELLS) if 2 <= cell % PARTS < 7]
WORKING = [cell for cell in AWAKE if cell % PARTS < 6]  # when technicians come
OCCURRENCES = (5, 1, 1)
OFFICE = {2: 0.6, 3: 0.1, 4: 0.1, 5: 0.1}
RETIRED = dict.fromkeys(range(2, 7), 0.9)
LATE = {3: 0.9, 5: 0.2, 6: 0.2}


def test_every_hour_of_the_week_has_a_cell():
    """Workdays, Saturday and Sunday by parts of three hours, on the clock of the home."""
    assert [cell_of_hour(hour) for hour in (0, 2, 3, 23, 24, 96 + 12)] == [0, 0, 1, 7, 0, 4]
    assert [cell_of_hour(hour) for hour in (120, 143, 144, 167)] == [8, 15, 16, 23]
    assert {cell_of_hour(hour) for hour in range(HOURS_OF_WEEK)} == set(range(CELLS))
    monday = Presence(tuple(cell / CELLS for cell in range(CELLS)))
    assert monday.at(at("2026-03-30 09:30"), BERLIN) == 3 / CELLS
    assert monday.at(at("2026-03-30 09:30"), "America/New_York") == 1 / CELLS
    assert monday.at_hour(9) == 3 / CELLS


@pytest.mark.parametrize("home", [(0.5,), (0.5,) * 168, (1.5,) * CELLS])
def test_a_presence_is_one_probability_for_each_cell(home):
    """Others are refused where they are made."""
    with pytest.raises(ValueError, match="want 24 probabilities"):
        Presence(home)


def test_uses_are_counted_once_for_each_part_of_a_day():
    """Three programs in a morning are one morning; in another part or on another day two."""
    moments = map(at, ("2026-03-30 09:10", "2026-03-30 11:59", "2026-03-30 12:00"))
    counts = count_uses([*moments, at("2026-03-31 09:00"), at("2026-03-29 09:00")], BERLIN)
    assert (counts[3], counts[4], counts[2 * PARTS + 3]) == (2, 1, 1)
    assert sum(counts) == 4


def test_a_use_is_a_counter_that_went_up():
    """A fall is a new beginning, a rise after a long silence happened nobody knows when."""
    minute = 60_000
    beats = [
        (0, {128: 5}),
        (minute, {128: 5}),
        (2 * minute, {128: 6}),
        (3 * minute, {128: 2}),
        (4 * minute, {128: 3, 129: 7}),
        (5 * minute, {128: 3, 129: 9}),
        (6 * minute + MAX_GAP_MS, {128: 9}),
        (7 * minute + MAX_GAP_MS, {}),
    ]
    assert find_uses(beats, [128]) == [2 * minute, 4 * minute]
    assert find_uses(beats, [129]) == [5 * minute]
    assert find_uses(beats, []) == []
    turns = [(0, {128: 5}), (minute, {1: 9}), (2 * minute, {128: 6}), (3 * minute, {129: 1})]
    assert find_uses(turns, [128, 129]) == [2 * minute]  # metrics take turns


def household(rng):
    """A home of one of four kinds, a little different each: P(home) of each cell."""
    special = rng.choice([OFFICE, RETIRED, LATE, {}])
    home = list(UNKNOWN.home)
    for part, p in special.items():
        home[part] = p
    return [min(0.98, max(0.02, p + rng.uniform(-0.05, 0.05))) for p in home]


def learnt(rng, home, per_week, weeks):
    """What is estimated after so many weeks of so many uses while somebody was home."""
    rate = per_week / sum(home[cell] * OCCURRENCES[cell // PARTS] for cell in AWAKE)
    counts = [0] * CELLS
    for cell in AWAKE:
        days = OCCURRENCES[cell // PARTS] * weeks
        counts[cell] = sum(rng.random() < home[cell] * rate for _ in range(days))
    return estimate(Uses(tuple(counts), 0, weeks * WEEK_MS))


def visits(rng, home, presence):
    """A visit in each working cell of a week: what was believed, and whether somebody was home."""
    for cell in WORKING:
        for _ in range(OCCURRENCES[cell // PARTS]):
            yield presence.home[cell], rng.random() < home[cell]


@pytest.mark.parametrize(("per_week", "weeks"), [(2, 4), (5, 12), (12, 40)])
def test_what_was_learnt_foretells_better_than_what_was_believed(per_week, weeks):
    """Over 400 homes the Brier score of visits falls, the more so the more was seen; the
    calibration error stays within 0.11, because nobody knows how often people wash while home.
    """
    rng = random.Random(7)
    before, after = [], []
    for _ in range(400):
        home = household(rng)
        after += visits(rng, home, learnt(rng, home, per_week, weeks))
        before += visits(rng, home, UNKNOWN)
    believed, known = calibrate(before), calibrate(after)
    print(
        f"{per_week}/week, {weeks} weeks: Brier {known.brier:.3f} of {believed.brier:.3f},"
        f" ECE {known.ece:.3f}"
    )
    assert known.brier < believed.brier * (1 - 0.0013 * per_week * min(12, weeks) ** 0.5)
    assert known.ece < 0.11


def test_who_never_uses_it_is_as_anybody():
    """Nothing seen, or in no time: the belief stays."""
    assert estimate(Uses((0,) * CELLS, 0, 8 * WEEK_MS)) == UNKNOWN
    assert estimate(Uses((1,) * CELLS, 5, 5)) == UNKNOWN


def test_calibration_is_that_of_the_books():
    """Brier, the score of the mean, and the expected calibration error of a case done by hand."""
    pairs = [(0.9, True), (0.9, False), (0.2, False), (0.2, False), (1.0, True)]
    found = calibrate(pairs)
    assert found.brier == pytest.approx((0.01 + 0.81 + 0.04 + 0.04) / 5)
    assert found.base_brier == pytest.approx(0.4 * 0.6)
    assert [(b.count, b.happened) for b in found.bins] == [(2, 0.0), (3, pytest.approx(2 / 3))]
    assert found.ece == pytest.approx((2 * 0.2 + 3 * (2.8 / 3 - 2 / 3)) / 5)
    assert calibrate([]) is None


@pytest.fixture
def database(tmp_path, each_database):
    """A database with a home and its service."""
    made = Database(base_url(tmp_path))
    made.open()
    migrations.prepare(made)
    yield made
    made.close()


def beat(connection, seq, received_at, count, boot=1):
    """A heartbeat that counts programs as metric 128."""
    enc = Encoder(bytearray(256), 0)
    put_head(enc, RTYPE_HEARTBEAT, boot, seq, seq * 1000)
    metrics = Metrics()
    metrics.set(128 if seq % 3 == 0 else 1, count)  # metrics take turns
    put_heartbeat(enc, metrics)
    raw = bytes(enc.buf[: enc.pos])
    key = {"device": DEVICE, "inc": "00000001", "boot": boot}
    row = {"rtype": RTYPE_HEARTBEAT, "ms": seq * 1000, "raw": raw, "received_at": received_at}
    row |= {"hash": sha256(raw).digest()[:16], "message": bytes(16), "digested_at": received_at}
    connection.execute(insert(record), {**key, "seq": seq, **row})
    seen = {"last_seen_at": received_at, "last_now_ms": seq * 1000}
    if seq == 0:
        first = {"newest": True, "inc_seen_at": received_at, "first_seen_at": received_at}
        connection.execute(insert(session), {**key, **first, **seen, "build": "01"})
    else:
        connection.execute(update(session).where(session.c.boot == boot).values(seen))


def used(connection, day, hours):
    """A day of heartbeats every ten minutes; in each of `hours` a program is started."""
    seq, count = connection.execute(select(func.count()).select_from(record)).scalar(), 0
    for third in range(144):
        moment = at(f"{day} 00:05") + third * 600_000
        count += third % 6 == 0 and third // 6 in hours
        beat(connection, seq + third, moment, count)
    return moment


def test_nothing_is_learnt_without_consent(database):
    """Without it nothing is kept, and what was kept goes when it is taken back."""
    database.write_now(fill)
    end_at = database.write_now(used, "2026-03-30", {9})
    assert database.write_now(presence.learn, DEVICE, [128], end_at) is False
    assert database.read_now(presence.find_uses_of, DEVICE) is None
    agreed = {PRESENCE: {"at": 1, "by": "owner"}}
    database.write_now(lambda c: c.execute(update(owner).values(consents=agreed)))
    assert database.write_now(presence.learn, DEVICE, [128], end_at) is True
    assert database.read_now(presence.find_uses_of, DEVICE) is not None
    assert database.read_now(presence.list_agreeing, "", 9) == [
        (DEVICE, "pumper"),
        (OTHER, "pumper"),
    ]
    assert database.read_now(presence.list_agreeing, "", 1) == [(DEVICE, "pumper")]
    database.write_now(lambda c: c.execute(update(owner).values(consents={})))
    assert database.read_now(presence.find, DEVICE) == UNKNOWN
    database.write_now(presence.learn, DEVICE, [128], end_at)
    assert database.read_now(presence.find_uses_of, DEVICE) is None
    assert database.read_now(presence.list_agreeing, "", 9) == []


def test_what_is_kept_are_counts_by_cell_and_each_use_once(database):
    """From the first look on, over looks in the middle of a day, from the boot that is on."""
    database.write_now(fill, consents=[PRESENCE])
    database.write_now(presence.learn, DEVICE, [128], at("2026-03-29 00:00"))
    for day, hours in (("2026-03-30", {9, 10, 19}), ("2026-03-31", {9}), ("2026-04-04", {13})):
        end_at = database.write_now(used, day, hours)
        for look_at in (end_at, end_at + 1):
            database.write_now(presence.learn, DEVICE, [128], look_at)
    uses = database.read_now(presence.find_uses_of, DEVICE)
    assert uses.counts[3:7] == (2, 0, 0, 1)
    assert uses.counts[8:16] == (0, 0, 0, 0, 1, 0, 0, 0)
    assert sum(uses.counts) == 4
    assert (uses.since_at, uses.until_at) == (at("2026-03-29 00:00"), end_at + 1)
    row = database.read_now(lambda c: c.execute(select(presence_table)).mappings().one())
    assert set(row) == {"device", "uses", "since_at", "until_at", "inc", "boot", "seq"}
    assert database.read_now(presence.find, DEVICE) != UNKNOWN
    database.write_now(presence.forget, DEVICE)
    assert database.read_now(presence.find, DEVICE) == UNKNOWN


def test_an_erased_owner_leaves_no_histogram(database):
    """The presence of a home goes with the person."""
    database.write_now(fill, consents=[PRESENCE])
    database.write_now(presence.learn, DEVICE, [128], at("2026-03-29 00:00"))
    subject = Subject(devices=(DEVICE, OTHER))
    assert database.write_now(erase, subject, NOW)["presence"] == 1
    assert database.read_now(presence.find_uses_of, DEVICE) is None


def test_the_calibration_is_that_of_doors_that_were_stood_at(database):
    """Of closed visits with what was believed; none before the first one."""
    database.write_now(fill, pumps=2)
    assert database.read_now(presence.read_calibration) is None

    def close(connection, dev, nobody_home):
        begin(connection, dev)
        visit_answers.confirm(connection, (dev, 1, 0), "owner", NOW)
        closing = Closing(False, nobody_home=nobody_home)
        visit_answers.close(connection, (dev, 1, 0), closing, "technician:mia", find_fault, NOW)

    for dev, nobody_home in ((DEVICE, False), (OTHER, True)):
        database.write_now(close, dev, nobody_home)
    found = database.read_now(presence.read_calibration)
    assert (found.count, found.base_brier) == (2, 0.25)
