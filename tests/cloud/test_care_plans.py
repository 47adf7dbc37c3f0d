"""The queries of the care of tickets use an index: a million open tickets cost what ten do."""

import pytest
from sqlalchemy import event

from phonehome_cloud.core.deciding.incidents import DAY_MS
from phonehome_cloud.store import care, incidents, schema, tallies
from phonehome_wire.registry import KIND_HEALED
from tests.cloud.household import CLOGGED, DEAD, TORN, Household
from tests.fakes.bases import empty_shared, use_base

# Small by their nature, or found by what stands in the code: who works here, what is in the books.
SMALL = {
    "technician",
    "leave",
    "supplier",
    "part",
    "stock",
    "operator",
    "desk",
    "webhook",
    "webhook_secret",
    "incident",
}


# Walked from their end that is due, or that is not done.
QUEUES = ("ix_care_due", "ix_record_waiting", "ix_ticket_due", "ix_incident_following")


@pytest.fixture(params=["sqlite", "postgresql"])
async def plans(request, tmp_path):
    """Every statement of the care of some tickets, with the database's plan for it."""
    explain_words = "EXPLAIN QUERY PLAN "
    if request.param == "postgresql":
        # A few pumps are a page: only where no index helps is a scan left in the plan.
        never = "&options=-c%20enable_seqscan%3Doff"
        use_base(tmp_path, empty_shared(request.getfixturevalue("postgresql")) + never)
        explain_words = "EXPLAIN "
    home = Household(tmp_path)
    await home.do(tallies.watch, home.clock())
    home.clock.advance(30 * DAY_MS)
    found = {}

    def explain(_connection, cursor, statement, parameters, _context, _many):
        if statement.startswith(("SELECT", "UPDATE", "INSERT", "DELETE")):
            one = parameters[0] if isinstance(parameters, list) else parameters
            rows = cursor.execute(explain_words + statement, one).fetchall()
            found[statement] = [str(row[-1]).strip() for row in rows]

    pumps = await fill(home)
    event.listen(home.database.engine, "before_cursor_execute", explain)
    await live(home, pumps)
    event.remove(home.database.engine, "before_cursor_execute", explain)
    home.close()
    return found


async def fill(home):
    """Homes, a technician, parts, and reports that wait for the digest."""
    await home.technician()
    await home.stock("SIEVE-1", "PUMP-1")
    pumps = []
    for number, turns in enumerate((CLOGGED, DEAD, None, *[TORN] * 6), 1):
        pumps.append(await home.pump(number))
        await home.says(pumps[-1], digest=False, turns=turns)
    return pumps


async def live(home, pumps):
    """Decisions, outcomes, an incident with its end, and time that passes."""
    await home.digest_all()
    await home.care()
    (row,) = await home.rows(care_incident())
    await home.do(incidents.change, row.id, "dismissed", "token:ada", home.clock(), "none")
    await home.care()
    for pump in pumps:
        for action in await home.do(care.list_actions, pump.device, 1):
            if action["ended_at"] is not None:
                continue
            key = action["device"], action["ticket"], action["n"]
            await home.do(care.cancel, key, "token:ada", home.clock(), "no")
    await home.care()
    home.clock.advance(DAY_MS)
    await home.says(pumps[0], kind=KIND_HEALED)
    home.clock.advance(DAY_MS)
    await home.care()
    await home.do(incidents.look_at_boots, home.clock())
    await home.do(tallies.forget_old, home.clock())


def care_incident():
    """The table of incidents."""
    return schema.metadata.tables["incident"]


async def test_nothing_scans_a_table(plans):
    """Every step searches an index, or scans a table that is small by its nature."""
    assert len(plans) > 40
    scans = {
        statement: [step for step in plan if _is_scan(step)] for statement, plan in plans.items()
    }
    found = [f"{steps}: {statement}" for statement, steps in scans.items() if steps]
    assert "\n".join(found) == ""


def _is_scan(step):
    words = ("SCAN {}", "->  Seq Scan on {}", "Seq Scan on {}")
    tables = set(schema.metadata.tables) - SMALL
    starts = {word.format(table) for word in words for table in tables}
    is_table = any(step == start or step.startswith(start + " ") for start in starts)
    return is_table and not any(queue in step for queue in QUEUES)
