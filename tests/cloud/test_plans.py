"""The queries of the hot path use an index and carry the device."""

import pytest
from sqlalchemy import event
from sqlalchemy.dialects import postgresql

from phonehome_cloud.core.wishes import Wish
from phonehome_cloud.store import commands, configs, schema
from phonehome_cloud.store.dialects import join_keys
from phonehome_wire.registry import KIND_HEALED, RTYPE_RESULT
from tests.fakes.appliance import Appliance, fault, heartbeat, hello, record
from tests.fakes.bases import empty_shared, use_base
from tests.fakes.store import StoreReceiver

# Found by time, not by device: the digest's queue, what is due, and the devices to be told.
QUEUES = (
    "ix_record_waiting",
    "ix_ticket_due",
    "ix_command_open",
    "ix_command_deadline",
    "ix_device_config_due",
)


@pytest.fixture(params=["sqlite", "postgresql"])
async def plans(request, tmp_path):
    """Every statement that intake and digest ran, with the database's plan for it."""
    explain_words = "EXPLAIN QUERY PLAN "
    if request.param == "postgresql":
        # Three devices are a page: only where no index helps is a scan left in the plan.
        never = "&options=-c%20enable_seqscan%3Doff"
        use_base(tmp_path, empty_shared(request.getfixturevalue("postgresql")) + never)
        explain_words = "EXPLAIN "
    receiver = StoreReceiver(tmp_path)
    fleet = [Appliance(number) for number in range(3)]
    for appliance in fleet:
        await receiver.register(appliance)
    found = {}

    def explain(_connection, cursor, statement, parameters, _context, _many):
        if statement.startswith(("SELECT", "UPDATE", "INSERT")):
            one = parameters[0] if isinstance(parameters, list) else parameters
            rows = cursor.execute(explain_words + statement, one).fetchall()
            found[statement] = [str(row[-1]).strip() for row in rows]

    event.listen(receiver.database.engine, "before_cursor_execute", explain)
    for appliance in fleet:
        await receiver.accept(appliance.message([hello(0), fault(1)], manifest=b"abcd"))
        again = [fault(1), fault(1, severity=1), fault(2, KIND_HEALED), heartbeat(9, boot=0)]
        await receiver.accept(appliance.message(again, now_ms=61_000))
    await receiver.digest_all()
    await tell(receiver, fleet[0])
    receiver.clock.advance(86_400_000)
    await receiver.digest_all()
    event.remove(receiver.database.engine, "before_cursor_execute", explain)
    assert await receiver.count(schema.ticket) == 3
    receiver.close()
    return found


# A handful of rows, written by hand: where events go is read once for all tickets of a batch.
WRITTEN_BY_HAND = ("webhook",)


async def tell(receiver, appliance):
    """A command and a configuration, from the desk to their results."""
    device, now_at = appliance.device, receiver.clock()
    order = commands.Order(device, 1, None, True, "token:anna", now_at, now_at + 1000)
    wish = (device, None, Wish({"ack_s": 9}, {"3": ["ack_s", 9]}, {}), "token:anna", now_at)
    await receiver.database.write(commands.add, order)
    await receiver.database.write(configs.put, *wish)
    await receiver.commanding.step()
    for cseq in (1, 2):
        await receiver.accept(appliance.message([], now_ms=62_000 + cseq))
        result = record(RTYPE_RESULT, {0: cseq, 1: 0}, 20 + cseq)
        await receiver.accept(appliance.message([result], now_ms=62_100 + cseq), "mqtt")
        await receiver.commanding.step()
    receiver.commanding.publish = lambda *_: True
    await receiver.database.write(commands.add, order)
    await receiver.commanding.step()
    receiver.clock.advance(1000)
    await receiver.commanding.step()
    found = await receiver.database.read(commands.list_before, device, None, 9)
    assert [row["state"] for row in found] == ["expired", "done", "done"]


async def test_nothing_scans_a_table(plans):
    """Every step of every plan searches an index, or scans the constants of the query."""
    scans = {
        statement: [step for step in plan if _is_scan(step)] for statement, plan in plans.items()
    }
    assert {s: steps for s, steps in scans.items() if steps} == {}


def _is_scan(step):
    words = ("SCAN {}", "->  Seq Scan on {}", "Seq Scan on {}")
    names = schema.metadata.tables.keys() - set(WRITTEN_BY_HAND)
    is_table = any(step.startswith(word.format(name)) for word in words for name in names)
    return is_table and not any(queue in step for queue in QUEUES)


async def test_every_statement_carries_the_device(plans):
    """What a distributed engine needs to send it to one place."""
    assert len(plans) > 15
    for statement, plan in plans.items():
        if any(queue in str(plan) for queue in QUEUES):
            continue
        if any(f"FROM {table} " in statement for table in WRITTEN_BY_HAND):
            continue
        if "rowid" in statement or "pg_advisory" in statement:
            continue  # about what this transaction has just inserted; about no table
        where = statement.split("WHERE", 1)[-1] if "WHERE" in statement else statement
        assert "device" in where, statement


def test_lookups_by_many_keys_can_be_written_for_postgresql():
    """One typed array per column of the key, and the lock on the table alone."""
    columns = schema.ticket.c.device, schema.ticket.c.spn
    statement = join_keys("postgresql", columns, (schema.ticket.c.number,), lock=True)
    text = " ".join(str(statement.compile(dialect=postgresql.dialect())).split())
    assert "unnest(%(device)s::VARCHAR(16)[], %(spn)s::INTEGER[]) AS wanted(device, spn)" in text
    assert text.endswith("FOR UPDATE OF ticket")
