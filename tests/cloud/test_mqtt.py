"""Reports over MQTT, through real brokers that restart, cut and repeat."""

import asyncio

import pytest

from phonehome_cloud.app import CONSUMER
from phonehome_cloud.core.intake import Reply
from phonehome_cloud.workers.broker import EmbeddedBroker
from phonehome_cloud.workers.membership import Membership
from phonehome_cloud.workers.mqtt import MQTTConsumer
from phonehome_wire.downlink import Ack
from tests.cloud.brokers import Wire, board, mosquitto
from tests.cloud.running import running
from tests.cloud.voice import Voice

pytestmark = pytest.mark.usefixtures("each_database")


async def stored_reports(receiver, voice):
    """How many messages of a device the receiver has."""
    return len((await receiver.api("GET", f"/devices/{voice.device}/reports"))["items"])


@pytest.mark.parametrize("kind", ["embedded", "mosquitto"])
async def test_a_report_over_mqtt_is_answered_on_the_devices_own_topic(tmp_path, kind):
    """The signed ack comes on ph1/<device>/dn, and is never retained."""
    async with mosquitto(tmp_path) as broker:
        more = {"MQTT_EMBEDDED": "1", "MQTT_PORT": "0"}
        if kind == "mosquitto":
            more = {"MQTT_URL": broker.url}
        async with running(tmp_path, **more) as receiver:
            voice = await receiver.register()
            async with board(receiver.app[CONSUMER].url, voice.device) as device:
                await device.report(voice.report(voice.heartbeat()))
                answer = await device.answer()
            ack = voice.hear(answer.payload)
            assert isinstance(ack, Ack)
            assert (ack.stored, answer.retain) == ([(1, 0, 0)], False)
            assert await stored_reports(receiver, voice) == 1


async def test_reports_sent_while_the_receiver_was_away_are_delivered(tmp_path):
    """The broker keeps the session: what came in between is stored and answered later."""
    async with mosquitto(tmp_path) as broker:
        async with running(tmp_path, MQTT_URL=broker.url) as receiver:
            voice = await receiver.register()
        async with board(broker.url, voice.device) as device:
            for _ in range(3):
                await device.report(voice.report(voice.heartbeat()))
            async with running(tmp_path, MQTT_URL=broker.url) as receiver:
                seqs = [voice.hear((await device.answer()).payload).stored for _ in range(3)]
                assert sorted(seqs) == [[(1, n, n)] for n in range(3)]
                assert await stored_reports(receiver, voice) == 3


async def test_a_message_cut_in_the_middle_is_delivered_again(tmp_path):
    """A broker that disconnects within a publish costs a reconnection, no report."""
    async with mosquitto(tmp_path) as broker:
        wire = Wire(broker.port)
        await wire.start()
        async with running(tmp_path, MQTT_URL=wire.url) as receiver:
            voice = await receiver.register()
            async with board(broker.url, voice.device) as device:
                wire.cut_after_down_bytes = 40
                await device.report(voice.report(voice.heartbeat()))
                ack = voice.hear((await device.answer()).payload)
                assert ack.stored == [(1, 0, 0)]
            assert (wire.cuts, wire.connections) == (1, 2)
            assert await stored_reports(receiver, voice) == 1
        await wire.stop()


async def test_a_lost_acknowledgement_to_the_broker_makes_a_duplicate_not_a_second_record(
    tmp_path,
):
    """Stored, but the PUBACK never arrived: the broker repeats, the record stays one."""
    async with mosquitto(tmp_path) as broker:
        wire = Wire(broker.port)
        await wire.start()
        async with running(tmp_path, MQTT_URL=wire.url) as receiver:
            voice = await receiver.register()
            async with board(broker.url, voice.device) as device:
                wire.swallow_up = True
                await device.report(voice.report(voice.heartbeat()))

                async def count():
                    return await stored_reports(receiver, voice)

                await receiver.eventually(count, lambda n: n == 1)
                wire.swallow_up = False
                wire.cut()
                ack = voice.hear((await device.answer()).payload)
                assert ack.stored == [(1, 0, 0)]
            assert await count() == 1
        await wire.stop()


async def test_a_restarted_broker_is_found_again(tmp_path):
    """The consumer reconnects by itself and subscribes again; readiness says so meanwhile."""
    async with mosquitto(tmp_path) as broker, running(tmp_path, MQTT_URL=broker.url) as receiver:

        async def ready():
            async with receiver.session.get(receiver.url + "/readyz") as answer:
                return answer.status, await answer.text()

        assert (await ready())[0] == 200
        await broker.stop()
        status, text = await receiver.eventually(ready, lambda found: found[0] == 503)
        assert (status, "mqtt: not connected" in text) == (503, True)
        await broker.start()
        await receiver.eventually(ready, lambda found: found[0] == 200)
        voice = await receiver.register()
        async with board(broker.url, voice.device) as device:
            await device.report(voice.report(voice.heartbeat()))
            assert voice.hear((await device.answer()).payload).stored == [(1, 0, 0)]


