"""Actions on their way, on both databases: what is written, sent, heard, and how each ends."""

import pytest

from phonehome_cloud.core.acting import remote, steps
from phonehome_cloud.core.caring import FAILED, HELPED, ActionRow, StartError
from phonehome_cloud.core.deciding.situation import UNANSWERED
from phonehome_cloud.errors import ConflictError
from phonehome_cloud.store import acting, care, pursuing
from phonehome_cloud.store.acting import steps as step_store
from phonehome_cloud.store.acting_tables import (
    remote_fix,
    step,
)
from phonehome_cloud.store.people_tables import appliance
from phonehome_cloud.store.schema import command, ticket_event
from phonehome_cloud.store.situations import tried_of
from tests.cloud.kettle import DAY, DEVICE, OWNER

KEY = (DEVICE, 1, 0)
HOUR = 3_600_000


def states(home):
    """The states of the steps."""
    return [row["state"] for row in home.rows(step)]


# ---- self-help ------------------------------------------------------------------------------


def test_steps_go_to_the_owner_in_their_language(home):
    """The letter has every step and the link to the owner's page; the first step is open."""
    home.start("descale")
    ((to, template, data),) = home.letters()
    assert (to, template) == (f"owner:{OWNER}", "self_help")
    assert data["steps"] == ["Essig einfüllen.", "Einmal aufkochen."]
    assert data["page"].startswith("/o/")
    assert states(home) == [steps.OPEN, steps.WAITING]


def test_steps_need_an_owner(home):
    """Without anybody to write to the action is refused, and nothing is left of it."""
    home.do(lambda c: c.execute(appliance.update().values(owner=None)))
    with pytest.raises(StartError, match="owner"):
        home.start("descale")
    assert home.rows(step) == []


def test_one_step_after_the_other(home):
    """An owner ticks the step that is open; twice is once, and the next but one must wait."""
    home.start("descale")
    with pytest.raises(ConflictError, match="one step after the other"):
        home.do(step_store.finish, KEY, 1, steps.BY_OWNER, home.clock())
    for _ in range(2):
        home.do(step_store.finish, KEY, 0, steps.BY_OWNER, home.clock())
    assert states(home) == [steps.DONE, steps.OPEN]


def test_the_device_proves_a_step_by_reading_again(home):
    """While a step with a proof is open the device is asked; its answer ends the step."""
    home.start("descale")
    home.do(step_store.finish, KEY, 0, steps.BY_OWNER, home.clock())
    home.pursue()
    (asked,) = home.rows(command)
    assert (asked["code"], asked["who"]) == (130, "rule")
    home.answer(asked["number"], {"0": 612})
    home.pursue()
    assert states(home)[1] == steps.OPEN  # 61.2 degrees do not boil
    home.clock.advance(step_store.ASK_EVERY_MS)
    home.pursue()
    assert len(home.rows(command)) == 2
    home.answer(2, {"0": 987})
    home.pursue()
    row = home.rows(step)[1]
    assert (row["state"], row["by"]) == (steps.DONE, steps.BY_DEVICE)
    assert row["evidence"]["value"] == pytest.approx(98.7)
    assert row["evidence"]["source"] == "reread"
    assert "the device confirms it" in home.rows(ticket_event)[-1]["text"]


def test_what_was_true_before_proves_nothing(home):
    """A hot kettle of yesterday is no proof that it was boiled today."""
    home.tell(1, channel=0, value=990)
    home.clock.advance(1000)
    home.start("descale")
    home.do(step_store.finish, KEY, 0, steps.BY_OWNER, home.clock())
    home.pursue()
    assert states(home)[1] == steps.OPEN


def test_a_device_that_shows_nothing_stops_nobody(home):
    """When its time is over the step is unproven, and the owner goes on."""
    home.start("descale")
    home.do(step_store.finish, KEY, 0, steps.BY_OWNER, home.clock())
    home.clock.advance(600_000)
    home.pursue()
    assert states(home)[1] == steps.UNPROVEN
    home.do(step_store.finish, KEY, 1, steps.BY_OWNER, home.clock())
    assert states(home)[1] == steps.DONE


