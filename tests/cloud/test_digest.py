"""From stored records to tickets, in the real database."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import insert, update
from sqlalchemy.exc import IntegrityError

import phonehome_product
from phonehome_cloud.core.fingerprint import fingerprint_of
from phonehome_cloud.core.tickets import CLOSED, IN_PROGRESS, OPEN, RESOLVED
from phonehome_cloud.errors import ConflictError, NotFoundError, TransitionError
from phonehome_cloud.store import digest, schema, tickets
from phonehome_cloud.store.frames import load_frames
from phonehome_wire.registry import (
    KIND_CLEARED,
    KIND_CONFIRMED,
    KIND_HEALED,
    KIND_PENDING,
    RTYPE_CRASH,
    RTYPE_LOG,
    RTYPE_RESULT,
)
from tests.fakes.appliance import INC, Appliance, fault, heartbeat, hello, record
from tests.fakes.store import START_AT, StoreReceiver

pytestmark = pytest.mark.usefixtures("each_database")

PRODUCTS = Path(__file__).parents[2] / "shared" / "products"
UNKNOWN_OFF_S = 3600
FRAME = {0: [-2, 100, 5, None, -3], 1: [0, 7, 0, 0, 1]}
EXPANDED = [
    {"channel": 0, "exp": -2, "samples": [100, 105, None, 102]},
    {"channel": 1, "exp": 0, "samples": [7, 7, 7, 8]},
]


@pytest.fixture
def washer_product():
    """The washing machine's product file."""
    return phonehome_product.load(PRODUCTS / "washer.toml")


@pytest.fixture
def receiver(tmp_path, washer_product):
    """A receiver with an empty database that knows the washer."""
    made = StoreReceiver(tmp_path, products=[washer_product])
    yield made
    made.close()


@pytest.fixture
async def washer(receiver):
    """A registered washer."""
    appliance = Appliance()
    await receiver.register(appliance, product="washer")
    return appliance


async def report(receiver, appliance, *records, now_ms=60_000, **more):
    """One accepted report."""
    reply = await receiver.accept(appliance.message(records, now_ms=now_ms, **more))
    assert reply.status == 200
    return appliance.hears(reply.body)


async def the_ticket(receiver):
    """The only ticket."""
    (row,) = await receiver.rows(schema.ticket)
    return row


async def test_a_confirmed_fault_becomes_a_ticket_with_its_frame(receiver, washer, washer_product):
    """Code, title and severity from the product file; samples written out in the event."""
    known = washer_product.faults[0]
    record_ = fault(0, spn=known.id, fmi=known.fmi, severity=7, frame=FRAME)
    await report(receiver, washer, record_, boot=1)
    await receiver.digest_all()
    row = await the_ticket(receiver)
    assert (row.state, row.code, row.title) == (OPEN, known.code, known.title)
    assert (row.severity, row.product) == (known.severity_code, "washer")
    (event,) = await receiver.rows(schema.fault_event)
    assert (event.ticket, event.exp, event.value, event.limit) == (1, -2, 5312, 4000)
    assert event.has_frame
    (frame,) = (await receiver.database.read(load_frames, {tuple(event)[:4]})).values()
    assert frame == {"period_ms": 250, "trigger": 3, "channels": EXPANDED}
    (line,) = await receiver.rows(schema.ticket_event)
    assert (line.n, line.who, line.kind, line.to_state) == (0, "device", "opened", OPEN)
    (standing,) = await receiver.rows(schema.fault)
    assert (standing.kind, standing.status) == (KIND_CONFIRMED, 0x2F)


async def test_an_unknown_fault_becomes_a_ticket_too(receiver, washer):
    """No product file has to know a fault for somebody to see it."""
    await report(receiver, washer, fault(0, spn=524_287, fmi=31, severity=4))
    await receiver.digest_all()
    row = await the_ticket(receiver)
    assert (row.code, row.severity) == (None, 4)
    assert row.title == "Fault 524287: condition exists"


async def test_the_product_may_be_known_by_its_manifest(receiver, washer_product):
    """A device registered without a product says with each report which one it runs."""
    half = phonehome_product.compile_device(washer_product)
    known = washer_product.faults[0]
    appliance = Appliance(5)
    await receiver.register(appliance)
    manifest = phonehome_product.manifest_of(half)
    record_ = fault(0, spn=known.id, fmi=known.fmi)
    await report(receiver, appliance, record_, manifest=manifest)
    await receiver.digest_all()
    assert (await the_ticket(receiver)).code == known.code


