"""Configuration from the receiver: taken whole or not at all, tried, kept or taken back."""

from phonehome.core.commands import execute
from phonehome.core.pushing import restore, settle
from phonehome_wire import registry as r
from phonehome_wire.pushed import MAX_KEYS, rule_key, sensor_key
from tests.fakes.agent import FakeAgent, keep, make_agent, push, tend
from tests.fakes.flash import FakeFlash, PowerCut

HEARTBEAT, GATHER, ACK, LOG = 1, 2, 3, 6
PERIOD = sensor_key(0)
LOW, HIGH = rule_key(520192, 0, "low"), rule_key(520192, 0, "high")
WINDOW = rule_key(520193, 10, "window_ms")
DELAY = rule_key(520194, 31, "on_delay_ms")


def reboot(agent):
    """The next boot of the same flash."""
    agent.boot()
    settle(agent._pushed_slots, agent._birth, agent._emit)
    restore(agent, agent._pushed_slots)
    agent.start()


def test_settings_are_applied_at_once():
    """Every part that uses a setting follows it, and the version is told soon."""
    agent = make_agent()
    status, value = push(agent, 3, {HEARTBEAT: 60, GATHER: 0, ACK: 9, LOG: 7})
    assert (status, value) == (r.RESULT_OK, {HEARTBEAT: 0, GATHER: 0, ACK: 0, LOG: 0})
    assert (agent.config.heartbeat_s, agent._sending.followed) == (60, [(9, 0)])
    assert agent._log.isEnabledFor(10)
    assert agent._session.config_version == 3
    assert agent.events == [("config", 3, "trial")]
    assert agent._reporter.told == [("beat",)]
    assert agent._next_metric == r.METRIC_CONFIG_VERSION


def test_each_key_has_its_status():
    """One bad key refuses the whole, and the result says of each key what is wrong."""
    agent = make_agent()
    other = rule_key(520999, 0, "low")
    values = {HEARTBEAT: 60, GATHER: "1", ACK: 301, 99: 1, LOW: 20, WINDOW: True, other: 5}
    values[rule_key(520192, 0, "window_ms")] = 5
    status, value = push(agent, 3, values)
    assert status == r.RESULT_BAD_ARGS
    assert {key: value[key] for key in (HEARTBEAT, LOW)} == {HEARTBEAT: 0, LOW: 0}
    assert value[GATHER] == value[WINDOW] == r.PUSHED_WRONG_TYPE
    assert value[ACK] == r.PUSHED_OUT_OF_RANGE
    assert value[99] == value[other] == value[rule_key(520192, 0, "window_ms")] == 1
    assert (agent.config.heartbeat_s, agent._session.config_version) == (300, 0)
    assert agent.flash.names() == []


def test_nonsense_is_no_configuration():
    """A version or values that are none are bad arguments."""
    agent = make_agent()
    many = dict.fromkeys(range(MAX_KEYS + 1), 1)
    for bad in ({}, {0: 1}, {0: -1, 1: {}}, {0: 2**30, 1: {}}, {0: 1, 1: []}, {0: 1, 1: many}):
        assert execute(r.COMMAND_SET_CONFIG, bad, agent.hands()) == (r.RESULT_BAD_ARGS, None)


def test_a_rule_judges_by_its_new_limit():
    """A pushed limit counts from the next sample on, and the old one after it is taken back."""
    agent = make_agent()
    agent.level = 50
    agent.step(2)
    assert agent.told == []
    assert push(agent, 1, {HIGH: 40})[0] == r.RESULT_OK
    agent.step(1)
    assert agent.told == [("E1", r.KIND_CONFIRMED)]
    assert push(agent, 2, {})[0] == r.RESULT_OK
    agent.step(1)
    assert agent.told[-1] == ("E1", r.KIND_HEALED)


def test_rules_that_remember_begin_anew():
    """A window of another length is a rule of its own; a Python rule keeps its function."""
    agent = make_agent()
    before = list(agent._sampler.rules)
    assert push(agent, 1, {WINDOW: 9000, DELAY: 100})[0] == r.RESULT_OK
    assert agent._sampler.rules[1] is not before[1]
    assert agent._sampler.rules[2] is before[2]
    assert agent.product.faults[1].params[2] == 9000
    assert agent.product.faults[2].on_delay_ms == 100
    agent.step(3)


def test_limits_must_leave_room_together():
    """Limits that fit one by one and not together are out of range, both."""
    agent = make_agent()
    status, value = push(agent, 1, {LOW: 80, HIGH: 85})
    assert (status, value) == (r.RESULT_BAD_ARGS, {LOW: 3, HIGH: 3})
    assert push(agent, 1, {LOW: 60})[0] == r.RESULT_OK
    assert push(agent, 2, {HIGH: 65})[0] == r.RESULT_OK, "low is the product's again"


