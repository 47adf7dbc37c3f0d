"""Another way to the receiver that was pushed: made by a start, proven there, or left again."""

from phonehome.core.linkkeys import overlay
from phonehome.core.pushing import restore, settle
from phonehome_wire import registry as r
from tests.fakes.agent import keep, make_agent, push, tend

HEARTBEAT, SERVER, SSID, PASSWORD = 1, 7, 8, 9
NEW = "https://new.example:8443"


def boot_counted(agent):
    """The next boot as the agent makes it: what it is called under, and its link."""
    agent.boot()
    link = settle(agent._pushed_slots, agent._birth, agent._emit)
    restore(agent, agent._pushed_slots)
    agent.start()
    return agent._session.config_version, link


def test_another_way_to_the_receiver_waits_for_a_start():
    """It is told first, made by the next boot, and proven only there."""
    agent = make_agent()
    assert push(agent, 1, {SERVER: NEW, HEARTBEAT: 60})[0] == r.RESULT_OK
    assert (agent._reboot_asked, agent.config.heartbeat_s) == (True, 60)
    assert not tend(agent, 300_000, 6000), "that ack came on the old way"
    assert boot_counted(agent) == (1, {SERVER: NEW})
    assert not tend(agent, 59_999, 1)
    assert tend(agent, 60_000, 1)
    assert agent.events == [("config", 1, "kept")]
    assert boot_counted(agent) == (1, {SERVER: NEW})


def test_a_way_that_leads_nowhere_is_left():
    """Without an ack in time it starts again on the old way, with the configuration before."""
    agent = make_agent()
    keep(agent, 1, {HEARTBEAT: 60})
    push(agent, 2, {SERVER: NEW})
    boot_counted(agent)
    assert not tend(agent, 599_999)
    assert (tend(agent, 600_000), agent.reboots) == (True, ["config"])
    assert boot_counted(agent) == (1, {})
    assert agent.config.heartbeat_s == 60


def test_resets_in_the_trial_of_a_way_end_it():
    """The boot that it asked for and one more may try; the third is on the old way again."""
    agent = make_agent()
    push(agent, 1, {SERVER: NEW})
    assert [boot_counted(agent)[0] for _ in range(3)] == [1, 1, 0]


def test_a_way_that_nobody_waited_for_is_left_without_a_start():
    """The result was never acknowledged, so the old link is still there."""
    agent = make_agent()
    push(agent, 1, {SERVER: NEW})
    assert tend(agent, 605_000)
    assert (agent._reboot_asked, agent.reboots) == (False, [])
    assert agent.events[-1] == ("config", 0, "reverted")


def test_a_boot_loop_leaves_the_way_alone():
    """It has proven itself, and the one before may lead nowhere by now."""
    agent = make_agent()
    keep(agent, 1, {HEARTBEAT: 60})
    push(agent, 2, {SERVER: NEW, HEARTBEAT: 70})
    boot_counted(agent)
    tend(agent, 60_000, 1)
    agent.boot()
    agent._birth.is_safe, agent._birth.died = True, 3
    assert settle(agent._pushed_slots, agent._birth, agent._emit) == {SERVER: NEW}
    restore(agent, agent._pushed_slots)
    assert (agent._session.config_version, agent.config.heartbeat_s) == (1, 60)


def test_bad_ways_are_refused_key_by_key():
    """What the file would not be allowed, what travels in the clear, a password of no network."""
    agent = make_agent()
    bad, wrong = r.PUSHED_OUT_OF_RANGE, r.PUSHED_WRONG_TYPE
    for values, judged in (
        ({SERVER: "ftp://new.example"}, {SERVER: bad}),
        ({SERVER: "http://new.example"}, {SERVER: bad}),
        ({SERVER: "https://x:0"}, {SERVER: bad}),
        ({SERVER: 5}, {SERVER: wrong}),
        ({SERVER: "https://" + "x" * 121}, {SERVER: bad}),
        ({PASSWORD: "long enough"}, {PASSWORD: bad}),
        ({SSID: "new", PASSWORD: "short"}, {SSID: 0, PASSWORD: bad}),
        ({SSID: "", PASSWORD: "long enough"}, {SSID: bad, PASSWORD: 0}),
    ):
        assert push(agent, 1, values) == (r.RESULT_BAD_ARGS, judged)
    agent.config.wifi = None
    unsupported = {SSID: r.PUSHED_UNSUPPORTED}
    assert push(agent, 1, {SSID: "new"}) == (r.RESULT_BAD_ARGS, unsupported)
    agent.board.can_reboot = False
    assert push(agent, 1, {SERVER: NEW})[1] == {SERVER: r.PUSHED_UNSUPPORTED}


def test_the_file_is_overlaid():
    """A new network has the password that came with it, or none; the rest is the file's."""
    file = {"server": "https://old", "wifi": {"ssid": "old", "password": "old pass"}, "ca": "x"}
    both = overlay(file, {SERVER: NEW, SSID: "new"})
    assert both == {"server": NEW, "wifi": {"ssid": "new", "password": ""}, "ca": "x"}
    assert overlay(file, {SSID: "a", PASSWORD: "b"})["wifi"] == {"ssid": "a", "password": "b"}
    assert file["server"] == "https://old"
