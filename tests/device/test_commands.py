"""Commands: who carries them out, who may not, and what is answered when one fails."""

from phonehome.core.commands import execute, register
from phonehome.core.errors import ConfigError
from phonehome_wire import registry as r
from phonehome_wire.encoder import Encoder
from phonehome_wire.head import put_head
from tests.fakes.agent import FakeAgent


def make_agent():
    """An agent that has started."""
    agent = FakeAgent()
    agent.start()
    return agent


def test_ping_tells_the_uptime():
    """Command 1 is answered with what time it is on the device's own clock."""
    agent = make_agent()
    assert execute(r.COMMAND_PING, {}, agent.hands()) == (r.RESULT_OK, 5000)


def test_hello_comes_with_the_catalog():
    """Command 2 stores a hello that describes the channels."""
    agent = make_agent()
    assert execute(r.COMMAND_SEND_HELLO, {}, agent.hands()) == (r.RESULT_OK, None)
    assert agent._reporter.told == [("hello", True)]


def test_faults_are_cleared_by_command():
    """Command 4 clears all faults, or one by its code; an unknown code is a bad argument."""
    agent = make_agent()
    agent.level = 95
    agent.step(2)
    assert execute(r.COMMAND_CLEAR_FAULTS, {0: "E2"}, agent.hands()) == (r.RESULT_OK, 0)
    assert execute(r.COMMAND_CLEAR_FAULTS, {}, agent.hands()) == (r.RESULT_OK, 1)
    assert agent.told[-1] == ("E1", r.KIND_CLEARED)
    for bad in ({0: "E9"}, {0: 1}):
        assert execute(r.COMMAND_CLEAR_FAULTS, bad, agent.hands())[0] == r.RESULT_BAD_ARGS


def test_keys_are_rotated_by_command():
    """Command 6 is for whoever keeps the keys; one that is wrong has failed, the agent goes on."""
    agent = make_agent()
    args = {0: 2, 1: bytes(32)}
    assert execute(r.COMMAND_ROTATE_KEY, args, agent.hands()) == (r.RESULT_OK, 2)
    assert execute(r.COMMAND_ROTATE_KEY, {}, agent.hands()) == (r.RESULT_FAILED, None)
    agent.config.commands = (r.COMMAND_PING,)
    assert execute(r.COMMAND_ROTATE_KEY, args, agent.hands()) == (r.RESULT_REFUSED, None)


def test_a_board_that_cannot_reboot_refuses():
    """Command 5 is refused where the firmware cannot reset."""
    agent = make_agent()
    assert execute(r.COMMAND_REBOOT, {}, agent.hands()) == (r.RESULT_OK, None)
    agent.board.can_reboot = False
    assert execute(r.COMMAND_REBOOT, {}, agent.hands()) == (r.RESULT_REFUSED, None)


def test_the_log_goes_by_command():
    """Commands 7 and 9 reach the log."""
    agent = make_agent()
    assert execute(r.COMMAND_SET_LOG_LEVEL, {0: 7}, agent.hands()) == (r.RESULT_OK, None)
    agent._log.debug("fine")
    assert execute(r.COMMAND_SEND_LOG, {0: 3}, agent.hands()) == (r.RESULT_OK, 1)
    assert agent._reporter.told == [("log", 1)]


def record(seq):
    """A record without a body to speak of."""
    enc = Encoder(bytearray(64), 0)
    put_head(enc, r.RTYPE_LOG, 4, seq, 1000)
    enc.put_map(0)
    return bytes(enc.buf[: enc.pos])


def test_acknowledged_records_are_sent_again():
    """Command 8 brings back what flash still has of a range; nothing is counted twice."""
    agent = make_agent()
    for seq in range(4):
        agent.outbox.append(record(seq))
    agent.outbox.remove(b"inc1", [(4, 0), (4, 1), (4, 2)])
    assert agent.outbox.depth == 1
    wanted = {0: 4, 1: 1, 2: 3}
    assert execute(r.COMMAND_RESEND_RANGE, wanted, agent.hands()) == (r.RESULT_OK, 3)
    assert agent.outbox.depth == 3
    assert [bytes(found) for found in agent.outbox.batch(9, 999)[1]] == [
        record(i) for i in (1, 2, 3)
    ]
    agent.outbox.remove(b"inc1", [(4, 1), (4, 2), (4, 3)])
    assert (agent.outbox.depth, agent.flash.names()) == (0, [])
    assert execute(r.COMMAND_RESEND_RANGE, wanted, agent.hands()) == (r.RESULT_OK, 0)


def test_a_range_must_be_one():
    """A range that is not three numbers in order is a bad argument."""
    agent = make_agent()
    for bad in ({}, {0: 1, 1: 2}, {0: 1, 1: 3, 2: 2}, {0: 1, 1: -1, 2: 2}, {0: "1", 1: 1, 2: 2}):
        assert execute(r.COMMAND_RESEND_RANGE, bad, agent.hands())[0] == r.RESULT_BAD_ARGS


def test_what_nobody_carries_out_is_unknown():
    """A code without a function is answered as unknown, also where it would be allowed."""
    agent = make_agent()
    agent.config.commands = [77, 200]
    for code in (77, 200):
        assert execute(code, {}, agent.hands()) == (r.RESULT_UNKNOWN, None)


def test_the_local_list_decides():
    """What is not in the settings' list is refused, the developer's own commands too."""
    agent = make_agent()
    register(agent._functions, 128, lambda args: 1)
    agent.config.commands = [r.COMMAND_PING]
    assert execute(r.COMMAND_PING, {}, agent.hands())[0] == r.RESULT_OK
    for code in (r.COMMAND_SEND_HELLO, r.COMMAND_SET_CONFIG, 128):
        assert execute(code, {}, agent.hands()) == (r.RESULT_REFUSED, None)
    agent.config.commands.append(128)
    assert execute(128, {}, agent.hands()) == (r.RESULT_OK, 1)


def test_a_command_of_the_developers():
    """A registered function gets the arguments; what it returns is the value of the result."""
    agent = make_agent()
    register(agent._functions, 200, lambda args: {0: args[5] * 2})
    assert execute(200, {5: 21}, agent.hands()) == (r.RESULT_OK, {0: 42})


def test_a_command_that_raises_has_failed():
    """An error of the developer's function is a failed command with a line in the log."""
    agent = make_agent()
    register(agent._functions, 200, lambda args: args[0])
    before = agent._ring.next
    assert execute(200, {}, agent.hands()) == (r.RESULT_FAILED, None)
    assert agent._ring.next == before + 1


def test_codes_of_the_agent_are_not_given_away():
    """Only 128..255 can be registered, and only functions."""
    for code, function in ((9, len), (256, len), (128, 5)):
        assert "128..255" in refusal(code, function)


def refusal(code, function):
    """Why a command cannot be registered."""
    try:
        register({}, code, function)
    except ConfigError as error:
        return str(error)
    raise AssertionError(code)