async def test_a_fault_heals_and_its_ticket_resolves_by_itself(receiver, washer):
    """The device's word and then the off-rule, each with its line in the history."""
    await report(receiver, washer, fault(0))
    await receiver.digest_all()
    receiver.clock.advance(60_000)
    healed = fault(1, KIND_HEALED, ms=110_000), fault(2, KIND_CLEARED, ms=111_000)
    await report(receiver, washer, *healed, now_ms=120_000)
    await receiver.digest_all()
    row = await the_ticket(receiver)
    assert (row.state, row.recovered_at is not None) == (OPEN, True)
    receiver.clock.advance(UNKNOWN_OFF_S * 1000)
    await receiver.digest_all()
    row = await the_ticket(receiver)
    assert (row.state, row.resolve_at, row.ended_at) == (RESOLVED, None, receiver.clock())
    lines = await receiver.rows(schema.ticket_event, schema.ticket_event.c.n)
    assert [line.kind for line in lines] == ["opened", "recovering", "state"]
    assert (lines[-1].who, lines[-1].rule) == ("rule", "healed long enough")
    assert lines[-1].evidence["recovered_at"] == row.recovered_at
    assert receiver.counts.tickets == {"opened": 1, "resolved": 1}


async def test_it_reopens_when_it_comes_back(receiver, washer):
    """The same ticket, counted up, with the rule that did it."""
    await report(receiver, washer, fault(0), fault(1, KIND_HEALED))
    await receiver.digest_all()
    receiver.clock.advance(UNKNOWN_OFF_S * 1000)
    await receiver.digest_all()
    receiver.clock.advance(1_000)
    await report(receiver, washer, fault(2, ms=3_700_000), now_ms=3_710_000)
    await receiver.digest_all()
    row = await the_ticket(receiver)
    assert (row.state, row.reopened, row.occurrences, row.ended_at) == (OPEN, 1, 2, None)
    lines = await receiver.rows(schema.ticket_event, schema.ticket_event.c.n)
    assert lines[-1].rule == "back within window"


async def test_a_closed_ticket_stays_closed(receiver, washer):
    """The same fault later is another ticket of the device, with the next number."""
    await report(receiver, washer, fault(0))
    await receiver.digest_all()
    change = tickets.change_state
    await receiver.database.write(change, washer.device, 1, CLOSED, "token:desk", START_AT)
    await report(receiver, washer, fault(1), now_ms=61_000)
    await receiver.digest_all()
    rows = await receiver.rows(schema.ticket, schema.ticket.c.number)
    assert [(row.number, row.state) for row in rows] == [(1, CLOSED), (2, OPEN)]


async def test_many_confirmations_of_many_reports_are_one_ticket(receiver, washer):
    """Concurrent, repeated and out of order: one ticket, each occurrence counted once."""
    messages = [
        washer.message([fault(n), fault(n + 1)], now_ms=60_000 + n) for n in range(0, 40, 2)
    ]
    everything = [*messages, *reversed(messages), *messages]
    digesting = asyncio.create_task(receiver.digest.run())
    replies = await asyncio.gather(*(receiver.accept(message) for message in everything))
    digesting.cancel()
    await asyncio.wait([digesting])
    assert {reply.status for reply in replies} == {200}
    await receiver.digest_all()
    row = await the_ticket(receiver)
    assert (row.occurrences, row.state) == (40, OPEN)
    assert await receiver.count(schema.fault_event) == 40


async def test_devices_and_failure_modes_have_tickets_of_their_own(receiver, washer):
    """The key is (device, fault id, failure mode)."""
    fridge = Appliance(2)
    await receiver.register(fridge)
    await report(receiver, washer, fault(0), fault(1, fmi=5), fault(2, spn=524_001))
    await report(receiver, fridge, fault(0))
    await receiver.digest_all()
    rows = await receiver.rows(schema.ticket, schema.ticket.c.device, schema.ticket.c.number)
    assert [(row.device, row.number) for row in rows] == [
        (washer.device, 1),
        (washer.device, 2),
        (washer.device, 3),
        (fridge.device, 1),
    ]


async def test_the_index_refuses_a_second_open_ticket(receiver, washer):
    """Whatever the code does, the database keeps the promise."""
    await report(receiver, washer, fault(0))
    await receiver.digest_all()
    row = (await the_ticket(receiver))._asdict() | {"number": 2}
    with pytest.raises(IntegrityError):
        await receiver.database.write(lambda c: c.execute(insert(schema.ticket).values(row)))
    ended = row | {"ended_at": 5, "state": RESOLVED}
    await receiver.database.write(lambda c: c.execute(insert(schema.ticket).values(ended)))


