"""Commands between desk and device: bound to a boot, sent until answered, never twice in vain."""

import pytest

from phonehome_cloud.core import orders
from phonehome_cloud.core.orders import PATIENT_SENDS
from phonehome_cloud.errors import ConflictError, NotFoundError, StoreUnavailableError
from phonehome_cloud.store import commands
from phonehome_cloud.store.schema import command
from phonehome_wire import registry as r
from phonehome_wire.downlink import Ack, Command
from tests.fakes.appliance import INC, Appliance, heartbeat, record
from tests.fakes.store import StoreReceiver

pytestmark = pytest.mark.usefixtures("each_database")

HOUR_MS = 3_600_000


class Line:
    """A device that is known to a receiver, and the orders for it."""

    def __init__(self, folder):
        self.receiver = StoreReceiver(folder)
        self.appliance = Appliance()
        self.now_ms = 60_000
        self.boot = 1
        self.seq = 100

    async def order(self, code=r.COMMAND_PING, args=None, deadline_ms=HOUR_MS, repeat=False):
        """Give a command; returns its number."""
        now_at = self.receiver.clock()
        order = commands.Order(
            self.appliance.device,
            code,
            orders.encode_args(args or {}),
            orders.may_repeat(code, is_asked=repeat),
            "token:anna",
            now_at,
            now_at + deadline_ms,
        )
        number = await self.receiver.database.write(commands.add, order)
        self.receiver.commanding.note(self.appliance.device)
        return number

    async def say(self, *records, transport="http", **head):
        """One report; what the device hears, the whole reply in `reply`."""
        self.now_ms += 1000
        message = self.appliance.message(records, self.now_ms, self.boot, **head)
        self.reply = await self.receiver.accept(message, transport)
        assert self.reply.status == 200
        return self.appliance.hears(self.reply.body)

    async def answer(self, cseq, status=r.RESULT_OK, value=None, boot=None, **more):
        """A report with a result."""
        self.seq += 1
        body = {0: cseq, 1: status} | ({} if value is None else {2: value})
        result = record(r.RTYPE_RESULT, body, self.seq, boot or self.boot)
        return await self.say(result, **more)

    async def rows(self):
        """Every command as it stands."""
        return await self.receiver.rows(command, command.c.number)

    async def states(self):
        """The states of all commands."""
        return [row.state for row in await self.rows()]


@pytest.fixture
async def line(tmp_path):
    """A device without orders."""
    made = Line(tmp_path)
    await made.receiver.register(made.appliance)
    await made.say(heartbeat())
    yield made
    made.receiver.close()


async def test_nothing_waits(line):
    """Without a command an ack says nothing of any, and an empty report gets its ack."""
    assert (await line.say(heartbeat(1))).poll is None
    assert isinstance(await line.say(), Ack)


async def test_a_poll_is_answered_by_the_command(line):
    """An ack says that a command waits; the empty report that follows is answered by it."""
    await line.order(200, {0: 5})
    assert (await line.say(heartbeat(1))).poll == r.POLL_COMMANDS
    heard = await line.say()
    assert isinstance(heard, Command)
    assert (heard.code, heard.args, heard.cseq, heard.boot) == (200, {0: 5}, 1, 1)
    assert heard.inc == INC
    (row,) = await line.rows()
    assert (row.state, row.sends, row.inc, row.boot, row.cseq) == ("sent", 1, INC.hex(), 1, 1)


async def test_the_deadline_is_on_the_devices_clock(line):
    """It is as far from the newest report as the desk's is from when that came."""
    await line.order(deadline_ms=10_000)
    await line.say(heartbeat(1))
    line.receiver.clock.advance(4000)
    heard = await line.say()
    assert heard.deadline_ms == line.now_ms + 6000