def test_a_fault_that_heals_proves_what_was_left(home):
    """The action ends as helped by the device: steps with a proof are the device's, too."""
    home.start("descale")
    home.clock.advance(1000)
    home.heal()
    home.do(care.conclude, KEY, HELPED, "device", home.clock())
    last = home.rows(step)[1]
    assert (last["state"], last["evidence"]["source"]) == (steps.DONE, "healed")
    assert home.do(pursuing.find_due, home.clock() + DAY) == []


@pytest.mark.parametrize(("begins", "outcome"), [(False, UNANSWERED), (True, "failed")])
def test_an_owner_who_says_nothing_is_reminded_once(home, begins, outcome):
    """A second letter after two days, then another way; steps that nobody began did not fail."""
    row = home.start("descale")
    first = row.due_at
    home.clock.now_at = first

    def due(connection):
        found = care.expect_action(connection, KEY)
        case = home.case(connection, "descale")
        answer = acting.DUES["self_help"](connection, found, case, home.clock())
        care.save_actions(connection, (), [found])
        return answer

    assert home.do(due) > first
    assert [data["is_reminder"] for _, _, data in home.letters("self_help")] == [False, True]
    if begins:
        home.do(step_store.finish, KEY, 0, steps.BY_OWNER, home.clock())
    assert home.do(due) is None
    home.do(care.conclude, KEY, FAILED, "rule", home.clock())
    (ended,) = home.do(care.list_actions, DEVICE, 1)
    assert tried_of(ActionRow(**ended)).outcome == outcome


# ---- remote fix -----------------------------------------------------------------------------


def test_a_busy_appliance_is_left_alone(home):
    """It is asked whether it is idle, again after a while, and never gets the command."""
    home.start("restart")
    for n in range(1, 4):
        home.pursue()
        assert [row["code"] for row in home.rows(command)] == [129] * n
        home.answer(n, 0)
        home.pursue()
        home.clock.advance(remote.LATEST_AGAIN_MS)
    home.clock.advance(remote.PATIENCE_MS)
    home.pursue()
    assert home.action().state == "failed"
    assert "never idle" in home.rows(ticket_event)[-1]["text"]
    assert home.rows(remote_fix)[0]["state"] == "too_late"


def fix(home):
    """A fix whose command has been given: number 2."""
    home.start("restart")
    home.pursue()
    home.answer(1, 1)
    home.pursue()
    assert [row["code"] for row in home.rows(command)] == [129, 5]


def test_an_idle_appliance_is_mended(home):
    """Idle, command, healed: helped, with before and after side by side."""
    fix(home)
    home.answer(2)
    home.clock.advance(1000)
    home.pursue()
    home.heal()
    home.clock.advance(remote.LATEST_AGAIN_MS)
    home.pursue()
    assert home.action().state == HELPED
    row = home.rows(remote_fix)[0]
    assert row["state"] == HELPED
    assert {one["name"] for one in remote.compare(row["before"], row["after"])} >= {
        "fault",
        "active faults",
        "boot",
    }


def test_a_fix_that_did_not_help_has_failed(home):
    """The fault confirmed again behind the command is the device's own no."""
    fix(home)
    home.answer(2)
    home.clock.advance(1000)
    home.confirm()
    home.pursue()
    home.clock.advance(remote.LATEST_AGAIN_MS)
    home.pursue()
    assert home.action().state == "failed"
    assert "there again" in home.rows(ticket_event)[-1]["text"]


@pytest.mark.parametrize(
    ("state", "status", "outcome", "words"),
    [
        ("refused", 1, "failed", "does not allow"),
        ("failed", 3, "failed", "could not"),
        ("unknown", 5, "failed", "does not know"),
        ("lost", None, "failed", "started again"),
        ("expired", None, "running", ""),  # it is asked again whether it is idle
    ],
)
def test_each_end_of_a_command_is_told(home, state, status, outcome, words):
    """Refused, failed, unknown, lost: the action has failed with the reason; late tries again."""
    fix(home)
    home.answer(2, None, state, status)
    home.pursue()
    assert home.action().state == outcome
    if words:
        assert words in home.rows(ticket_event)[-1]["text"]
    else:
        assert home.rows(remote_fix)[0]["state"] == remote.ASKING


def test_an_old_answer_is_no_permission(home):
    """Idle an hour ago says nothing: it is asked again instead."""
    home.start("restart")
    home.pursue()
    home.answer(1, 1)
    home.clock.advance(HOUR)
    home.pursue()
    assert [row["code"] for row in home.rows(command)] == [129]
