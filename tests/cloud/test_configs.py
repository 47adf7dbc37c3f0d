"""What a device should have against what it says it has: decided, given again, and given up."""

import pytest

from phonehome_cloud.core.configs import FIRST_PAUSE_MS, MAX_TRIES, Standing, decide
from phonehome_cloud.core.sessions import reported_version
from phonehome_cloud.core.wishes import Wish
from phonehome_cloud.errors import ConflictError, NotFoundError
from phonehome_cloud.store import configs
from phonehome_cloud.store.commands import supersede
from phonehome_cloud.store.schema import command, device_config, session
from phonehome_wire import registry as r
from phonehome_wire.uplink import Uplink
from tests.cloud.test_commanding import Line
from tests.fakes.appliance import record

pytestmark = pytest.mark.usefixtures("each_database")

DAY_MS = 86_400_000
KEYS = {"1": ["heartbeat_s", 60]}


def standing(**more):
    """A configuration of version 2, wished for a minute ago; the device says 1."""
    fields = {"version": 2, "state": "pending", "reported": 1, "tries": 0, "changed_at": 0}
    return Standing(**(fields | {"order": None} | more))


@pytest.mark.parametrize(
    ("more", "state", "gives", "pause_ms"),
    [
        ({}, "pending", True, None),
        ({"reported": None}, "pending", False, None),
        ({"reported": 2}, "applied", False, None),
        ({"reported": 2, "order": "done", "tries": 1}, "applied", False, None),
        ({"order": "done", "tries": 1}, "reverted", False, FIRST_PAUSE_MS),
        ({"state": "applied", "tries": 2}, "reverted", False, FIRST_PAUSE_MS * 4),
        ({"state": "applied", "tries": MAX_TRIES}, "reverted", False, None),
        ({"state": "reverted", "tries": 1}, "pending", True, None),
        ({"state": "reverted", "tries": MAX_TRIES}, "reverted", False, None),
        ({"order": "bad_args", "tries": 1}, "refused", False, None),
        ({"order": "refused", "tries": 1}, "refused", False, None),
        ({"order": "unknown", "tries": 1}, "refused", False, None),
        ({"state": "refused", "tries": 1}, "refused", False, None),
        ({"order": "failed", "tries": 1}, "failed", False, FIRST_PAUSE_MS),
        ({"order": "lost", "tries": MAX_TRIES}, "failed", False, None),
    ],
)
def test_the_next_step(more, state, gives, pause_ms):
    """Each standing has one next step: the command, a pause, or the end."""
    step = decide(standing(**more), 60_000)
    assert (step.state, step.gives_order) == (state, gives)
    assert step.due_at == (None if pause_ms is None else 60_000 + pause_ms)


def test_nothing_while_it_is_under_way():
    """A command that waits or was sent is waited for."""
    assert decide(standing(order="queued"), 0) is None
    assert decide(standing(order="sent"), 0) is None


def test_what_was_lost_later_is_tried_anew():
    """A device that says another version after a day lost its flash: the tries begin anew."""
    step = decide(standing(state="applied", tries=MAX_TRIES), DAY_MS)
    assert (step.state, step.tries) == ("reverted", 0)
    assert step.due_at is not None


class Fleet(Line):
    """A device, its orders and its wished configuration."""

    async def wish(self, version=None, keys=None):
        """Wish for a configuration, as the desk does."""

        def put(connection):
            now_at = self.receiver.clock()
            given = keys or KEYS
            wish = Wish(dict(given.values()), given, {})
            args = (self.appliance.device, version, wish, "token:anna", now_at)
            before = configs.put(connection, *args)
            if before is not None:
                supersede(connection, self.appliance.device, before, now_at)

        await self.receiver.database.write(put)
        await self.receiver.commanding.step()

    async def config(self):
        """The wished configuration as it stands."""
        (row,) = await self.receiver.rows(device_config)
        return row

    async def reports(self, version, transport="http"):
        """A heartbeat that says a version."""
        self.seq += 1
        beat = record(r.RTYPE_HEARTBEAT, {0: 9, r.METRIC_CONFIG_VERSION: version}, self.seq)
        heard = await self.say(beat, transport=transport)
        await self.receiver.commanding.step()
        return heard

    async def result(self, cseq, status=r.RESULT_OK, value=None):
        """A result, and what the receiver makes of it."""
        await self.answer(cseq, status, value)
        await self.receiver.commanding.step()


@pytest.fixture
async def fleet(tmp_path):
    """A device that has said that it runs under its own file."""
    made = Fleet(tmp_path)
    await made.receiver.register(made.appliance)
    hello = {0: "a", 1: 1, 2: "p"}
    await made.say(record(r.RTYPE_HELLO, hello, 0))
    yield made
    made.receiver.close()


async def test_a_wish_comes_true(fleet):
    """The command carries the values; result and heartbeat make it applied."""
    await fleet.wish()
    heard = await fleet.say()
    assert (heard.code, heard.args) == (r.COMMAND_SET_CONFIG, {0: 1, 1: {1: 60}})
    assert (await fleet.config()).state == "pending"
    await fleet.result(1, r.RESULT_OK, {1: 0})
    row = await fleet.config()
    assert (row.state, row.reported, row.judged, row.due_at) == ("applied", 1, {"1": 0}, None)
    await fleet.reports(1)
    assert (await fleet.config()).state == "applied"
    assert len(await fleet.rows()) == 1
    (newest,) = await fleet.receiver.rows(session)
    assert newest.config_version == 1


