"""What may leave now: caps, quiet hours, digests, shares of many receivers, and wishes."""

import asyncio
import random
from collections import Counter

import pytest

from phonehome_cloud.core.telling.retrying import Later, Sent
from phonehome_cloud.store import contacts, outbox, schema
from phonehome_cloud.workers.telling import Telling
from tests.cloud.outgoing import DAY_MS, HOUR_MS, NOON, OPENED, Counted, teller
from tests.fakes.store import StoreReceiver

pytestmark = pytest.mark.usefixtures("each_database")

NIGHT = NOON + 10 * HOUR_MS  # 22:00 UTC


class Recorder:
    """A sender that takes everything, and remembers it."""

    def __init__(self):
        self.parcels = []

    async def send(self, parcel):
        self.parcels.append(parcel)
        return Sent()

    @property
    def keys(self):
        return [parcel.row.key for parcel in self.parcels]


@pytest.fixture
def sent():
    """What was sent."""
    return Recorder()


@pytest.fixture
async def post(tmp_path, sent):
    """A teller whose letters go no further."""
    with teller(tmp_path, join=lambda _sender: sent, TELLING_DAILY_CAP="3") as made:
        await made.add_owner()
        yield made


async def test_a_cap_holds_letters_until_a_day_after_the_oldest(post, sent):
    """Three within 24 hours; the fourth goes when the first is a day ago."""
    for n in range(5):
        await post.add(f"k{n}", weight="service")
        await post.tell()
        post.clock.advance(60_000)
    assert sent.keys == ["k0", "k1", "k2"]
    assert (await post.rows())["k3"].due_at == NOON + DAY_MS
    post.clock.now_at = NOON + DAY_MS
    await post.tell()
    assert sent.keys == ["k0", "k1", "k2", "k3"]


async def test_a_cap_counts_what_is_just_being_sent(post, sent):
    """Ten that are due in the same moment are not ten letters."""
    for n in range(10):
        await post.add(f"k{n}", weight="service")
    await post.tell()
    assert len(sent.keys) == 3


async def test_a_quiet_night_ends_with_one_letter(post, sent):
    """Notices of the night are one digest in the morning; a service letter stays its own."""
    post.clock.now_at = NIGHT
    for key in ("a", "b", "c"):
        await post.add(key, weight="notice")
    await post.add("s", weight="service")
    await post.tell()
    assert sent.keys == []
    post.clock.now_at = NIGHT + 9 * HOUR_MS - 1000
    await post.tell()
    assert sent.keys == []
    post.clock.now_at = NIGHT + 9 * HOUR_MS
    await post.tell()
    templates = Counter(parcel.row.template for parcel in sent.parcels)
    assert templates == {"digest": 1, "ticket_opened": 1}
    rows = await post.rows()
    (digest,) = (row for row in rows.values() if row.template == "digest")
    assert {rows[key].state for key in "abc"} == {"merged"}
    assert {rows[key].digest for key in "abc"} == {digest.key}
    assert [notice["data"] for notice in digest.data["notices"]] == [OPENED] * 3


async def test_what_is_needless_gets_into_no_digest(post, sent):
    """Of two faults, one that they know of already stays out of the letter of the other."""
    about = {"device": "a4cf12fffe05d3b1", "ticket": 1}
    await post.add("steps", template="self_help", weight="service", **about)
    await post.tell()
    await post.add("known", weight="notice", **about)
    await post.add("new", weight="notice", device="a4cf12fffe05d3b1", ticket=2)
    await post.tell()
    assert sent.keys == ["steps", "new"]
    assert (await post.rows())["known"].failure == "they know by another letter"


async def test_safety_goes_at_once_whatever_was_wished(post, sent):
    """At night, over the cap, after they left: it is about their lives."""
    leave = {"unsubscribed_at": NOON, "daily_cap": 1}
    await post.database.write(contacts.wish, "owner:7", leave, NOON)
    post.clock.now_at = NIGHT
    for n in range(5):
        await post.add(f"leak{n}", weight="safety")
    await post.add("other", weight="service")
    await post.tell()
    assert sorted(sent.keys) == [f"leak{n}" for n in range(5)]


async def test_who_left_gets_no_notice_and_still_gets_service(post, sent):
    """What was left is the list of notices; an answer that they wait for comes."""
    await post.database.write(contacts.wish, "owner:7", {"unsubscribed_at": NOON}, NOON)
    await post.add("n", weight="notice")
    await post.add("s", weight="service")
    await post.tell()
    assert sent.keys == ["s"]
    row = (await post.rows())["n"]
    assert (row.state, row.failure) == ("cancelled", "they want no such letters")


