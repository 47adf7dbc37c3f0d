"""What a courier brought: stored and acknowledged as any report, but no sign of life."""

import pytest

from phonehome_cloud.core.anchoring import BOUNDED, RECEIVED, not_later
from phonehome_cloud.core.sessions import Journal
from phonehome_cloud.store import schema
from phonehome_wire.uplink import UplinkHead
from tests.cloud.running import running

DAY_MS = 86_400_000


def take(journal, now_ms, received_at, boot=1, inc=b"inc1", is_carried=True):
    """Let a journal note one message; True when it is late."""
    head = UplinkHead(inc, boot, now_ms, b"abcd")
    head.is_carried = is_carried
    return journal.take("d" * 16, inc.hex(), head, received_at, is_replay=False)


def test_what_is_carried_moves_nothing():
    """Neither presence nor bounds nor the newest boot, in whatever order it comes."""
    journal = Journal({})
    assert not take(journal, 1_000, 10_000, is_carried=False)
    known = journal.newest["d" * 16, b"inc1".hex()]
    before = (known.boot, known.last_now_ms, known.last_seen_at, known.upper_count, known.newest)
    for boot, now_ms, inc in ((1, 9_000, b"inc1"), (7, 5, b"inc1"), (1, 5, b"inc2")):
        assert take(journal, now_ms, 10_000 + DAY_MS, boot, inc)
    known = journal.newest["d" * 16, b"inc1".hex()]
    after = (known.boot, known.last_now_ms, known.last_seen_at, known.upper_count, known.newest)
    assert before == after
    assert len(journal.created) == 1 and journal.state_lost == []
    assert sorted({anchor.kind for anchor in journal.anchors}) == [0, 2]


def test_the_network_goes_on_behind_a_courier():
    """The next report of the network begins its boot as if no courier had been there."""
    journal = Journal({})
    take(journal, 5_000, DAY_MS)
    assert not take(journal, 6_000, DAY_MS + 1, is_carried=False)
    assert not take(journal, 7_000, DAY_MS + 2, boot=2, is_carried=False)
    assert journal.newest["d" * 16, b"inc1".hex()].boot == 2
    assert journal.state_lost == []


def test_a_carried_bound_is_the_tightest_of_them():
    """Of several visits the one that was carried shortest says most; without any, the receipt."""
    assert not_later(1_000, 77, ()) == 77
    carried = [(5_000, DAY_MS), (6_000, 2 * DAY_MS)]
    assert not_later(5_000, 3 * DAY_MS, carried) == DAY_MS
    assert not_later(1_000, 3 * DAY_MS, carried) == DAY_MS - 4_000 + 1  # and the crystal's drift


@pytest.fixture
async def receiver(tmp_path):
    """A receiver over HTTP."""
    async with running(tmp_path) as found:
        yield found


async def sessions(receiver):
    """All rows of `session`."""
    return await receiver.database.read(
        lambda connection: connection.execute(schema.session.select()).all()
    )


async def test_a_carried_report_is_acknowledged_and_opens_its_ticket(receiver):
    """Days late over HTTP: the ack names its records, the ticket is late, nobody was seen."""
    voice = await receiver.register()
    record = voice.fault(520193, 7)
    status, body, _ = await receiver.up(voice.report(record, is_carried=True))
    ack = voice.hear(body)
    assert (status, ack.stored, ack.refused) == (200, [(1, 0, 0)], [])
    page = await receiver.eventually(
        lambda: receiver.api("GET", f"/tickets?device={voice.device}"), lambda page: page["items"]
    )
    ticket = await receiver.api("GET", f"/tickets/{page['items'][0]['id']}")
    assert page["items"][0]["late"] is True
    assert ticket["freeze_frames"] == []
    assert await sessions(receiver) == []
    reports = await receiver.api("GET", f"/devices/{voice.device}/reports")
    detail = await receiver.api(
        "GET", f"/devices/{voice.device}/reports/{reports['items'][0]['id']}"
    )
    assert detail["decoded"]["is_carried"] is True


async def test_events_of_a_courier_keep_their_distance(receiver):
    """In a boot that never spoke, the time between two faults is that of the device."""
    voice = await receiver.register()
    first, voice.now_ms = voice.fault(520193, 7), 3_601_000
    second = voice.fault(520194, 7)
    await receiver.up(voice.report(first, second, is_carried=True))
    events = await receiver.eventually(lambda: fault_events(receiver), lambda rows: len(rows) == 2)
    assert {row.time_quality for row in events} == {RECEIVED}
    assert 3_599_600 <= events[1].event_at - events[0].event_at <= 3_600_000
    assert events[1].event_at <= events[1].received_at


async def test_a_boot_that_only_a_courier_told_of_lies_behind_the_one_before(receiver):
    """The network knew boot 1; what boot 2 says by courier is bounded by it, not claimed sure."""
    voice = await receiver.register()
    await receiver.up(voice.report(voice.heartbeat()))
    (before,) = await sessions(receiver)
    voice.boot, voice.seq, voice.now_ms = 2, 0, 500
    await receiver.up(voice.report(voice.fault(520193, 7), is_carried=True))
    (event,) = await receiver.eventually(lambda: fault_events(receiver), bool)
    assert event.time_quality == BOUNDED
    assert await sessions(receiver) == [before]


async def fault_events(receiver):
    """All fault events, oldest record first."""
    table = schema.fault_event
    return await receiver.database.read(
        lambda connection: connection.execute(table.select().order_by(table.c.seq)).all()
    )


async def test_network_and_courier_bring_the_same_record_once(receiver):
    """Double delivery is harmless: one ticket, one occurrence, both are acknowledged."""
    voice = await receiver.register()
    record = voice.fault(520193, 7)
    for head in ({}, {"is_carried": True}, {"is_carried": True}):
        _, body, _ = await receiver.up(voice.report(record, **head))
        assert voice.hear(body).stored == [(1, 0, 0)]
    page = await receiver.eventually(
        lambda: receiver.api("GET", f"/tickets?device={voice.device}"), lambda page: page["items"]
    )
    assert [item["occurrences"] for item in page["items"]] == [1]


async def test_a_batch_of_a_whole_visit_is_taken(receiver):
    """A hundred reports of one device one after the other: all acknowledged, none refused."""
    voice = await receiver.register()
    for _ in range(100):
        report = voice.report(voice.fault(520193, 7), voice.fault(520194, 7), is_carried=True)
        status, body, _ = await receiver.up(report)
        assert (status, len(voice.hear(body).stored)) == (200, 1)
    counted = await receiver.database.read(
        lambda connection: len(connection.execute(schema.record.select()).all())
    )
    assert counted == 200