async def test_a_device_cannot_speak_on_another_ones_topic(tmp_path):
    """A message signed by one device on the topic of another is not stored and not answered."""
    async with running(tmp_path, MQTT_EMBEDDED="1", MQTT_PORT="0") as receiver:
        voice, other = await receiver.register(), await receiver.register()
        async with board(receiver.app[CONSUMER].url, other.device) as device:
            await device.report(voice.report(voice.heartbeat()))
            await device.report(other.report(other.heartbeat()))
            answer = await device.answer()  # the second one; the first got none
            assert other.hear(answer.payload).stored == [(1, 0, 0)]
            assert device.answers.empty()
        assert await stored_reports(receiver, voice) == 0


async def test_garbage_on_any_topic_stops_nothing(tmp_path):
    """Topics that are no device's, empty and huge payloads: acknowledged, counted, forgotten."""
    async with mosquitto(tmp_path) as broker, running(tmp_path, MQTT_URL=broker.url) as receiver:
        voice = await receiver.register()
        async with board(broker.url, voice.device) as device:
            for topic in ("ph1/x/up", "ph1/../up", f"ph1/{voice.device.upper()}/up"):
                await device.publish(topic, b"\xff")
            for payload in (b"", b"\xff" * 100_000, voice.report()[:-1]):
                await device.report(payload)
            await device.report(voice.report(voice.heartbeat()))
            assert voice.hear((await device.answer()).payload).stored == [(1, 0, 0)]


async def test_a_state_message_sets_presence_and_is_not_answered(tmp_path):
    """Online on connecting, offline by the last will that was signed before: a hint, no report."""
    async with running(tmp_path, MQTT_EMBEDDED="1", MQTT_PORT="0") as receiver:
        voice = await receiver.register()
        will = voice.report(state=0, conn=1)
        online = voice.report(state=1, conn=1)

        async def state():
            found = await receiver.api("GET", f"/devices/{voice.device}")
            return found["presence"] and found["presence"]["state"]

        async with board(receiver.app[CONSUMER].url, voice.device) as device:
            await device.publish(f"ph1/{voice.device}/st", online, retain=True)
            await receiver.eventually(state, lambda s: s == 1)
            await device.publish(f"ph1/{voice.device}/st", will, retain=True)
            await receiver.eventually(state, lambda s: s == 0)
            assert device.answers.empty()


async def test_nothing_is_acknowledged_to_the_broker_before_it_is_stored(tmp_path):
    """While the commit waits there is no PUBACK: a receiver that dies then loses nothing."""
    gate = asyncio.Event()
    seen = []
    arrived = asyncio.Semaphore(0)

    async def accept(message, device):
        seen.append((message, device))
        arrived.release()
        await gate.wait()
        return Reply(200, b"stored")

    async with mosquitto(tmp_path) as broker:
        wire = Wire(broker.port)
        await wire.start()
        first = MQTTConsumer(accept, Membership("receiver"))
        await first.start(wire.url)
        assert await first.wait_connected(10)
        voice = Voice()
        async with board(broker.url, voice.device) as device:
            await device.report(b"one")
            await arrived.acquire()
            await wire.stop()  # it dies: the connection is gone without a word
            gate.set()
            second = MQTTConsumer(accept, Membership("receiver"))
            await first.stop()
            await second.start(broker.url)
            assert (await device.answer()).payload == b"stored"
            await arrived.acquire()
            await second.stop()
    assert seen == [(b"one", voice.device)] * 2


async def test_a_message_that_cannot_be_stored_yet_is_tried_again(tmp_path):
    """A database that is away delays the PUBACK and the answer; it does not lose the message."""
    replies = [Reply(503, b"not now"), RuntimeError("broken"), Reply(200, b"stored")]

    async def accept(_message, _device):
        reply = replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply

    broker = EmbeddedBroker("127.0.0.1", 0)
    await broker.start()
    consumer = MQTTConsumer(accept, Membership("receiver"))
    await consumer.start(broker.url)
    assert await consumer.wait_connected(10)
    async with board(broker.url, Voice().device) as device:
        await device.report(b"one")
        assert (await device.answer()).payload == b"not now"
        assert (await device.answer()).payload == b"stored"
    await consumer.stop()
    await broker.stop()
    assert replies == []
