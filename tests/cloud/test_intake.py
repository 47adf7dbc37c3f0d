"""WIRE.md 4.3, branch by branch, with the real database behind it."""

import asyncio

import pytest

from phonehome_cloud.core.intake import BAD_MAC_COST
from phonehome_cloud.errors import OverloadedError, StoreUnavailableError
from phonehome_cloud.store import keys, schema
from phonehome_wire.registry import (
    REFUSED_MALFORMED,
    RTYPE_FAULT,
)
from tests.fakes.appliance import INC, Appliance, encode, fault, heartbeat, record
from tests.fakes.store import StoreReceiver

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
    """Who comes too fast is told when to come again, unsigned."""
    getattr(receiver, bucket).wait_s = 2.3
    reply = await receiver.accept(washer.message(), address="192.0.2.1")
    assert (reply.status, reply.body, reply.retry_after_s) == (429, b"", 3)
    assert await nothing_stored(receiver)


async def test_a_stranger_cannot_use_up_the_bucket_of_a_key(receiver, washer):
    """Only what the key has signed counts for it; a wrong MAC costs its sender."""
    taken = []
    receiver.by_key.take = lambda key, cost=1.0: taken.append(key) or 0.0
    message = bytearray(washer.message())
    message[-1] ^= 1
    assert (await receiver.accept(bytes(message), address="192.0.2.1")).status == 401
    assert taken == []
    assert (await receiver.accept(washer.message(), address="192.0.2.1")).status == 200
    assert taken == [washer.kid]


async def test_a_report_costs_its_key_one_token_whichever_way_it_goes(receiver, washer):
    """Also when it cannot be answered at once, because a command waits: asked again, it is no copy
    of itself. The same bytes once more are one, and have a bucket of their own.
    """
    taken = []
    receiver.by_key.take = lambda key, cost=1.0: taken.append(key) or 0.0
    assert (await receiver.accept(washer.message())).status == 200
    receiver.commanding.waits_for = lambda _device: True
    message, answers = washer.message(now_ms=62_000), []
    assert not receiver.intake.accept_at_once(message, "http", None, "", answers.append)
    assert (await receiver.accept(message)).status == 200
    assert (answers, taken) == ([], [washer.kid] * 2)
    assert (await receiver.accept(message)).status == 200
    assert taken[2:] == [(washer.kid, "again")]


async def test_an_unknown_key_is_dear(receiver, washer):
    """Each name that nobody has would be looked up in the database."""
    assert (await receiver.accept(washer.message(), address="192.0.2.1")).status == 200
    other = Appliance(99).message()
    assert (await receiver.accept(other, address="192.0.2.1")).status == 401
    assert receiver.by_address.charged == {"192.0.2.1": BAD_MAC_COST}


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


async def test_a_quarantine_that_is_full_is_503(receiver, washer):
    """What cannot be kept is not answered with a refusal that the device would count."""

    async def fail(misfit):
        raise OverloadedError("queue", 7)

    receiver.committer.quarantine = fail
    reply = await receiver.accept(washer.signed(b""))
    assert (reply.status, reply.body, reply.reason) == (503, b"", "overloaded")
    assert reply.retry_after_s == 7


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
    await receiver.keys.find(washer.kid)
    messages = [washer.message([fault(i)], now_ms=60_000 + i) for i in range(300)]
    replies = await asyncio.gather(*(receiver.accept(message) for message in messages))
    assert [washer.hears(r.body).stored for r in replies] == [[(1, i, i)] for i in range(300)]
    assert len(receiver.commits) < 10
    assert await receiver.count(schema.record) == 300