def test_the_same_again_is_no_new_trial():
    """A configuration that is there already is confirmed without a write."""
    agent = make_agent()
    push(agent, 1, {HEARTBEAT: 60})
    trial, spent = agent._trial, agent.flash.spent
    assert push(agent, 1, {HEARTBEAT: 60}) == (r.RESULT_OK, {HEARTBEAT: 0})
    assert (agent._trial, agent.flash.spent) == (trial, spent)


def test_a_full_flash_refuses():
    """What cannot be written is not applied."""
    agent = make_agent()
    agent.flash.is_read_only = True
    assert push(agent, 1, {HEARTBEAT: 60}) == (r.RESULT_FAILED, None)
    assert (agent.config.heartbeat_s, agent._trial) == (300, None)


def test_a_board_that_sleeps_leaves_its_product():
    """Where silent wakes judge without the agent settings are taken, sensors and rules not."""
    agent = make_agent()
    agent.tunes_product = False
    values = {HEARTBEAT: 60, LOW: 1, PERIOD: 500}
    unsupported = r.PUSHED_UNSUPPORTED
    judged = {HEARTBEAT: 0, LOW: unsupported, PERIOD: unsupported}
    assert push(agent, 1, values) == (r.RESULT_BAD_ARGS, judged)
    assert push(agent, 1, {HEARTBEAT: 60})[0] == r.RESULT_OK


def test_a_sensor_is_read_at_its_new_pace():
    """A pushed period counts at once, its rules begin anew, and taken back it is the product's."""
    agent = make_agent()
    agent.step(1)
    before = list(agent._sampler.rules)
    taken = agent._sampler.samples
    assert push(agent, 1, {PERIOD: 250})[0] == r.RESULT_OK
    assert agent._sampler.rules[1] is not before[1]
    for _ in range(8):
        agent.uptime.now = agent._sampler.step(agent.uptime.now)
    assert agent._sampler.samples - taken == 8
    assert push(agent, 2, {})[0] == r.RESULT_OK
    assert agent.product.channels[0].period_ms == 1000


def test_a_period_has_bounds_and_a_sensor():
    """From a millisecond to a day, whole, and of a channel that there is."""
    agent = make_agent()
    for value, status in ((0, 3), (86_400_001, 3), ("5", 2), (True, 2), (86_400_000, 0)):
        assert push(agent, 1, {PERIOD: value})[1] == {PERIOD: status}
    assert push(agent, 1, {sensor_key(9): 5})[1] == {sensor_key(9): r.PUSHED_UNKNOWN}


def test_an_ack_and_health_keep_it():
    """It is kept after an ack of a report signed under it and a minute without a crash."""
    agent = make_agent()
    push(agent, 1, {HEARTBEAT: 60})
    assert not tend(agent, 64_999, 5001)
    assert not tend(agent, 65_000, 4999), "that ack was for a report from before"
    assert tend(agent, 65_000, 5001)
    assert agent.events[-1] == ("config", 1, "kept")
    reboot(agent)
    assert (agent._trial, agent.config.heartbeat_s) == (None, 60)
    assert agent._session.config_version == 1


def test_silence_takes_it_back():
    """Without an ack within the time the device goes back to what it had, and says so."""
    agent = make_agent()
    push(agent, 1, {HEARTBEAT: 60, HIGH: 40})
    assert not tend(agent, 604_999)
    assert tend(agent, 605_000)
    assert agent.events[-1] == ("config", 0, "reverted")
    assert (agent.config.heartbeat_s, agent.product.faults[0].params[1]) == (300, 90)
    assert agent._session.config_version == 0
    reboot(agent)
    assert (agent._trial, agent.config.heartbeat_s) == (None, 300)


def test_a_crash_takes_it_back():
    """A crash under it takes it back at once, however many acks came."""
    agent = make_agent()
    push(agent, 1, {HEARTBEAT: 60})
    agent._session.crashes += 1
    assert tend(agent, 6000, 5500)
    assert agent.config.heartbeat_s == 300


def test_it_goes_back_to_the_one_before():
    """What was kept before the trial is what comes back, not the file alone."""
    agent = make_agent()
    push(agent, 1, {HEARTBEAT: 60})
    tend(agent, 65_000, 6000)
    push(agent, 2, {GATHER: 7})
    assert (agent.config.heartbeat_s, agent.config.gather_ms) == (300, 7)
    assert tend(agent, 665_000)
    assert (agent.config.heartbeat_s, agent.config.gather_ms) == (60, 500)
    assert agent._session.config_version == 1


def test_boots_are_counted():
    """The trial goes on in the next boot, with its whole time; the third without proof ends it."""
    agent = make_agent()
    push(agent, 1, {HEARTBEAT: 60})
    for _ in range(2):
        reboot(agent)
        assert (agent._session.config_version, agent.config.heartbeat_s) == (1, 60)
        assert not tend(agent, 599_999)
    reboot(agent)
    assert (agent._trial, agent._session.config_version, agent.config.heartbeat_s) == (
        None,
        0,
        300,
    )