async def test_a_result_ends_it(line):
    """The result is the state; the ack of it says nothing of commands any more."""
    await line.order()
    heard = await line.say()
    ack = await line.answer(heard.cseq, r.RESULT_OK, {1: b"\x0f"})
    assert (ack.poll, ack.stored) == (None, [(1, 101, 101)])
    (row,) = await line.rows()
    assert (row.state, row.status, row.value) == ("done", r.RESULT_OK, {"1": "0f"})
    assert row.ended_at is not None
    assert isinstance(await line.say(), Ack)


async def test_what_the_device_says_is_the_state(line):
    """Refused, failed, unknown: each is told apart."""
    for status in range(1, 6):
        await line.order()
        await line.answer((await line.say()).cseq, status)
    assert await line.states() == ["refused", "bad_args", "failed", "expired", "unknown"]


async def test_until_it_is_answered_the_same_goes_out(line):
    """Asked again the receiver sends the same command with the same number: it is obeyed once."""
    await line.order(r.COMMAND_REBOOT)
    first, second = await line.say(), await line.say()
    assert (first.cseq, first.deadline_ms) == (second.cseq, second.deadline_ms)
    (row,) = await line.rows()
    assert row.sends == 2


async def test_one_is_under_way_at_a_time(line):
    """The next goes out when the one before is answered, under the next number."""
    for code in (r.COMMAND_PING, 200, r.COMMAND_SEND_HELLO):
        await line.order(code)
    for cseq, code in enumerate((r.COMMAND_PING, 200, r.COMMAND_SEND_HELLO), 1):
        heard = await line.say()
        assert (heard.cseq, heard.code) == (cseq, code)
        ack = await line.answer(cseq)
        assert ack.poll == (r.POLL_COMMANDS if cseq < 3 else None)


async def test_silence_about_one_does_not_stop_the_others(line):
    """After some sends without a result the next command that waits goes first, and stays so."""
    await line.order()
    for _ in range(PATIENT_SENDS + 2):
        assert (await line.say()).cseq == 1
    await line.order(200)
    assert [(await line.say()).cseq for _ in range(2)] == [2, 2]
    await line.answer(2)
    assert isinstance(await line.say(), Ack), "the device passes over the first by now"
    await line.answer(1)
    assert await line.states() == ["done", "done"]


async def test_a_safe_command_follows_into_the_next_boot(line):
    """Ping may be done twice, so a boot that ended without a result costs nothing."""
    await line.order()
    assert (await line.say()).boot == 1
    line.boot = 2
    heard = await line.say()
    assert (heard.boot, heard.cseq) == (2, 1)
    await line.answer(1)
    assert await line.states() == ["done"]


async def test_no_reboot_twice(line):
    """A reboot whose boot ended without its result is lost; whatever comes next is no reboot."""
    await line.order(r.COMMAND_REBOOT)
    await line.order(200)
    await line.order(201, repeat=True)
    await line.say()
    line.boot = 2
    assert (await line.say()).code == 200
    line.boot = 3
    assert (await line.say()).code == 201
    line.boot = 4
    assert (await line.say()).code == 201
    assert await line.states() == ["lost", "lost", "sent"]


async def test_a_late_result_counts(line):
    """A result from the outbox of an earlier boot is the truth about a command that was lost."""
    await line.order(r.COMMAND_REBOOT)
    await line.say()
    line.boot = 2
    await line.say()
    assert await line.states() == ["lost"]
    await line.answer(1, boot=1)
    assert await line.states() == ["done"]


async def test_nobody_elses_result(line):
    """A result without its command, and a second one, change nothing."""
    await line.order()
    await line.say()
    await line.answer(7)
    await line.answer(1, r.RESULT_FAILED)
    await line.answer(1, r.RESULT_OK)
    (row,) = await line.rows()
    assert (row.state, row.status) == ("failed", r.RESULT_FAILED)


