"""WIRE.md 4.3, branch by branch, with the real database behind it."""

import asyncio

import pytest

from phonehome_cloud.core.intake import BAD_MAC_COST
from phonehome_cloud.errors import StoreUnavailableError
from phonehome_cloud.store import keys, schema
from phonehome_wire.registry import (
    POLL_HELLO,
    REFUSED_COLLISION,
    REFUSED_MALFORMED,
    RTYPE_FAULT,
)
from tests.fakes.appliance import INC, Appliance, encode, fault, heartbeat, hello, record
from tests.fakes.store import START_AT, StoreReceiver

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


async def nothing_stored(receiver):
    """No message, record or session came of it."""
    counts = [await receiver.count(t) for t in (schema.message, schema.record, schema.session)]
    return counts == [0, 0, 0]


# Step 1: size, template, buckets, key.


async def test_a_message_over_the_cap_is_413(receiver, washer):
    """One byte too many is refused before anything is looked at."""
    reply = await receiver.accept(bytes(4097))
    assert (reply.status, reply.body, reply.reason) == (413, b"", "size")


@pytest.mark.parametrize("at", [0, 3, 5, 6, 7, 17])
async def test_another_template_is_401(receiver, washer, at):
    """Every fixed byte of the first 18 counts."""
    message = bytearray(washer.message([heartbeat()]))
    message[at] ^= 0x20
    reply = await receiver.accept(bytes(message))
    assert (reply.status, reply.body, reply.reason) == (401, b"", "frame")
    assert await nothing_stored(receiver)


async def test_an_empty_message_is_401(receiver):
    """Nothing is shorter than the template."""
    assert (await receiver.accept(b"")).status == 401


async def test_an_unknown_device_is_401(receiver, washer):
    """A kid nobody registered gets no signature and leaves nothing."""
    reply = await receiver.accept(Appliance(2).message([heartbeat()]))
    assert (reply.status, reply.body, reply.reason) == (401, b"", "kid")
    assert await nothing_stored(receiver)


async def test_an_unknown_epoch_is_401(receiver, washer):
    """The device is known, this key of it is not."""
    assert (await receiver.accept(Appliance(1, epoch=2).message())).reason == "kid"


async def test_a_revoked_device_is_401(receiver, washer):
    """Deleting the keys revokes at once in this process."""
    assert (await receiver.accept(washer.message())).status == 200
    await receiver.database.write(keys.delete_keys, washer.device)
    receiver.keys.forget(washer.device)
    assert (await receiver.accept(washer.message(now_ms=61_000))).status == 401


@pytest.mark.parametrize("bucket", ["by_address", "by_key"])
async def test_an_empty_bucket_is_429(receiver, washer, bucket):
    """Who comes too fast is told when to come again, unsigned, before the MAC is computed."""
    getattr(receiver, bucket).wait_s = 2.3
    reply = await receiver.accept(washer.message(), address="192.0.2.1")
    assert (reply.status, reply.body, reply.retry_after_s) == (429, b"", 3)
    assert await nothing_stored(receiver)


async def test_a_transport_without_addresses_has_no_address_bucket(receiver, washer):
    """MQTT has brokers in front: only the key's bucket counts there."""
    receiver.by_address.wait_s = 2.3
    assert (await receiver.accept(washer.message(), "mqtt")).status == 200


# Step 2: the MAC.


async def test_a_wrong_mac_is_401_and_dear(receiver, washer):
    """A guess costs its address many messages, and the device nothing."""
    message = bytearray(washer.message([heartbeat()]))
    message[-1] ^= 1
    reply = await receiver.accept(bytes(message), address="192.0.2.1")
    assert (reply.status, reply.body, reply.reason) == (401, b"", "tag")
    assert receiver.by_address.charged == {"192.0.2.1": BAD_MAC_COST}
    assert not receiver.by_key.charged
    assert await nothing_stored(receiver)


async def test_any_flipped_bit_is_401(receiver, washer):
    """No bit of a signed message may change."""
    message = washer.message([heartbeat()])
    for at in range(len(message)):
        flipped = bytearray(message)
        flipped[at] ^= 1 << at % 8
        assert (await receiver.accept(bytes(flipped))).status == 401
    assert await nothing_stored(receiver)


async def test_an_ack_sent_back_is_401(receiver, washer):
    """What the receiver signs cannot be reflected: the down key is another key."""
    reply = await receiver.accept(washer.message([heartbeat()]))
    assert (await receiver.accept(reply.body)).reason == "tag"


# Step 3: the path.


async def test_another_device_in_the_path_is_403_and_noted(receiver, washer):
    """A device with a good key may not speak in the place of another."""
    reply = await receiver.accept(washer.message([heartbeat()]), "mqtt", "00" * 8)
    assert (reply.status, reply.body, reply.reason) == (403, b"", "path")
    assert await nothing_stored(receiver)
    (event,) = await receiver.rows(schema.security_event)
    assert (event.device, event.kind, event.count) == (washer.device, "path_mismatch", 1)
    assert event.detail == {"claimed": "00" * 8, "transport": "mqtt"}


async def test_its_own_path_is_accepted(receiver, washer):
    """The topic names the device that signed."""
    assert (await receiver.accept(washer.message(), "mqtt", washer.device)).status == 200


