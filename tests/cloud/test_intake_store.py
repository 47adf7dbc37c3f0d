"""WIRE.md 4.3, steps 5 and 6: what a commit makes of a message, and what the ack says."""

import pytest

from phonehome_cloud.store import schema
from phonehome_wire.registry import (
    POLL_HELLO,
    REFUSED_COLLISION,
)
from tests.fakes.appliance import INC, Appliance, fault, heartbeat, hello
from tests.fakes.store import START_AT, StoreReceiver

pytestmark = pytest.mark.usefixtures("each_database")

OTHER_INC = b"\x01\x02\x03\x04"


@pytest.fixture
def receiver(tmp_path):
    """A receiver with an empty database."""
    made = StoreReceiver(tmp_path)
    yield made
    made.close()


@pytest.fixture
async def washer(receiver):
    """A registered appliance."""
    appliance = Appliance()
    await receiver.register(appliance)
    return appliance


# Step 5: the session, and what is late.


async def test_the_first_message_makes_a_session(receiver, washer):
    """Presence and an upper bound on the boot's time are kept."""
    await receiver.accept(washer.message([heartbeat()], now_ms=60_000, next_seq=1, dropped=3))
    (row,) = await receiver.rows(schema.session)
    assert (row.inc, row.boot, row.newest, row.last_now_ms) == (INC.hex(), 1, True, 60_000)
    assert (row.last_seen_at, row.next_seq, row.dropped) == (START_AT, 1, 3)
    (bound,) = await receiver.rows(schema.anchor)
    assert (bound.kind, bound.slot, bound.device_ms, bound.utc_ms) == (0, 0, 60_000, START_AT)
    assert await receiver.count(schema.security_event) == 0


async def test_a_new_boot_takes_over(receiver, washer):
    """Exactly one boot of an incarnation is the newest."""
    await receiver.accept(washer.message(boot=1))
    await receiver.accept(washer.message(boot=2, now_ms=2_000))
    rows = await receiver.rows(schema.session, schema.session.c.boot)
    assert [(row.boot, row.newest) for row in rows] == [(1, False), (2, True)]


async def test_a_new_incarnation_is_noted(receiver, washer):
    """A device that lost its state says so by a new incarnation, once."""
    await receiver.accept(washer.message())
    for now_ms in (1_000, 2_000):
        await receiver.accept(washer.message(inc=OTHER_INC, now_ms=now_ms))
    (event,) = await receiver.rows(schema.security_event)
    assert (event.kind, event.detail) == ("state_lost", {"inc": OTHER_INC.hex()})


@pytest.mark.parametrize(("boot", "now_ms"), [(1, 70_000), (2, 59_999)])
async def test_late_traffic_moves_nothing(receiver, washer, boot, now_ms):
    """An older boot, or an earlier moment of this one, is stored but is not presence or time."""
    await receiver.accept(washer.message(boot=2, now_ms=60_000))
    before = await receiver.rows(schema.session), await receiver.rows(schema.anchor)
    receiver.clock.advance(5_000)
    late = washer.message([fault(0, boot=boot)], boot=boot, now_ms=now_ms)
    reply = await receiver.accept(late)
    assert washer.hears(reply.body).stored == [(boot, 0, 0)]
    assert (await receiver.rows(schema.session), await receiver.rows(schema.anchor)) == before
    (row,) = await receiver.rows(schema.record)
    assert row.late


async def test_a_replayed_message_moves_nothing(receiver, washer):
    """The very same bytes again earn an ack and nothing else."""
    message = washer.message([fault(0)])
    await receiver.accept(message)
    before = await receiver.rows(schema.session), await receiver.rows(schema.anchor)
    receiver.clock.advance(5_000)
    reply = await receiver.accept(message)
    assert (reply.status, reply.reason) == (200, "duplicate")
    assert washer.hears(reply.body).stored == [(1, 0, 0)]
    assert (await receiver.rows(schema.session), await receiver.rows(schema.anchor)) == before
    assert [await receiver.count(t) for t in (schema.message, schema.record)] == [1, 1]