async def test_the_hello_says_it_too(fleet):
    """A device that was restarted before its result came has it by the word of its hello."""
    await fleet.wish()
    await fleet.say()
    fleet.boot = 2
    await fleet.say(record(r.RTYPE_HELLO, {0: "a", 1: 1, 2: "p", 4: 1}, 0, boot=2))
    await fleet.receiver.commanding.step()
    assert (await fleet.config()).reported == 1
    heard = await fleet.say()
    assert heard.code == r.COMMAND_SET_CONFIG, "asked for again, it is as good as done"
    await fleet.result(1, r.RESULT_OK, {1: 0})
    assert (await fleet.config()).state == "applied"


async def test_a_refusal_ends_it(fleet):
    """A device that says what is wrong is not asked again, and its word is kept for each key."""
    await fleet.wish()
    await fleet.say()
    await fleet.result(1, r.RESULT_BAD_ARGS, {1: r.PUSHED_OUT_OF_RANGE})
    row = await fleet.config()
    assert (row.state, row.judged, row.due_at) == ("refused", {"1": 3}, None)
    await fleet.reports(0)
    fleet.receiver.clock.advance(DAY_MS)
    await fleet.receiver.commanding.step()
    assert len(await fleet.rows()) == 1


async def test_a_device_that_goes_back(fleet):
    """It is told again after a pause, which grows, and in the end it is left alone."""
    await fleet.wish()
    for number in range(1, MAX_TRIES + 1):
        assert len(await fleet.rows()) == number
        await fleet.say()
        await fleet.result(number)
        assert (await fleet.config()).state == "applied"
        await fleet.reports(0)
        assert ((await fleet.config()).state, len(await fleet.rows())) == ("reverted", number)
        fleet.receiver.clock.advance(FIRST_PAUSE_MS * 4 ** (number - 1))
        await fleet.receiver.commanding.step()
    row = await fleet.config()
    assert (row.state, row.tries, row.due_at) == ("reverted", MAX_TRIES, None)


async def test_a_newer_wish_takes_the_place(fleet):
    """What was not sent yet is superseded; what was sent is followed by the newer one."""
    await fleet.wish()
    await fleet.wish()
    assert await fleet.states() == ["superseded", "queued"]
    assert (await fleet.say()).args[0] == 2
    await fleet.wish()
    await fleet.result(1)
    assert (await fleet.say()).args[0] == 3
    await fleet.result(2)
    row = await fleet.config()
    assert (row.version, row.state, row.reported) == (3, "applied", 3)


async def test_versions_rise(fleet):
    """The next version is the one behind all that the device or the desk ever named."""
    await fleet.reports(7)
    await fleet.wish()
    assert (await fleet.config()).version == 8
    await fleet.wish(9)
    with pytest.raises(ConflictError):
        await fleet.wish(9)
    fleet.appliance = type(fleet.appliance)(99)
    with pytest.raises(NotFoundError):
        await fleet.wish()


async def test_a_device_that_never_spoke(tmp_path):
    """Before the first hello nothing is queued; with it the command is."""
    fleet = Fleet(tmp_path)
    await fleet.receiver.register(fleet.appliance)
    await fleet.wish()
    assert await fleet.rows() == []
    await fleet.say(record(r.RTYPE_HELLO, {0: "a", 1: 1, 2: "p"}, 0))
    await fleet.receiver.commanding.step()
    assert (await fleet.say()).code == r.COMMAND_SET_CONFIG
    fleet.receiver.close()


async def test_a_device_that_is_away_for_long(fleet):
    """A command that expired without having been sent was no try, and is queued again."""
    await fleet.wish()
    for _ in range(MAX_TRIES + 1):
        fleet.receiver.clock.advance(8 * DAY_MS)
        await fleet.receiver.commanding.step()
    assert (await fleet.states())[-1] == "queued"
    assert (await fleet.config()).tries == 1
    assert len(await fleet.receiver.rows(command)) == MAX_TRIES + 2


def uplink(*records, boot=1, origin=None):
    """A report as intake has it."""
    made = Uplink(b"incA", boot, 5, b"bild")
    made.records, made.origin_inc = list(records), origin
    return made


class Told:
    """A record, as far as it matters here."""

    def __init__(self, rtype, body, seq, boot=1, defect=None):
        self.rtype, self.body, self.seq, self.boot, self.defect = rtype, body, seq, boot, defect


def test_the_newest_word_counts():
    """Of several records the highest number says which version it is; others say nothing."""
    hello = Told(r.RTYPE_HELLO, {}, 0)
    beat = Told(r.RTYPE_HEARTBEAT, {r.METRIC_CONFIG_VERSION: 4}, 1)
    assert reported_version(uplink(hello)) == 0
    assert reported_version(uplink(beat, hello)) == 4
    assert reported_version(uplink(Told(r.RTYPE_HEARTBEAT, {0: 1}, 2))) is None
    assert reported_version(uplink(beat, boot=2)) is None
    assert reported_version(uplink(beat, origin=b"incB")) is None
    assert reported_version(uplink(Told(r.RTYPE_HELLO, None, 0, defect="bad"))) is None
