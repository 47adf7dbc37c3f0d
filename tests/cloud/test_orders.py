"""Commands before they are given: codes, arguments, what may be repeated, how they are signed."""

import pytest

from phonehome_cloud.core import orders
from phonehome_cloud.core.arrivals import DeviceKey
from phonehome_wire import registry as r
from phonehome_wire.decoder import decode
from phonehome_wire.downlink import Command
from phonehome_wire.limits import MAX_DOWNLINK_BYTES, MAX_INT
from tests.fakes.appliance import Appliance


def refusal(function, *args, **words):
    """(field, value, fix) of a refusal."""
    with pytest.raises(orders.OrderError) as found:
        function(*args, **words)
    return found.value.field, found.value.value, found.value.fix


def test_codes_have_names():
    """A command is asked for by name or number; nothing else is one."""
    assert orders.read_code("ping") == orders.read_code(1) == 1
    assert orders.read_code(200) == 200
    for bad in ("explode", 0, 10, 127, 256, -1):
        field, value, fix = refusal(orders.read_code, bad)
        assert (field, value) == ("code", bad)
        assert "reboot" in fix


def test_some_are_asked_for_elsewhere():
    """Configurations and keys are no commands of the desk's."""
    assert "config" in refusal(orders.read_code, "set_config")[2]
    assert "rotate-key" in refusal(orders.read_code, r.COMMAND_ROTATE_KEY)[2]


@pytest.mark.parametrize(
    ("code", "given", "args"),
    [
        (r.COMMAND_PING, {}, {}),
        (r.COMMAND_CLEAR_FAULTS, {"fault": "E21"}, {0: "E21"}),
        (r.COMMAND_SEND_LOG, {"lines": 32}, {0: 32}),
        (r.COMMAND_RESEND_RANGE, {"boot": 1, "first": 2, "last": 2}, {0: 1, 1: 2, 2: 2}),
        (r.COMMAND_SET_LOG_LEVEL, {"severity": "debug", "logger": "a"}, {0: 7, 1: "a"}),
        (r.COMMAND_SET_LOG_LEVEL, {"severity": 3}, {0: 3}),
        (200, {"0": 1, "7": {"3": [True, None, "x"]}}, {0: 1, 7: {3: [True, None, "x"]}}),
    ],
)
def test_arguments_have_names(code, given, args):
    """Names become the keys of the wire, and keys names again."""
    read = orders.read_args(code, given)
    assert read == args
    encoded = orders.encode_args(read)
    assert (decode(encoded) if encoded else {}) == args
    shown = orders.name_args(code, args)
    assert orders.read_args(code, shown) == args


@pytest.mark.parametrize(
    ("code", "given", "field"),
    [
        (r.COMMAND_PING, {"x": 1}, "args.x"),
        (r.COMMAND_CLEAR_FAULTS, {"fault": ""}, "args.fault"),
        (r.COMMAND_SEND_LOG, {"lines": 33}, "args.lines"),
        (r.COMMAND_SEND_LOG, {"lines": True}, "args.lines"),
        (r.COMMAND_RESEND_RANGE, {"boot": 1, "first": 2}, "args.last"),
        (r.COMMAND_RESEND_RANGE, {"boot": 1, "first": 3, "last": 2}, "args.first"),
        (r.COMMAND_SET_LOG_LEVEL, {"severity": "loud"}, "args.severity"),
        (200, {"a": 1}, "args.a"),
        (200, {"01": 1}, "args.01"),
        (200, {"1": {"x": 1}}, "args.1.x"),
    ],
)
def test_wrong_arguments_are_named(code, given, field):
    """What cannot be sent is refused with its name."""
    assert refusal(orders.read_args, code, given)[0] == field


@pytest.mark.parametrize("value", [1.5, "x" * 2000, MAX_INT + 1])
def test_what_has_no_room_is_refused(value):
    """Arguments outside the wire's profile or beyond its caps are refused before they are kept."""
    assert refusal(orders.encode_args, {0: value})[0] == "args"


def test_what_may_be_repeated():
    """Twice is safe or not by the kind of command; of an application's the desk has to say it."""
    safe = {code for code in orders.KINDS if orders.may_repeat(code, is_asked=False)}
    assert safe == {1, 2, 3, 7, 8, 9}
    assert refusal(orders.may_repeat, r.COMMAND_REBOOT, is_asked=True)[0] == "repeat"
    assert orders.may_repeat(200, is_asked=True)
    assert not orders.may_repeat(200, is_asked=False)


def test_the_largest_command_fits():
    """Arguments of the cap in a command of the largest numbers still are a message."""
    appliance = Appliance()
    key = DeviceKey(appliance.device, 1, "active", appliance.kid, bytes(32), bytes(32))
    args = {0: "x" * (orders.MAX_ARGS_BYTES - 5)}
    assert len(orders.encode_args(args)) == orders.MAX_ARGS_BYTES
    command = Command(bytes(4), MAX_INT, MAX_INT, MAX_INT, MAX_INT, 255, args)
    assert len(orders.sign_command(key, command)) <= MAX_DOWNLINK_BYTES


def test_results_have_states():
    """The device's word is the state of the command."""
    assert orders.outcome_of(r.RESULT_OK) == orders.DONE
    assert orders.outcome_of(r.RESULT_BAD_ARGS) == "bad_args"
    assert orders.outcome_of(9) == "failed"