async def test_an_echo_of_server_time_is_a_lower_bound_once(receiver, washer):
    """The same echo in the next report adds nothing; one from the future is not believed."""
    echo = {"server_ms": START_AT - 40_000, "server_at_ms": 20_000}
    await receiver.accept(washer.message(now_ms=60_000, **echo))
    await receiver.accept(washer.message(now_ms=61_000, **echo))
    future = {"server_ms": START_AT + 1, "server_at_ms": 61_500}
    await receiver.accept(washer.message(now_ms=62_000, **future))
    bounds = await receiver.rows(schema.anchor, schema.anchor.c.kind, schema.anchor.c.slot)
    found = [(b.kind, b.slot, b.device_ms, b.utc_ms) for b in bounds]
    assert found[-1] == (1, 0, 20_000, START_AT - 40_000)
    assert [kind for kind, *_ in found] == [0, 0, 0, 1]


async def test_a_last_will_is_offline_and_never_time(receiver, washer):
    """It was signed at the connect: it sets the state of its connection and nothing else."""
    await receiver.accept(washer.message(now_ms=1_000, state=1, conn=7), "mqtt")
    await receiver.accept(washer.message(now_ms=9_000), "mqtt")
    await receiver.accept(washer.message(now_ms=900, state=0, conn=7), "mqtt")
    (row,) = await receiver.rows(schema.session)
    assert (row.state, row.conn, row.last_now_ms) == (0, 7, 9_000)


async def test_an_old_last_will_does_not_hide_a_new_connection(receiver, washer):
    """States are ordered by the connection number, not by arrival."""
    await receiver.accept(washer.message(now_ms=5_000, state=1, conn=8), "mqtt")
    await receiver.accept(washer.message(now_ms=900, state=0, conn=7), "mqtt")
    (row,) = await receiver.rows(schema.session)
    assert (row.state, row.conn) == (1, 8)


# Step 5: records.


async def test_the_same_record_again_is_acknowledged_and_stored_once(receiver, washer):
    """A lost ack is harmless: the record comes again in another report."""
    await receiver.accept(washer.message([fault(0)]))
    reply = await receiver.accept(washer.message([fault(0), fault(1)], now_ms=61_000))
    assert washer.hears(reply.body).stored == [(1, 0, 1)]
    assert await receiver.count(schema.record) == 2


async def test_another_record_under_the_same_id_is_refused(receiver, washer):
    """Two devices with one identity: the first word stands, the second is a security event."""
    await receiver.accept(washer.message([fault(0)]))
    for now_ms in (61_000, 62_000):
        reply = await receiver.accept(washer.message([fault(0, severity=1)], now_ms=now_ms))
        ack = washer.hears(reply.body)
        assert (ack.stored, ack.refused) == ([], [(1, 0, REFUSED_COLLISION)])
    (event,) = await receiver.rows(schema.security_event)
    assert (event.kind, event.count) == ("id_collision", 2)
    assert event.detail == {"inc": INC.hex(), "boot": 1, "seq": 0}
    (row,) = await receiver.rows(schema.record)
    assert row.raw == fault(0)


async def test_a_collision_inside_one_message_is_refused(receiver, washer):
    """The first of two records with one id wins, also when nothing was stored before."""
    reply = await receiver.accept(washer.message([fault(0), fault(0, severity=1)]))
    ack = washer.hears(reply.body)
    assert (ack.stored, ack.refused) == ([(1, 0, 0)], [(1, 0, REFUSED_COLLISION)])


async def test_records_of_an_older_incarnation_keep_it(receiver, washer):
    """Key 13 names whose records they are; the ack echoes it."""
    message = washer.message([fault(0, boot=9)], inc=OTHER_INC, origin_inc=INC)
    ack = washer.hears((await receiver.accept(message)).body)
    assert (ack.origin_inc, ack.stored) == (INC, [(9, 0, 0)])
    (row,) = await receiver.rows(schema.record)
    assert (row.inc, row.boot) == (INC.hex(), 9)
    await receiver.accept(washer.message([fault(0, boot=9, severity=1)], inc=OTHER_INC))
    assert await receiver.count(schema.record) == 2, "the same numbers, another incarnation"


