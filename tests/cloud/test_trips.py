"""Statements that wait for the next one, or for the commit, and go with it to PostgreSQL."""

import asyncio
import tempfile

import pytest
from psycopg.pq import TransactionStatus
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from phonehome_cloud.store import arrays, schema
from phonehome_cloud.store.database import Database
from tests.fakes.appliance import Appliance, heartbeat
from tests.fakes.bases import empty_shared, use_base
from tests.fakes.store import StoreReceiver

DEVICE = "a4cf12fffe05d3b1"
COLUMNS = ("device", "inc", "boot", "kind", "slot", "device_ms", "utc_ms")
SLOTS = select(schema.anchor.c.slot).order_by(schema.anchor.c.slot)


@pytest.fixture
def database(postgresql):
    """An empty PostgreSQL that knows a device."""
    made = Database(empty_shared(postgresql))
    made.open()
    made.write_now(lambda c: c.execute(insert(schema.device).values(device=DEVICE, created_at=1)))
    yield made
    made.close()


def row(slot, device=DEVICE):
    """A row of `anchor`."""
    return device, "abcdef01", 1, 0, slot, 1, 1


def put(connection, *rows):
    """Let rows wait."""
    arrays.insert_rows(connection, schema.anchor, COLUMNS, rows)


def status(connection):
    """What the driver knows of the transaction."""
    return connection.connection.driver_connection.info.transaction_status


def stored(database):
    """The slots that are there for everybody."""
    return list(database.write_now(lambda c: c.scalars(SLOTS).all()))


def test_what_waits_goes_before_the_next_statement(database):
    """In the order in which it came, questions with their answers."""

    def write(connection):
        put(connection, row(1))
        first = arrays.fetch_later(connection, "SELECT slot FROM anchor", ())
        put(connection, row(2))
        assert status(connection) == TransactionStatus.IDLE  # nothing was sent
        assert connection.scalars(SLOTS).all() == [1, 2]
        assert [slot for (slot,) in first()] == [1]
        put(connection, row(3))

    database.write_now(write)
    assert stored(database) == [1, 2, 3]


def test_a_commit_takes_along_a_whole_transaction(database):
    """One that only waited is begun, written and committed in a single trip; the next one is the
    driver's again.
    """

    def write(connection):
        put(connection, row(1))
        assert status(connection) == TransactionStatus.IDLE

    database.write_now(write)
    assert stored(database) == [1]
    with pytest.raises(ZeroDivisionError):
        database.write_now(lambda c: (c.execute(insert(schema.anchor).values(row(2))), 1 // 0))
    assert stored(database) == [1]


@pytest.mark.parametrize("then", [lambda _c: None, lambda c: c.scalars(SLOTS).all()])
def test_what_went_wrong_is_told_with_whom_it_went(database, then):
    """By the commit or by the next statement; then nothing is stored, and the connection works."""

    def write(connection):
        put(connection, row(1))
        put(connection, row(2, "ffffffffffffffff"))
        put(connection, row(3))
        then(connection)

    with pytest.raises(IntegrityError, match="violates foreign key"):
        database.write_now(write)
    assert stored(database) == []
    database.write_now(put, row(4))
    assert stored(database) == [4]


def test_what_waits_is_forgotten_by_a_rollback(database):
    """It does not go with the next transaction."""

    def write(connection):
        put(connection, row(1))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        database.write_now(write)
    database.write_now(put, row(2))
    assert stored(database) == [2]


def traced(database, fn, *args):
    """What a transaction returns, and how often it waits for the server: for each Sync of the
    driver, and each simple query.
    """
    link = database.write_now(lambda c: c.connection.driver_connection)
    with tempfile.TemporaryFile("w+") as file:
        link.pgconn.trace(file.fileno())
        found = database.write_now(fn, *args)
        link.pgconn.untrace()
        file.seek(0)
        said = file.read()
    return found, said.count("\tSync") + said.count("\tQuery\t")


async def test_a_commit_of_intake_takes_two_trips(tmp_path, postgresql):
    """Everything is asked in the first, everything is written and committed in the second."""
    use_base(tmp_path, empty_shared(postgresql))
    receiver = StoreReceiver(tmp_path)
    trips = []

    async def write_intake(fn, entries):
        results, count = traced(receiver.database, fn, entries)
        trips.append(count)
        return results

    receiver.database.write_intake = write_intake
    washer = Appliance()
    await receiver.register(washer)
    for n in range(3):
        message = washer.message([heartbeat(n)], now_ms=60_000 + 20_000 * n)
        assert (await receiver.accept(message)).status == 200
    assert trips == [2, 2, 2]
    receiver.close()


SCANS = """SELECT sum(seq_scan) FROM pg_stat_xact_user_tables
    WHERE relname ~ '^(message|record|session|anchor)'"""


async def read_whole_tables(receiver, way):
    """How many tables ten commits of a fleet read from end to end, written by this method."""
    write, scans = getattr(receiver.database, way), []

    async def write_intake(fn, entries):
        def counted(connection):
            found = fn(connection, entries)
            scans.append(connection.exec_driver_sql(SCANS).scalar())
            return found

        return await write(counted)

    receiver.database.write_intake = write_intake
    fleet = [Appliance(n) for n in range(10)]
    for one in fleet:
        await receiver.register(one)
    for n in range(10):
        messages = [one.message([heartbeat(n)], now_ms=60_000 + 20_000 * n) for one in fleet]
        replies = await asyncio.gather(*map(receiver.accept, messages))
        assert {reply.status for reply in replies} == {200}
    return sum(scans)


async def test_intake_finds_rows_by_index_in_a_database_that_is_new(tmp_path, postgresql):
    """Nobody has counted the rows of its tables yet, and plans are kept. The control: on other
    connections the planner reads them as a whole.
    """
    use_base(tmp_path, empty_shared(postgresql))
    receiver = StoreReceiver(tmp_path)
    assert await read_whole_tables(receiver, "write_intake") == 0
    receiver.close()
    use_base(tmp_path, empty_shared(postgresql))
    receiver = StoreReceiver(tmp_path)
    assert await read_whole_tables(receiver, "write") > 0
    receiver.close()