# Step 4: strict decode.


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "length"),
        (b"\xa0", "schema"),
        (b"\xa1\x00\xf9\x3c\x00", "type"),
        (b"\xbf\xff", "indefinite"),
        (encode({0: 1, 1: b"1234", 2: 1, 3: 5, 5: b"abcd", 6: []}) + b"\x00", "trailing"),
        (encode({0: 1, 1: b"123", 2: 1, 3: 5, 5: b"abcd", 6: []}), "schema"),
        (encode({0: 1, 1: b"1234", 2: 1, 3: 5, 5: b"abcd", 6: [[3, 1, 0]]}), "schema"),
    ],
)
async def test_a_bad_envelope_is_422_and_quarantined(receiver, washer, payload, reason):
    """It is authentic, so it is kept with its reason, and once only."""
    message = washer.signed(payload)
    for _ in range(2):
        reply = await receiver.accept(message)
        assert (reply.status, reply.body, reply.reason) == (422, b"", reason)
    assert await nothing_stored(receiver)
    (kept,) = await receiver.rows(schema.quarantine)
    assert (kept.device, kept.reason, kept.raw) == (washer.device, reason, message)


async def test_a_bad_record_is_refused_alone(receiver, washer):
    """Its neighbours are stored, it is refused with code 1 and quarantined."""
    bad = record(RTYPE_FAULT, {0: 1, 1: 99, 2: 0, 3: 0, 4: 0}, seq=1)
    reply = await receiver.accept(washer.message([fault(0), bad, fault(2)]))
    ack = washer.hears(reply.body)
    assert reply.status == 200
    assert ack.stored == [(1, 0, 0), (1, 2, 2)]
    assert ack.refused == [(1, 1, REFUSED_MALFORMED)]
    (kept,) = await receiver.rows(schema.quarantine)
    assert (kept.reason, kept.boot, kept.seq, kept.raw) == ("record", 1, 1, bad)
    assert await receiver.count(schema.record) == 2


async def test_an_unknown_record_type_is_stored_and_acknowledged(receiver, washer):
    """A device is never stuck behind an old receiver."""
    raw = record(200, {7: b"new"}, seq=4)
    reply = await receiver.accept(washer.message([raw]))
    assert washer.hears(reply.body).stored == [(1, 4, 4)]
    (row,) = await receiver.rows(schema.record)
    assert (row.rtype, row.raw) == (200, raw)


async def test_an_unknown_major_is_put_off_for_a_day_under_signature(receiver, washer):
    """Nothing is stored or lost: the device keeps its records and asks again tomorrow."""
    body = {0: 2, 1: INC, 2: 1, 3: 60_000, 5: b"abcd", 6: []}
    reply = await receiver.accept(washer.said(body))
    ack = washer.hears(reply.body)
    assert (reply.status, reply.reason) == (200, "major")
    assert (ack.inc, ack.boot, ack.echo_ms) == (INC, 1, 60_000)
    assert (ack.stored, ack.refused, ack.backoff_s) == ([], [], 86_400)
    assert await nothing_stored(receiver)


async def test_an_unknown_major_without_a_session_cannot_be_answered(receiver, washer):
    """There is nothing to echo, so nothing is signed."""
    reply = await receiver.accept(washer.said({0: 2, 1: "inc", 2: 1, 3: 5, 5: b"abcd", 6: []}))
    assert (reply.status, reply.body) == (422, b"")


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


# When it cannot be stored.


async def test_a_store_that_is_away_is_503_with_a_signed_back_off(receiver, washer):
    """Nothing is acknowledged, and the device learns under signature when to come again."""

    async def fail(arrival):
        raise StoreUnavailableError("disk full", 30)

    receiver.committer.add = fail
    reply = await receiver.accept(washer.message([fault(0)]))
    ack = washer.hears(reply.body)
    assert (reply.status, reply.retry_after_s, reply.reason) == (503, 30, "unavailable")
    assert (ack.stored, ack.refused, ack.backoff_s) == ([], [], 30)


async def test_keys_that_cannot_be_read_are_503(receiver, washer):
    """A database that is away is no reason to call a device unknown."""

    async def fail(kid):
        raise StoreUnavailableError("gone")

    receiver.keys.find = fail
    reply = await receiver.accept(washer.message([fault(0)]))
    assert (reply.status, reply.body) == (503, b"")


async def test_every_message_is_counted_once(receiver, washer):
    """Transport and reason are the labels."""
    await receiver.accept(washer.message([fault(0)]))
    await receiver.accept(washer.message([fault(0)], now_ms=61_000), "mqtt")
    await receiver.accept(b"nonsense")
    assert receiver.counts.messages == {
        ("http", "accepted"): 1,
        ("mqtt", "duplicate"): 1,
        ("http", "frame"): 1,
    }


# Keys that change.


async def test_the_first_message_under_the_next_key_activates_it(receiver, washer):
    """The old key has thirty days of grace from then on."""
    renewed = Appliance(1, epoch=2)
    await receiver.register(renewed, state=keys.NEXT)
    assert (await receiver.accept(washer.message())).status == 200
    assert (await receiver.accept(renewed.message(now_ms=61_000))).status == 200
    rows = await receiver.rows(schema.device_key, schema.device_key.c.epoch)
    assert [(row.epoch, row.state) for row in rows] == [(1, "grace"), (2, "active")]
    receiver.keys.forget(washer.device)
    assert (await receiver.accept(washer.message(now_ms=62_000))).status == 200
    receiver.clock.advance(keys.GRACE_MS + 60_001)
    assert (await receiver.accept(washer.message(now_ms=63_000))).status == 401
    assert (await receiver.accept(renewed.message(now_ms=64_000))).status == 200


async def test_many_at_once_are_each_answered_for_themselves(receiver, washer):
    """Records of one commit never end up in another's ack."""
    messages = [washer.message([fault(i)], now_ms=60_000 + i) for i in range(300)]
    replies = await asyncio.gather(*(receiver.accept(message) for message in messages))
    assert [washer.hears(r.body).stored for r in replies] == [[(1, i, i)] for i in range(300)]
    assert len(receiver.commits) < 10
    assert await receiver.count(schema.record) == 300