async def test_the_raw_bytes_are_kept(receiver, washer):
    """What was signed is what is stored."""
    message = washer.message([fault(0)], utc_ms=5, utc_quality=1)
    await receiver.accept(message, "serial")
    (row,) = await receiver.rows(schema.message)
    assert (row.raw, row.transport, row.received_at) == (message, "serial", START_AT)
    assert (row.utc_ms, row.utc_quality) == (5, 1)


async def test_one_device_does_not_see_another(receiver, washer):
    """The same numbers of two devices are two records."""
    fridge = Appliance(2)
    await receiver.register(fridge)
    for appliance in (washer, fridge):
        reply = await receiver.accept(appliance.message([fault(0)]))
        assert appliance.hears(reply.body).stored == [(1, 0, 0)]
    assert await receiver.count(schema.record) == 2


# Step 6: the ack.


async def test_the_ack_echoes_the_session_and_brings_the_time(receiver, washer):
    """It answers one uplink: keys 1, 2 and 3 are that one's own."""
    reply = await receiver.accept(washer.message([heartbeat(5)], boot=3, now_ms=777))
    ack = washer.hears(reply.body)
    assert (ack.inc, ack.boot, ack.echo_ms, ack.server_ms) == (INC, 3, 777, START_AT)
    assert (ack.stored, ack.refused, ack.backoff_s) == ([(1, 5, 5)], [], None)
    assert (ack.origin_inc, ack.poll) == (None, None)


async def test_an_empty_poll_is_acknowledged(receiver, washer):
    """A device may only ask."""
    reply = await receiver.accept(washer.message())
    assert (reply.reason, washer.hears(reply.body).stored) == ("accepted", [])


async def test_sixty_four_scattered_records_fit_into_an_ack(receiver, washer):
    """Sequence numbers with gaps make one range each."""
    records = [heartbeat(seq * 2) for seq in range(64)]
    reply = await receiver.accept(washer.message(records))
    assert len(reply.body) <= 1024
    assert len(washer.hears(reply.body).stored) == 64


async def test_an_ack_that_would_be_too_large_names_fewer_records(receiver, washer):
    """What it leaves out is sent again and acknowledged as a duplicate."""
    big = 2**40
    records = [heartbeat(big + seq * 2, boot=big) for seq in range(64)]
    reply = await receiver.accept(washer.message(records, boot=big))
    assert len(reply.body) <= 1024
    assert 0 < len(washer.hears(reply.body).stored) < 64


async def test_an_unknown_catalog_is_asked_for_until_it_is_known(receiver, washer):
    """The poll bit stands until a hello brought the catalog."""
    manifest = b"\xb0\x7d\x55\xe2"
    ack = washer.hears((await receiver.accept(washer.message(manifest=manifest))).body)
    assert ack.poll == POLL_HELLO
    birth = hello(catalog={0: ["temperature", "Cel"]})
    reply = await receiver.accept(washer.message([birth], now_ms=61_000, manifest=manifest))
    assert washer.hears(reply.body).poll is None, "it is in this very report"
    await receiver.digest_all()
    reply = await receiver.accept(washer.message(now_ms=62_000, manifest=manifest))
    assert washer.hears(reply.body).poll is None
    (row,) = await receiver.rows(schema.manifest)
    assert (row.manifest, row.channels) == (manifest.hex(), {"0": ["temperature", "Cel"]})


async def test_the_catalog_of_a_product_file_is_not_asked_for(tmp_path):
    """The receiver has it already."""
    receiver = StoreReceiver(tmp_path, manifests=frozenset({"b07d55e2"}))
    washer = Appliance()
    await receiver.register(washer)
    reply = await receiver.accept(washer.message(manifest=bytes.fromhex("b07d55e2")))
    assert washer.hears(reply.body).poll is None
    receiver.close()
