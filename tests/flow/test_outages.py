"""Either side dies or the network does: nothing is lost, nothing is counted twice."""

from tests.flow.conftest import until_ticket
from tests.flow.proxy import CuttingProxy

FAULT, CODE = "leak", "E80"


async def toggle(log, times):
    """Let the fault come and go so often, each time confirmed and healed by the device."""
    start = log.count("transition", kind="healed", code=CODE)
    for number in range(start + 1, start + times + 1):
        await log.board.say(fault=FAULT, on=True)
        await log.until("transition", number, kind="confirmed", code=CODE)
        await log.board.say(fault=FAULT, on=False)
        await log.until("transition", number, kind="healed", code=CODE)


async def expect_all_counted(desk, log, times):
    """The desk counts each confirmation once, however often it was sent."""
    ticket = await until_ticket(desk, log, CODE, "resolved")
    tickets = await desk.tickets(log.device)
    assert [t["code"] for t in tickets] == [CODE]
    assert ticket["occurrences"] == times


async def test_receiver_killed_in_the_middle(installation):
    """A receiver that is killed -9 and comes back has every fault of the time between.

    Two cycles: a third within the minute would be chatter, which the device tells once.
    """
    receiver = installation.receiver
    async with receiver.desk() as desk:
        log = await installation.add_board(desk, "washer", receiver.http)
        await log.until("acked")
        await toggle(log, 1)
        await receiver.kill()
        await toggle(log, 1)
        await receiver.start()
        await log.until_empty()
        await expect_all_counted(desk, log, 2)


async def test_receiver_with_embedded_broker_killed(installation):
    """Over MQTT the same: broker and receiver die together and nothing is lost."""
    receiver = installation.receiver
    async with receiver.desk() as desk:
        log = await installation.add_board(desk, "washer", receiver.mqtt)
        await log.until("acked")
        await receiver.kill()
        await toggle(log, 1)
        await receiver.start()
        await log.until_empty()
        await expect_all_counted(desk, log, 1)


async def test_broker_hangs_up_in_the_middle_of_a_publish(installation):
    """A connection that breaks inside a PUBLISH costs a reconnect and no report."""
    receiver = installation.receiver
    async with receiver.desk() as desk, CuttingProxy(receiver.mqtt) as proxy:
        log = await installation.add_board(desk, "washer", proxy.address)
        await log.until("acked")
        proxy.cut_next_publishes(2)
        await toggle(log, 1)
        await log.until_empty()
        assert proxy.cuts == 2
        await expect_all_counted(desk, log, 1)


async def test_device_killed_before_it_could_send(installation):
    """A power cut after the fault was confirmed: the next boot delivers the record of the last."""
    receiver = installation.receiver
    async with receiver.desk() as desk:
        log = await installation.add_board(desk, "washer", receiver.http)
        await log.until("acked")
        await receiver.kill()
        await log.board.say(fault=FAULT, on=True)
        await log.until("transition", kind="confirmed", code=CODE)
        await log.power_cut()
        await receiver.start()
        await log.power_on()
        await log.until("boot", 2)
        await log.until_empty()
        ticket = await until_ticket(desk, log, CODE)
        assert ticket["freeze_frames"]