async def test_a_deadline_ends_it(line):
    """What was not answered in time is expired, in the loop or when the device comes."""
    await line.order(deadline_ms=5000)
    await line.order(deadline_ms=HOUR_MS)
    line.receiver.clock.advance(5000)
    assert (await line.say()).cseq == 1
    assert await line.states() == ["expired", "sent"]
    line.receiver.clock.advance(HOUR_MS)
    await line.receiver.commanding.step()
    assert await line.states() == ["expired", "expired"]
    assert not line.receiver.commanding.waits_for(line.appliance.device)
    assert line.receiver.counts.commands["expired"] == 1


async def test_late_traffic_gets_no_command(line):
    """A replay, or a report of an earlier boot, is answered by an ack and nothing else."""
    message = line.appliance.message([heartbeat(5)], line.now_ms + 1)
    await line.receiver.accept(message)
    await line.order()
    again = await line.receiver.accept(message)
    assert line.appliance.hears(again.body).poll is None
    line.boot = 0
    assert isinstance(await line.say(), Ack)
    assert await line.states() == ["queued"]


async def test_mqtt_gets_it_behind_the_ack(line):
    """Where the device hears at any time, ack and command are two messages."""
    await line.order()
    ack = await line.say(heartbeat(1), transport="mqtt")
    assert (type(ack), ack.poll) == (Ack, None)
    assert line.appliance.hears(line.reply.command).code == r.COMMAND_PING


async def test_a_last_will_gets_nothing(line):
    """Online hears what waits; offline is nobody who could hear."""
    await line.order()
    await line.say(transport="mqtt", state=r.STATE_OFFLINE, conn=1)
    assert line.reply.command == b""
    await line.say(transport="mqtt", state=r.STATE_ONLINE, conn=2)
    assert line.appliance.hears(line.reply.command).code == r.COMMAND_PING


async def test_the_loop_pushes_over_mqtt(line):
    """A command for a device that came over MQTT goes out at once, one for another waits."""
    pushed = []
    line.receiver.commanding.publish = lambda device, message: pushed.append(message) or True
    await line.order()
    await line.receiver.commanding.step()
    assert pushed == []
    await line.say(heartbeat(1), transport="mqtt")
    await line.answer(1, transport="mqtt")
    await line.order(200)
    await line.order(201)
    await line.receiver.commanding.step()
    await line.receiver.commanding.step()
    assert [line.appliance.hears(message).code for message in pushed] == [200]
    await line.answer(2, transport="mqtt")
    assert line.appliance.hears(line.reply.command).code == 201


async def test_another_process_may_have_given_it(line):
    """What stands in the table counts, whoever wrote it: within a second it is known here."""
    await line.order()
    line.receiver.commanding._waiting.clear()
    assert (await line.say(heartbeat(1))).poll is None
    await line.receiver.commanding.step()
    assert (await line.say(heartbeat(2))).poll == r.POLL_COMMANDS


async def test_a_database_that_is_away_costs_no_ack(line, monkeypatch):
    """When the command cannot be taken the report is acknowledged all the same."""

    def fail(*_):
        raise StoreUnavailableError("disk full")

    await line.order()
    monkeypatch.setattr(commands, "take_next", fail)
    assert isinstance(await line.say(), Ack)
    assert await line.states() == ["queued"]


async def test_too_many_wait(line):
    """A device that does not come has a bounded queue, and a stranger has none."""
    for _ in range(orders.MAX_OPEN):
        await line.order()
    with pytest.raises(ConflictError):
        await line.order()
    line.appliance = Appliance(99)
    with pytest.raises(NotFoundError):
        await line.order()


async def test_a_report_costs_no_query_for_commands(line):
    """While nothing waits, intake runs the statements it ran before there were commands."""
    statements = []
    from sqlalchemy import event

    engine = line.receiver.database.engine
    event.listen(engine, "before_cursor_execute", lambda *a: statements.append(a[2]))
    await line.say(heartbeat(1))
    assert [text for text in statements if "command" in text.replace("commands", "")] == []
