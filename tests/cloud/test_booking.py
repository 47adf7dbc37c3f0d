"""Never two visits of one technician at one time: by the key of a table, whoever asks."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import delete, select, update

from phonehome_cloud.errors import ConflictError
from phonehome_cloud.store import visit_answers, visit_times, visits
from phonehome_cloud.store.database import Database
from phonehome_cloud.store.people_tables import stock, technician
from phonehome_cloud.store.visit_tables import booking
from tests.cloud.visited import DEVICE, NOW, OTHER, add_ticket, at, begin, opened
from tests.fakes.bases import base_url

pytestmark = pytest.mark.usefixtures("each_database")


@pytest.fixture
def database(tmp_path):
    """A database with a home and its service."""
    with opened(tmp_path) as made:
        yield made


def test_no_two_visits_at_one_time_whoever_asks(tmp_path, database):
    """Eight receivers book one technician for one time at once: one visit gets it, the others are
    told; and no quarter of an hour is taken twice.
    """
    homes = [DEVICE, OTHER]

    def more(connection):
        connection.execute(delete(technician).where(technician.c.technician == "tom"))
        connection.execute(update(stock).values(pieces=99))
        for number in range(2, 6):
            for dev in homes:
                add_ticket(connection, dev, number)
        return [begin(connection, dev, NOW, n).key for dev in homes for n in range(2, 6)]

    keys = database.write_now(more)
    wanted = at("2026-04-08 10:00")
    others = [Database(base_url(tmp_path)) for _ in keys]

    def ask(base, key):
        return base.write_now(visit_answers.ask_for, key, wanted, "owner", NOW)

    try:
        for base in others:
            base.open()
        with ThreadPoolExecutor(len(others)) as pool:
            won = list(pool.map(ask, others, keys))
    finally:
        for base in others:
            base.close()
    assert sum(won) == 1
    starts = [database.write_now(visits.expect, key).start_at for key in keys]
    assert len(set(starts)) == len(keys)
    assert starts[won.index(True)] == wanted


def test_the_constraint_holds_without_the_check(database):
    """Two bookings that were both decided on an empty calendar: the key of the table refuses the
    second, whatever the code has looked at.
    """
    database.write_now(lambda c: c.execute(update(stock).values(pieces=9)))
    one, other = database.write_now(begin), database.write_now(lambda c: begin(c, OTHER))
    slot = visit_times.Slot(one.technician, one.start_at, one.end_at, 0.5)

    def force(connection):
        connection.execute(booking.insert(), visits._cells(other, slot, visit_times.TERMS))

    with pytest.raises(Exception, match=r"(?i)unique"):
        database.write_now(force)


def test_a_time_that_leaves_no_drive_changes_nothing(database):
    """When the road is too short the visit keeps what it had: its quarters, too."""
    database.write_now(lambda c: c.execute(update(stock).values(pieces=9)))
    one, other = database.write_now(begin), database.write_now(lambda c: begin(c, OTHER))

    def cells(connection):
        rows = connection.execute(select(booking).order_by(booking.c.cell_at, booking.c.device))
        return [tuple(row) for row in rows]

    before = database.read_now(cells)
    near_at = one.end_at + 20 * 60_000
    slot = visit_times.Slot(one.technician, near_at, near_at + 2_400_000, 0.5)

    def book(connection):
        far = visits.expect(connection, other.key)
        far.area = "DE-99084"
        with pytest.raises(ConflictError, match="too near"):
            visits.book(connection, far, slot, visit_times.TERMS)

    database.write_now(book)
    assert database.read_now(cells) == before