async def test_a_suppressed_report_opens_a_late_ticket_at_its_own_time(receiver, washer):
    """Held back and replayed by somebody on the way: marked late, not lost, not now."""
    held = washer.message([fault(0, ms=55_000)], now_ms=60_000)
    await report(receiver, washer, heartbeat(1), now_ms=61_000)
    receiver.clock.advance(7_200_000)
    await report(receiver, washer, heartbeat(2), now_ms=7_261_000)
    reply = await receiver.accept(held)
    assert washer.hears(reply.body).stored == [(1, 0, 0)]
    await receiver.digest_all()
    row = await the_ticket(receiver)
    assert row.late
    assert row.event_at == pytest.approx(START_AT - 6_000, abs=60_000)
    (event,) = await receiver.rows(schema.fault_event)
    assert event.late


async def test_pending_is_history_only(receiver, washer):
    """It is kept, without a ticket."""
    await report(receiver, washer, fault(0, KIND_PENDING))
    await receiver.digest_all()
    assert await receiver.count(schema.ticket) == 0
    (event,) = await receiver.rows(schema.fault_event)
    assert (event.kind, event.ticket) == (KIND_PENDING, None)


async def test_crashes_logs_and_results_are_kept_with_names(receiver, washer):
    """They are history of the device and open nothing; heartbeats need no digest."""
    crash = record(
        RTYPE_CRASH,
        {0: 1, 1: "OSError", 2: "[Errno 110] ETIMEDOUT", 3: [["main.py", 42, "run"]], 7: 3},
        seq=0,
    )
    log = record(RTYPE_LOG, [[-5, "net", "rssi low", -81]], seq=1)
    result = record(RTYPE_RESULT, {0: 7, 1: 0, 2: b"\x01\x02"}, seq=2)
    await report(receiver, washer, crash, log, result, heartbeat(3))
    await receiver.digest_all()
    rows = await receiver.rows(schema.device_event, schema.device_event.c.seq)
    assert [row.rtype for row in rows] == [RTYPE_CRASH, RTYPE_LOG, RTYPE_RESULT]
    assert rows[0].body["exception"] == "OSError"
    assert rows[0].fingerprint == fingerprint_of(rows[0].body)
    assert rows[1].fingerprint is None
    assert rows[0].body["frames"] == [["main.py", 42, "run"]]
    assert rows[1].body == [[-5, "net", "rssi low", -81]]
    assert rows[2].body == {"cseq": 7, "status": 0, "value": "0102"}
    assert await receiver.count(schema.ticket) == 0
    assert receiver.counts.digested == {"done": 3, "failed": 0}


async def test_a_hello_describes_its_boot(receiver, washer):
    """Agent, board and reset cause are the session's."""
    await report(receiver, washer, hello(0))
    await receiver.digest_all()
    (row,) = await receiver.rows(schema.session)
    assert (row.agent, row.reset_cause, row.config_version) == ("0.1.0", 1, 3)
    assert row.platform == "rp2 Raspberry Pi Pico W"


async def test_a_boot_that_never_spoke_is_placed_between_its_neighbours(receiver, washer):
    """Its records come with the next boot, which bounds their time."""
    await report(receiver, washer, heartbeat(0), boot=1, now_ms=60_000)
    receiver.clock.advance(600_000)
    await report(receiver, washer, fault(0, boot=2, ms=20_000), boot=3, now_ms=5_000)
    await receiver.digest_all()
    (event,) = await receiver.rows(schema.fault_event)
    assert event.time_quality == "bounded"
    low, high = event.event_at - event.uncertainty_ms, event.event_at + event.uncertainty_ms
    assert low >= START_AT - 60_000
    assert high <= START_AT + 595_000 + 10


async def poison(receiver, seq, raw):
    """Spoil a stored record, as a bug or a bad disk would."""
    table = schema.record
    statement = update(table).where(table.c.seq == seq).values(raw=raw)
    await receiver.database.write(lambda c: c.execute(statement))


@pytest.mark.parametrize("raw", [b"", b"\xff", b"\x80", b"\x85\x03\x01\x01\x01\xa0", b"\xa0"])
async def test_a_poisoned_record_never_blocks_the_digest(receiver, washer, raw):
    """It is marked with its reason and counted; its neighbours become what they are."""
    await report(receiver, washer, fault(0), fault(1), fault(2))
    await poison(receiver, 1, raw)
    await receiver.digest_all()
    assert (await the_ticket(receiver)).occurrences == 2
    rows = await receiver.rows(schema.record, schema.record.c.seq)
    assert all(row.digested_at is not None for row in rows)
    assert [row.digest_failure is None for row in rows] == [True, False, True]
    assert receiver.counts.digested == {"done": 2, "failed": 1}


