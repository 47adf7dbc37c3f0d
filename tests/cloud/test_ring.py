"""Whose turn it is with the digest."""

import pytest

from phonehome_cloud.store import schema
from tests.fakes.appliance import Appliance, fault
from tests.fakes.store import StoreReceiver

pytestmark = pytest.mark.usefixtures("each_database")

BATCH = 5


@pytest.fixture
async def fleet(tmp_path):
    """A receiver with three devices: the first and the last said much, then the second a word."""
    receiver = StoreReceiver(tmp_path, digest_batch=BATCH)
    appliances = [Appliance(number) for number in range(3)]
    for appliance in appliances:
        await receiver.register(appliance)
    for appliance in appliances[::2]:
        records = [fault(seq, spn=1 + seq) for seq in range(3 * BATCH)]
        assert (await receiver.accept(appliance.message(records))).status == 200
    receiver.clock.advance(1000)
    assert (await receiver.accept(appliances[1].message([fault(0)]))).status == 200
    yield receiver, [appliance.device for appliance in appliances]
    receiver.close()


async def digested(receiver):
    """How much of each device is in the fault history."""
    rows = await receiver.rows(schema.fault_event)
    return [row.device for row in rows]


async def test_who_says_much_does_not_keep_others_waiting(fleet):
    """Devices have their turns one behind the other, whoever came first and has most to say."""
    receiver, (much, word, more) = fleet
    counts = []
    for _ in range(7):
        assert await receiver.digest.step(BATCH) > 0
        found = await digested(receiver)
        counts.append((found.count(much), found.count(word), found.count(more)))
    assert counts == [
        (BATCH, 0, 0),
        (BATCH, 1, BATCH - 1),
        (2 * BATCH, 1, BATCH - 1),
        (2 * BATCH, 1, 2 * BATCH - 1),
        (3 * BATCH, 1, 2 * BATCH - 1),
        (3 * BATCH, 1, 3 * BATCH - 1),
        (3 * BATCH, 1, 3 * BATCH),
    ]


async def test_the_flood_of_one_device_keeps_nobody_behind_it_waiting(tmp_path):
    """When the ring comes round to it again, those behind it were there first."""
    receiver = StoreReceiver(tmp_path, digest_batch=BATCH)
    before, flood, behind = appliances = [Appliance(number) for number in range(3)]
    for appliance in appliances:
        await receiver.register(appliance)
    many = [fault(seq, spn=1 + seq) for seq in range(4 * BATCH)]
    for appliance, records in ((before, [fault(0)]), (flood, many), (behind, [fault(0)])):
        assert (await receiver.accept(appliance.message(records))).status == 200
    for _ in range(2):
        await receiver.digest.step(BATCH)
    found = await digested(receiver)
    receiver.close()
    assert [found.count(each.device) for each in appliances] == [1, 2 * BATCH - 2, 1]


async def test_each_devices_records_come_in_its_order(fleet):
    """However they are cut into batches."""
    receiver, devices = fleet
    await receiver.digest_all()
    rows = await receiver.rows(schema.ticket, schema.ticket.c.device, schema.ticket.c.number)
    for device in devices:
        spns = [row.spn for row in rows if row.device == device]
        assert spns == sorted(spns)
