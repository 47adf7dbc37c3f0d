"""Stock: what is reserved was there, whoever else asks at the same moment."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from phonehome_cloud import migrations
from phonehome_cloud.errors import ConflictError, NotFoundError
from phonehome_cloud.store import people, stock
from phonehome_cloud.store.database import Database
from phonehome_cloud.store.people_tables import part, reservation, supplier
from phonehome_cloud.store.people_tables import stock as table
from tests.fakes.bases import base_url

pytestmark = pytest.mark.usefixtures("each_database")
PUMP = "WM-PUMP-01"
NOW = 1_000


def opened(folder):
    """The database of a folder, at this version's schema."""
    made = Database(base_url(folder))
    made.open()
    migrations.prepare(made)
    return made


@pytest.fixture
def database(tmp_path, each_database):
    """A database with a pump, of which the depot has three and a van has one."""
    made = opened(tmp_path)
    made.write_now(_fill)
    yield made
    made.close()


def _fill(connection):
    acme = {"supplier": "acme", "name": "Acme", "language": "en", "lead_days": 5, "updated_at": 0}
    connection.execute(insert(supplier), acme)
    row = {"title": "Pump", "currency": "EUR", "price_cents": 4890, "updated_at": 0}
    connection.execute(insert(part), {"part": PUMP, "supplier": "acme", **row})
    connection.execute(insert(part), {"part": "OLD", "discontinued": True, **row})
    for van, pieces in (("", 3), ("T-07", 1)):
        connection.execute(insert(table), {"part": PUMP, "van": van, "pieces": pieces})


def counts(database):
    """(pieces, reserved) of the pump in the depot, and how many reservations there are."""
    query = select(table.c.pieces, table.c.reserved).where(table.c.part == PUMP, table.c.van == "")
    row = database.read_now(lambda connection: connection.execute(query).one())
    held = database.read_now(lambda connection: connection.execute(select(reservation)).all())
    return row.pieces, row.reserved, len(held)


def test_a_reservation_is_given_back_or_taken(database):
    """Reserved pieces are still there; they leave when they are taken, once."""
    first = database.write_now(people.reserve, PUMP, 2, NOW, ("a4cf12fffe05d3b1", 1))
    assert counts(database) == (3, 2, 1)
    second = database.write_now(people.reserve, PUMP, 1, NOW)
    with pytest.raises(
        ConflictError, match="there are not 1 of part WM-PUMP-01 free in the depot"
    ):
        database.write_now(people.reserve, PUMP, 1, NOW)
    database.write_now(stock.release, first)
    database.write_now(stock.take, second)
    assert counts(database) == (2, 0, 0)
    for name in (first, second):
        with pytest.raises(NotFoundError):
            database.write_now(stock.take, name)
    assert counts(database) == (2, 0, 0)


def test_what_can_be_had_and_when(database):
    """In the depot at once, else in the lead time; what is no longer made only while some lie."""
    assert database.read_now(people.availability, PUMP, NOW).days == 0
    database.write_now(people.reserve, PUMP, 3, NOW)
    found = database.read_now(people.availability, PUMP, NOW)
    assert (found.days, found.free, found.price_cents, found.supplier) == (5, 0, 4890, "acme")
    old = database.read_now(people.availability, "OLD", NOW)
    assert (old.days, old.is_discontinued) == (None, True)
    assert database.read_now(people.availability, "WHAT", NOW).days is None
    assert database.read_now(stock.availability, PUMP, "T-07").free == 1


@pytest.mark.parametrize("values", [{"pieces": -1}, {"reserved": 4}, {"reserved": -1}])
def test_the_database_itself_refuses_negative_stock(database, values):
    """Even a statement that forgot to look cannot bring a place below nothing."""
    wrong = update(table).where(table.c.van == "").values(values)
    with pytest.raises(IntegrityError):
        database.write_now(lambda connection: connection.execute(wrong))
    assert counts(database) == (3, 0, 0)


def test_the_last_ones_go_to_as_many_as_there_are(database, tmp_path):
    """Eight receivers that ask in one instant for one each get the three that lie there."""
    others = [opened(tmp_path) for _ in range(8)]
    start = threading.Barrier(len(others))

    def ask(one):
        start.wait()
        try:
            return one.write_now(people.reserve, PUMP, 1, NOW)
        except ConflictError:
            return None

    with ThreadPoolExecutor(len(others)) as pool:
        got = [name for name in pool.map(ask, others) if name]
    for one in others:
        one.close()
    assert len(set(got)) == 3
    assert counts(database) == (3, 3, 3)
