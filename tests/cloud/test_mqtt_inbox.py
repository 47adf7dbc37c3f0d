"""Between paho's thread and the event loop: nothing is forgotten, nothing acknowledged twice."""

import asyncio
import itertools
import threading
from collections import deque

from paho.mqtt.client import MQTTMessage

from phonehome_cloud.core.intake import Reply
from phonehome_cloud.workers.membership import Membership
from phonehome_cloud.workers.mqtt import MQTTConsumer

MESSAGES = 2
DEADLINE_S = 10


def message(number):
    """A report with QoS 1, as paho hands it over."""
    made = MQTTMessage(number, b"ph1/a4cf12fffe05d3b1/up")
    made.qos, made.payload = 1, b"%d" % number
    return made


class Turns:
    """Two threads, one of which runs at a time, to its next look at the inbox: `schedule` says
    whose turn it is, then the rest of the first that can.
    """

    def __init__(self, schedule):
        self._left = list(schedule)
        self._may_go = [threading.Semaphore(0), threading.Semaphore(0)]
        self._paused = [threading.Semaphore(0), threading.Semaphore(0)]
        self._is_done = [False, False]
        self._who = threading.local()

    def pause(self):
        """The end of a turn, in one of the threads."""
        if (number := getattr(self._who, "number", None)) is not None:
            self._paused[number].release()
            assert self._may_go[number].acquire(timeout=DEADLINE_S)

    def run(self, *works):
        """Run both to their ends."""
        threads = [
            threading.Thread(target=self._run, args=(number, work), daemon=True)
            for number, work in enumerate(works)
        ]
        for number, thread in enumerate(threads):
            thread.start()
            assert self._paused[number].acquire(timeout=DEADLINE_S)
        while not all(self._is_done):
            number = self._left.pop(0) if self._left else self._is_done.index(False)
            if self._is_done[number]:
                continue
            self._may_go[number].release()
            assert self._paused[number].acquire(timeout=DEADLINE_S)
        for thread in threads:
            thread.join(DEADLINE_S)

    def _run(self, number, work):
        self._who.number = number
        self.pause()
        work()
        self._is_done[number] = True
        self._paused[number].release()


class WatchedInbox(deque):
    """An inbox where the other thread may have its turn before each touch."""

    def __init__(self, turns):
        super().__init__()
        self._turns = turns

    def append(self, item):
        self._turns.pause()
        super().append(item)

    def popleft(self):
        self._turns.pause()
        return super().popleft()

    def __len__(self):
        self._turns.pause()
        return super().__len__()

    def __bool__(self):
        return len(self) > 0


class ForgetfulConsumer(MQTTConsumer):
    """The control, as it was once: it looks first, and puts the message in afterwards."""

    def _on_message(self, _client, _data, message):
        is_first = not self._inbox
        self._inbox.append((message, self._connection))
        if is_first:
            self._hand_over(self._take_all)


def forgotten(kind, schedule):
    """How many messages lie in the inbox when both threads rest and no wake-up is on its way."""
    turns = Turns(schedule)
    taken, woken = [], []
    consumer = kind(None, Membership("receiver"), lambda m, _d, _c: taken.append(m) or True)
    consumer._inbox = WatchedInbox(turns)
    consumer._hand_over = woken.append
    has_ended = []

    def network():
        for number in range(MESSAGES):
            consumer._on_message(None, None, message(number))
        has_ended.append(True)

    def loop():
        while not (has_ended and not woken):
            if woken:
                woken.pop()()
            turns.pause()

    turns.run(network, loop)
    assert len(taken) == len(set(taken))
    return MESSAGES - len(taken)


def schedules():
    """Every way in which they may take turns once the first message is in."""
    return ((0, 0, 0, *turns) for turns in itertools.product((0, 1), repeat=6))


def test_the_last_message_is_never_forgotten():
    """However the network's thread and the loop take turns, all that came is taken, once."""
    assert {forgotten(MQTTConsumer, schedule) for schedule in schedules()} == {0}
    assert any(forgotten(ForgetfulConsumer, s) for s in schedules()), "no control"


async def test_a_message_that_breaks_intake_does_not_hold_up_the_others():
    """What goes wrong in an unexpected way is tried again by itself; those behind it are taken."""
    taken, again = [], asyncio.Event()

    def at_once(report, _device, _answer):
        if report == b"0":
            raise RuntimeError("broken")
        taken.append(report)
        return True

    async def accept(report, _device):
        assert report == b"0"
        again.set()
        return Reply(200)

    consumer = MQTTConsumer(accept, Membership("receiver"), at_once)
    consumer._loop = asyncio.get_running_loop()
    for number in range(MESSAGES):
        consumer._on_message(None, None, message(number))
    async with asyncio.timeout(DEADLINE_S):
        await again.wait()
    assert taken == [b"1"]


class StubbornClient:
    """A client whose connection ends while it speaks, if anybody lets it."""

    def __init__(self, consumer):
        self._consumer = consumer
        self.acknowledged = []

    def ack(self, packet_id, _qos):
        ending = threading.Thread(target=self._consumer._on_disconnect, args=(None,) * 5)
        ending.start()
        ending.join(0.2)
        self.acknowledged.append((packet_id, self._consumer._connection, ending.is_alive()))


async def test_a_connection_does_not_end_between_the_look_and_the_word():
    """A packet's number is another message's on the next connection: who has seen that the
    connection is the same says so before it can be another one; afterwards nothing is said.
    """
    consumer = MQTTConsumer(None, Membership("receiver"))
    consumer._client = client = StubbornClient(consumer)
    consumer._closing = True  # nothing to be said about an address that there is none of
    consumer._acknowledge(message(7), 0)
    assert client.acknowledged == [(7, 0, True)]
    async with asyncio.timeout(DEADLINE_S):
        while consumer._connection == 0:  # noqa: ASYNC110 - another thread
            await asyncio.sleep(0.01)
    consumer._acknowledge(message(7), 0)
    assert len(client.acknowledged) == 1