async def test_everybody_has_their_own_clock_and_wishes(post, sent):
    """Noon in London is night in Los Angeles; who wants letters at night gets them."""
    await post.add_owner("8", zone="America/Los_Angeles")
    await post.add_owner("9", zone="America/Los_Angeles")
    never = {"quiet_from": 0, "quiet_until": 0}
    await post.database.write(contacts.wish, "owner:9", never, NOON)
    for owner in "789":
        await post.add(f"k{owner}", f"owner:{owner}", weight="service")
    await post.tell()
    assert sorted(sent.keys) == ["k7", "k9"]
    assert (await post.rows())["k8"].due_at == NOON + 3 * HOUR_MS  # 07:00 there


async def test_who_is_no_owner_is_told_at_any_time(post, sent):
    """Technicians and desks have working hours of their own; caps are for owners."""
    post.clock.now_at = NIGHT
    await post.database.write(_add_desk)
    for n in range(5):
        await post.add(f"k{n}", "desk", weight="service")
    await post.tell()
    assert len(sent.keys) == 5


def _add_desk(connection):
    from phonehome_cloud.store import people_tables

    row = {"desk": "service", "mail": "desk@acme.example", "language": "en", "zone": "UTC"}
    row |= {"hours": "mon-fri 09:00-17:00", "holidays": [], "updated_at": NOON}
    connection.execute(people_tables.desk.insert().values(row))


async def test_expired_effects_are_given_up_unsent(post, sent):
    """A letter about a visit that was yesterday is not sent today."""
    await post.add("late", expires_at=NOON + HOUR_MS)
    post.clock.advance(HOUR_MS)
    await post.tell()
    assert sent.keys == []
    assert (await post.rows())["late"].failure == "expired before it could be sent"


class Slow:
    """A sender that takes a moment, counts by key, and fails now and then."""

    def __init__(self, seed):
        self.counts = Counter()
        self._random = random.Random(seed)

    async def send(self, parcel):
        await asyncio.sleep(self._random.random() / 200)
        self.counts[parcel.row.key] += 1
        return Later("not now") if self._random.random() < 0.1 else Sent()


async def test_many_receivers_send_each_effect_once(post, tmp_path):
    """Four of them over one table: every key is taken once at a time, and ends sent."""
    for n in range(120):
        await post.add_owner(f"o{n}")
        await post.add(f"k{n}", f"owner:o{n}", weight="service")
    slow = Slow(1)
    others = [StoreReceiver(tmp_path) for _ in range(3)]
    try:
        loops = [
            Telling(
                each.database,
                post.loops["mail"]._dispatcher,
                "mail",
                slow,
                post.clock,
                Counted(),
                120,
            )
            for each in (post.receiver, *others)
        ]
        for _ in range(12):
            while sum(await asyncio.gather(*(loop.step() for loop in loops))):  # noqa: ASYNC110 - they are waited for below
                await asyncio.sleep(0)
            await asyncio.gather(*(loop.settle() for loop in loops))
            post.clock.advance(HOUR_MS)
            if all(row.state == "sent" for row in (await post.rows()).values()):
                break
    finally:
        for each in others:
            each.close()
    rows = await post.rows()
    assert {row.state for row in rows.values()} == {"sent"}
    assert {key: row.attempts for key, row in rows.items()} == dict(slow.counts)
    tries = await post.receiver.count(schema.effect_attempt)
    assert tries == sum(slow.counts.values()) > 120


async def test_a_sender_that_breaks_costs_a_try_and_nothing_else(tmp_path):
    """What it raises is written down as the reason."""

    class Broken:
        async def send(self, _parcel):
            raise RuntimeError("a bug")

    with teller(tmp_path, join=lambda _sender: Broken()) as made:
        await made.add_owner()
        await made.add()
        await made.tell()
        row = (await made.rows())["n1"]
        assert (row.state, row.attempts) == ("waiting", 1)
        assert row.failure == "a mistake of ours: RuntimeError('a bug')"


async def test_what_is_tried_in_vain_is_late_although_it_is_not_due(tmp_path):
    """A mail server that is away for hours is seen between two tries; a quiet night is not."""

    class Away:
        async def send(self, _parcel):
            return Later("away")

    with teller(tmp_path, join=lambda _sender: Away()) as made:
        await made.add_owner()
        await made.add("tried", weight="service")
        await made.tell()
        later = made.clock() + 2 * HOUR_MS
        await made.add("tomorrow", due_at=later + DAY_MS, expires_at=later + 2 * DAY_MS)
        backlog = await made.database.read(outbox.load_backlog, made.clock())
        assert (backlog.waiting, backlog.since_at, backlog.dead) == (1, NOON, 0)
