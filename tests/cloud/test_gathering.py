"""What many tickets write in one transaction goes in together, and what all read is read once."""

import pytest
from sqlalchemy import event, func, select

from phonehome_cloud.core.caring import RUNNING, WAITING_CONSENT, ActionRow, StartError
from phonehome_cloud.core.deciding.situation import PERSON, SELF_HELP
from phonehome_cloud.store import acting, gathering, links, operators
from phonehome_cloud.store.acting import persons
from phonehome_cloud.store.acting_tables import assignment
from phonehome_cloud.store.people_tables import link
from phonehome_cloud.store.schema import effect
from tests.cloud.household import CLOGGED, Household
from tests.cloud.kettle import Home

pytestmark = pytest.mark.usefixtures("each_database")


@pytest.fixture
def home(tmp_path):
    """A kettle, for its database."""
    made = Home(tmp_path)
    yield made
    made.close()


def put(connection, name):
    """A row that any table would do for."""
    links.make(connection, "test", name, 1)


def names(connection):
    """What is in the table."""
    query = select(link.c.subject).where(link.c.purpose == "test").order_by(link.c.subject)
    return list(connection.execute(query).scalars())


def count(connection):
    """How many there are, for `shared`."""
    return connection.execute(select(func.count()).select_from(link)).scalar_one()


def be_refused(connection, work, *, puts_only):
    """A start that does some of its work, and then cannot go on."""
    with gathering.attempt(connection, puts_only=puts_only):
        work()
        raise StartError("nobody")


def test_rows_wait_for_the_end(home):
    """Inside they are not there yet, behind it they are, in one statement; outside, at once."""

    def write(connection):
        put(connection, "a")
        assert names(connection) == ["a"]
        with gathering.gather(connection, {}):
            put(connection, "b")
            put(connection, "c")
            assert names(connection) == ["a"]
        assert names(connection) == ["a", "b", "c"]
        put(connection, "d")
        return names(connection)

    assert home.do(write) == ["a", "b", "c", "d"]


def test_nothing_is_left_of_a_gathering_that_failed(home):
    """Neither rows nor the gathering: the next one on this connection begins anew."""

    def fail(connection):
        with gathering.gather(connection, {}):
            put(connection, "a")
            raise ValueError("no")

    def catch(connection):
        with pytest.raises(ValueError, match="no"):
            fail(connection)
        put(connection, "b")
        return names(connection)

    assert home.do(catch) == ["b"]


@pytest.mark.parametrize("puts_only", [True, False])
def test_an_attempt_that_failed_is_forgotten(home, puts_only):
    """What was put before stays, what was put inside does not, and what all read is read anew,
    with everything that was put by then.
    """

    def write(connection):
        with gathering.gather(connection, {}):
            put(connection, "a")
            with gathering.attempt(connection, puts_only=puts_only):
                put(connection, "b")
            assert gathering.shared(connection, count) == 2
            with pytest.raises(StartError):
                be_refused(connection, lambda: put(connection, "c"), puts_only=puts_only)
            assert gathering.shared(connection, count) == 2
            put(connection, "d")
            assert gathering.shared(connection, count) == 2  # as the first had it
        assert gathering.shared(connection, count) == 3
        return names(connection)

    assert home.do(write) == ["a", "b", "d"]


def test_what_is_written_at_once_is_rolled_back(home):
    """A start that writes past the gathering leaves nothing when it is refused."""

    def write(connection):
        row = {"hash": b"x" * 32, "purpose": "test", "subject": "a", "expires_at": 1}
        insert = link.insert().values(row)
        with gathering.gather(connection, {}), pytest.raises(StartError):
            be_refused(connection, lambda: connection.execute(insert), puts_only=False)
        return names(connection)

    assert home.do(write) == []


def changes(connection, work):
    """The statements of some work that change something."""
    found = []

    def note(_connection, _cursor, statement, *_more):
        if not statement.lstrip().startswith(("SELECT", "WITH")):
            found.append(statement)

    event.listen(connection, "before_cursor_execute", note)
    work()
    event.remove(connection, "before_cursor_execute", note)
    return found


@pytest.mark.parametrize(
    ("action_id", "state"),
    [("descale", RUNNING), ("ask", RUNNING), ("restart", WAITING_CONSENT)]
    + [(name, WAITING_CONSENT) for name in ("descale", "new_lid", "new_one")],
)
def test_what_puts_only_writes_nothing_else(home, action_id, state):
    """The kinds that are begun without a savepoint: nothing could be left of them. The control is
    the same start outside of a gathering, which writes.
    """
    home.stock_lids(2)
    begins = acting.STARTS if state == RUNNING else acting.ASKS

    def begin(connection, n):
        case = home.case(connection, action_id)
        row = ActionRow(
            *("a4cf12fffe05d3b1", 1, n), case.action.kind, action_id, state, "r", "owner", 1
        )
        return changes(
            connection,
            lambda: begins[row.kind](connection, row, case, home.clock()),
        )

    def write(connection):
        with gathering.gather(connection, {}):
            inside = begin(connection, 0)
        return inside, begin(connection, 1)

    inside, outside = home.do(write)
    assert inside == []
    assert outside
    assert {SELF_HELP, PERSON} == acting.PUTS_ONLY


async def report(home, first, pumps, turns):
    """So many new pumps have failed, and their tickets are due."""
    for number in range(first, first + pumps):
        await home.says(await home.pump(number), digest=False, turns=turns)
    await home.digest_all()


@pytest.mark.parametrize(("turns", "kind"), [(CLOGGED, "self_help"), (None, "person")])
async def test_more_tickets_take_no_more_statements(tmp_path, turns, kind):
    """Twelve tickets of a batch are considered, begun and told of in as many as four."""
    home, counts = Household(tmp_path), []

    def note(_connection, _cursor, _statement, *_more):
        counts[-1] += 1

    for first, pumps in ((1, 2), (3, 4), (7, 12)):  # the first is a warm-up
        await report(home, first, pumps, turns)
        counts.append(0)
        event.listen(home.database.engine, "before_cursor_execute", note)
        assert await home.caring.step() == pumps
        event.remove(home.database.engine, "before_cursor_execute", note)
    assert [row.kind for row in await home.actions()] == [kind] * 18
    assert len(await home.letters()) >= 18
    assert counts[2] == counts[1]
    home.close()


async def test_a_batch_is_shared_out(tmp_path):
    """Who was given a ticket of a batch has more in hand for the next one of it."""
    home = Household(tmp_path)

    def hire(connection):
        for name, capacity in (("ada", 2), ("bob", 20)):
            given = {"mail": f"{name}@desk.example", "skills": [], "level": 1}
            operators.put(connection, name, given | {"capacity": capacity}, 1)

    await home.do(hire)
    await report(home, 1, 6, None)
    assert await home.caring.step() == 6
    rows = await home.rows(assignment)
    held = sorted(row.operator for row in rows)
    assert held == ["ada", "bob", "bob", "bob", "bob", "bob"]
    assert {row.number for row in rows} == {1}
    loads = await home.database.read(persons.load_operators)
    assert {one.name: one.load for one in loads} == {"ada": 1, "bob": 5}
    told = {letter.recipient for letter in await home.rows(effect)}
    assert {"operator:ada", "operator:bob"} <= told
    home.close()
