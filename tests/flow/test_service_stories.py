"""From a sensor sample to a closed ticket, with nobody at the desk who had to read it first.

The machine is the real agent under unix MicroPython, the owner reads real letters.
"""

import contextlib

import pytest

from phonehome_tools.fleet.children import Children
from tests.fakes.mailbox import mailbox
from tests.flow.conftest import Installation, until_ticket
from tests.flow.household import Household, mail_settings


@pytest.fixture
async def at_home(tmp_path, quick_products, monkeypatch):
    """A receiver that can write letters, and a function that powers a washer on in a home."""
    with mailbox() as box:
        for name, value in mail_settings(box).items():
            monkeypatch.setenv(name, value)
        async with Children() as children, contextlib.AsyncExitStack() as stack:
            installation = Installation(tmp_path, children, quick_products)
            await installation.receiver.start()
            desk = await stack.enter_async_context(installation.receiver.desk())

            async def move_in(**more):
                server = installation.receiver.mqtt
                log = await installation.add_board(desk, "washer", server, heartbeat_s=1)
                await log.until("acked")
                home = Household(installation, desk, log, box)
                await home.move_in(**more)
                return home

            yield move_in


async def test_a_clogged_filter_is_cleaned_and_the_machine_proves_it(at_home):
    """Self-help: the steps come by mail, the owner ticks them, the last one is the machine's."""
    home = await at_home()
    ticket = await home.break_machine("drain_blocked", "E21")
    letter = await home.letter("ada@example.org", "Flusensieb")
    page = await home.open(letter)
    assert page.count('value="step"') == 1
    for n in range(4):
        await home.press("step", step=n)
    assert "schaut zu" in await home.look()
    await home.log.board.say(fault="drain_blocked", on=False)
    await home.until_page("Alles gut")
    done = await until_ticket(home.desk, home.log, "E21", "resolved")
    assert done["id"] == ticket["id"]
    assert await home.actions(ticket) == [("self_help", "helped")]
    path = f"/api/v1/tickets/{ticket['id']}/actions/0/progress"
    steps = (await home.desk._call("GET", path))["steps"]
    assert [step["by"] for step in steps] == ["owner"] * 4 + ["device"]
    assert steps[-1]["evidence"]["source"] in {"healed", "reread"}


async def test_a_cracked_drum_of_an_old_machine_is_not_repaired(at_home):
    """Lead: no repair makes sense, the owner says yes, sales gets name and reasons, and closes."""
    home = await at_home(age_days=13 * 365)
    ticket = await home.break_machine("drum_cracked", "E50")
    letter = await home.letter("ada@example.org", "Verkauf")
    page = await home.open(letter)
    assert "Nie wieder Angebote" in page
    assert not [to for to, _ in home.box.letters if to == "sales@acme.example"]
    await home.press("agree")
    told = await home.letter("sales@acme.example", "Ada Lovelace")
    assert "13 years old" in told
    assert "The surest repair costs about" in told
    (lead,) = (await home.desk._call("GET", "/api/v1/leads"))["items"]
    assert (lead["ticket"], lead["state"]) == (ticket["id"], "told")
    path = f"/api/v1/tickets/{ticket['id']}/state"
    await home.desk._call("POST", path, json={"state": "closed", "reason": "sold a new one"})
    await home.until_page("abgeschlossen")
    assert (await home.actions(ticket))[0][0] == "lead"


async def test_a_leak_with_the_heater_on_reaches_a_person_at_once(at_home):
    """Safety: no arithmetic, no steps; the owner in their language, the desk and who has it
    there hear at once; a person closes it.
    """
    home = await at_home()
    await home.log.until("state", phase="heat")
    ticket = await home.break_machine("leak", "E80")
    owner = await home.letter("ada@example.org", "Schließen Sie den Wasserhahn")
    assert "Benutzen Sie es nicht" in owner
    desk = await home.letter("service@acme.example", "eve")
    assert ticket["id"] in desk
    assert ticket["id"] in await home.letter("eve@acme.example", "Dear eve")
    (mine,) = (await home.desk._call("GET", "/api/v1/assignments?operator=eve"))["items"]
    assert (mine["ticket"], mine["is_urgent"]) == (ticket["id"], True)
    assert mine["respond_by_at"] - mine["assigned_at"] == 1_800_000
    assert await home.actions(ticket) == [("person", "running")]
    assert "Einer von uns" in await home.open(owner)
    path = f"/api/v1/tickets/{ticket['id']}/state"
    body = {"state": "closed", "reason": "door gasket replaced, heater checked"}
    await home.desk._call("POST", path, json=body)
    await home.until_page("abgeschlossen")
    await home.until_nothing_in_hand()