async def test_a_record_the_database_refuses_is_set_aside_alone(receiver, washer, monkeypatch):
    """Whatever one record raises, the others of its batch are digested."""
    add = digest.faults.add_fault_events

    def refuse_the_second(connection, events):
        if any(transition.head.seq == 1 for transition, _ in events):
            raise IntegrityError("insert", {}, Exception("refused"))
        add(connection, events)

    monkeypatch.setattr(digest.faults, "add_fault_events", refuse_the_second)
    await report(receiver, washer, fault(0), fault(1), fault(2))
    await receiver.digest_all()
    rows = await receiver.rows(schema.record, schema.record.c.seq)
    assert [row.digest_failure is None for row in rows] == [True, False, True]
    assert "IntegrityError" in rows[1].digest_failure
    assert (await the_ticket(receiver)).occurrences == 2


async def test_digesting_twice_changes_nothing(receiver, washer):
    """A digest that lost its marks finds its own work done."""
    await report(receiver, washer, fault(0), fault(1, KIND_HEALED), hello(2))
    await receiver.digest_all()
    tables = (schema.ticket, schema.ticket_event, schema.fault_event, schema.device_event)
    before = [await receiver.rows(table) for table in tables]
    await receiver.database.write(
        lambda c: c.execute(update(schema.record).values(digested_at=None))
    )
    await receiver.digest_all()
    assert [await receiver.rows(table) for table in tables] == before


async def test_records_of_an_older_incarnation_do_not_move_the_fault(receiver, washer):
    """What a lost state left behind is older than everything of the new one."""
    other = b"\x01\x02\x03\x04"
    await report(receiver, washer, heartbeat(0), now_ms=60_000)
    receiver.clock.advance(1_000)
    healed = fault(0, KIND_HEALED, ms=1_000)
    await report(receiver, washer, healed, inc=other, now_ms=2_000)
    old = fault(7, ms=61_000)
    await report(receiver, washer, old, inc=other, now_ms=3_000, origin_inc=INC)
    await receiver.digest_all()
    (standing,) = await receiver.rows(schema.fault)
    assert (standing.inc, standing.kind) == (other.hex(), KIND_HEALED)
    assert (await the_ticket(receiver)).resolve_at is not None


async def test_people_change_states_and_comment(receiver, washer):
    """Each with who, when and what they wrote."""
    await report(receiver, washer, fault(0))
    await receiver.digest_all()
    write, device = receiver.database.write, washer.device
    await write(tickets.change_state, device, 1, IN_PROGRESS, "token:desk", START_AT + 1, "on it")
    await write(tickets.comment, device, 1, "token:desk", "pump ordered", START_AT + 2)
    lines = await receiver.rows(schema.ticket_event, schema.ticket_event.c.n)
    told = [(line.who, line.kind, line.to_state, line.text, line.at) for line in lines[1:]]
    assert told == [
        ("token:desk", "state", IN_PROGRESS, "on it", START_AT + 1),
        ("token:desk", "comment", None, "pump ordered", START_AT + 2),
    ]
    assert (await the_ticket(receiver)).updated_at == START_AT + 2
    with pytest.raises(TransitionError):
        await write(tickets.change_state, device, 1, IN_PROGRESS, "token:desk", START_AT)
    with pytest.raises(NotFoundError, match=f"{device}-9"):
        await write(tickets.comment, device, 9, "token:desk", "x", START_AT)
    assert await receiver.count(schema.ticket_event) == 3


async def test_a_ticket_is_not_reopened_beside_an_open_one(receiver, washer):
    """The newer ticket of the fault is the one to work on."""
    await report(receiver, washer, fault(0))
    await receiver.digest_all()
    write, device = receiver.database.write, washer.device
    await write(tickets.change_state, device, 1, RESOLVED, "token:desk", START_AT)
    receiver.clock.advance(8 * 86_400_000)
    await report(receiver, washer, fault(1, ms=8 * 86_400_000), now_ms=8 * 86_400_000 + 61_000)
    await receiver.digest_all()
    assert await receiver.count(schema.ticket) == 2
    with pytest.raises(ConflictError, match="another ticket of this fault is open"):
        await write(tickets.change_state, device, 1, OPEN, "token:desk", START_AT)


async def test_the_digest_wakes_up_when_something_was_committed(receiver, washer):
    """A ticket is there well before the next tick."""
    seen = asyncio.get_running_loop().create_future()
    receiver.digest.on_ticket = seen.set_result
    task = asyncio.create_task(receiver.digest.run())
    await report(receiver, washer, fault(0))
    receiver.digest.wake()
    ticket = await asyncio.wait_for(seen, 5)
    assert (ticket.device, ticket.number) == (washer.device, 1)
    task.cancel()
    await asyncio.wait([task])