def test_a_boot_can_prove_it():
    """After a power cut in the trial the next boot can still prove it."""
    agent = make_agent()
    push(agent, 1, {HIGH: 40})
    reboot(agent)
    assert agent.product.faults[0].params[1] == 40
    assert tend(agent, 60_000, 10)
    reboot(agent)
    assert (agent._trial, agent.product.faults[0].params[1]) == (None, 40)


def boot_safe(agent, died):
    """The next boot, with the application off because so many boots died."""
    agent.boot()
    agent._birth.is_safe, agent._birth.died = True, died
    settle(agent._pushed_slots, agent._birth, agent._emit)
    restore(agent, agent._pushed_slots)
    agent.start()
    return agent._session.config_version


def boot_try(agent, died):
    """The next boot, which tries the application again."""
    agent.boot()
    agent._birth.died = died
    settle(agent._pushed_slots, agent._birth, agent._emit)
    restore(agent, agent._pushed_slots)
    agent.start()
    return agent._session.config_version


def test_a_boot_loop_takes_it_back():
    """The safe start goes back to the one before, tells it, and the next try runs under that."""
    agent = make_agent()
    keep(agent, 1, {HEARTBEAT: 60})
    keep(agent, 2, {HEARTBEAT: 70})
    assert boot_safe(agent, 3) == 1
    assert (agent.config.heartbeat_s, agent.events) == (60, [("config", 1, "reverted")])
    assert (boot_try(agent, 3), agent.config.heartbeat_s) == (1, 60)
    assert boot_safe(agent, 4) == 0, "that try died, too"
    assert boot_safe(agent, 5) == 0
    assert agent.events == [], "nothing is left to take back"


def test_each_is_taken_back_after_its_try():
    """However often a safe start is interrupted, only a try that died takes the next one back."""
    agent = make_agent()
    keep(agent, 1, {HEARTBEAT: 60})
    keep(agent, 2, {HEARTBEAT: 70})
    assert [boot_safe(agent, 3) for _ in range(4)] == [1, 1, 1, 1]
    assert boot_try(agent, 3) == 1
    assert boot_try(agent, 0) == 1, "it lives"
    keep(agent, 3, {HEARTBEAT: 80})
    assert [boot_safe(agent, 3) for _ in range(2)] == [1, 1], "a loop of its own"


def start_cut(agent):
    """A safe start as far as the power lasts."""
    try:
        boot_safe(agent, 3)
    except PowerCut:
        return


def test_power_cut_while_a_safe_start_takes_it_back():
    """Cut at any byte of it, the next safe start has gone back exactly one."""
    agent = make_agent()
    keep(agent, 1, {HEARTBEAT: 60})
    keep(agent, 2, {HEARTBEAT: 70})
    files = dict(agent.flash.files)
    boot_safe(agent, 3)
    spent = agent.flash.spent
    for budget in range(spent):
        cut = FakeAgent(FakeFlash(files, budget))
        start_cut(cut)
        again = FakeAgent(FakeFlash(cut.flash.files))
        assert boot_safe(again, 3) == 1


def test_a_trial_goes_first():
    """Of a configuration on trial a safe start takes only that back."""
    agent = make_agent()
    keep(agent, 1, {HEARTBEAT: 60})
    push(agent, 2, {HEARTBEAT: 70})
    assert (boot_safe(agent, 3), agent._trial) == (1, None)


def test_a_full_flash_delays_the_way_back():
    """What cannot be written is taken back by the next safe start that can."""
    agent = make_agent()
    keep(agent, 1, {HEARTBEAT: 60})
    agent.flash.is_read_only = True
    assert boot_safe(agent, 3) == 1
    agent.flash.is_read_only = False
    assert boot_safe(agent, 3) == 0


def test_what_a_boot_loop_took_back_is_refused():
    """The same version again is refused with a status for each key; another one is taken."""
    agent = make_agent()
    keep(agent, 1, {HEARTBEAT: 60, GATHER: 7})
    boot_safe(agent, 3)
    refused = (r.RESULT_BAD_ARGS, {HEARTBEAT: r.PUSHED_BOOT_LOOP, GATHER: r.PUSHED_BOOT_LOOP})
    assert push(agent, 1, {HEARTBEAT: 60, GATHER: 7}) == refused
    boot_try(agent, 0)
    assert push(agent, 1, {HEARTBEAT: 60, GATHER: 7}) == refused
    assert push(agent, 2, {HEARTBEAT: 61})[0] == r.RESULT_OK


def test_a_fault_that_the_product_lost_is_passed_over():
    """After a firmware without that fault the rest of the configuration still counts."""
    agent = make_agent()
    push(agent, 1, {HEARTBEAT: 60, HIGH: 40})
    agent.boot()
    agent.product.faults.pop(0)
    restore(agent, agent._pushed_slots)
    assert agent.config.heartbeat_s == 60
