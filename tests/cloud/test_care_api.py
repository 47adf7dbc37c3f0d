"""Care and incidents over the desk API and its pages, with the care loop running."""

import asyncio
import contextlib
import time

import pytest

from phonehome_cloud.clock import now_ms
from phonehome_cloud.core.deciding.incidents import Verdict, incident_id
from phonehome_cloud.store import incidents
from tests.cloud.running import TOKEN, running
from tests.fakes.store import START_AT

E21 = (520194, 7)
KEY = ("washer", *E21, "build", "2.3.1")
DEADLINE_S = 20


@contextlib.asynccontextmanager
async def cared(tmp_path):
    """A receiver with one ticket that a person has in hand."""
    async with running(tmp_path) as receiver:
        ticket = await receiver.open_ticket(await receiver.register(), *E21)
        path = f"/tickets/{ticket['id']}"
        care = await until(receiver, path, lambda found: found["actions"])
        yield receiver, path, care


async def until(receiver, path, is_so):
    """The care of a ticket as soon as it is like that."""
    end_s = time.monotonic() + DEADLINE_S
    while time.monotonic() < end_s:
        found = await receiver.api("GET", path + "/care")
        if is_so(found):
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(found)


async def test_a_ticket_shows_what_is_done_and_what_could_be(tmp_path):
    """Nobody owns the washer: a person has it; every action of the product can be chosen."""
    async with cared(tmp_path) as (receiver, path, care):
        (action,) = care["actions"]
        assert (action["kind"], action["state"], action["who"]) == ("person", "running", "rule")
        assert {"kind": "self_help", "action_id": "clean_filter"} in care["possible"]
        made = (await receiver.api("GET", path + "/diagnoses"))["items"][0]
        ruled = {option["action_id"]: option["ruled_out_by"] for option in made["options"]}
        assert ruled["clean_filter"] in ("nobody", "not_sure")


async def test_a_person_chooses_instead(tmp_path):
    """Not while another is under way; with its number that is cancelled, and the choice starts."""
    async with cared(tmp_path) as (receiver, path, _care):
        wish = {"kind": "person", "reason": "it is mine"}
        problem = await receiver.api("POST", path + "/actions", 409, json=wish)
        assert "under way" in problem["detail"]
        await receiver.api("POST", path + "/actions", 201, json=wish | {"instead_of": 0})
        care = await until(receiver, path, lambda c: c["actions"][-1]["state"] == "running")
        first, second = care["actions"]
        assert (first["state"], second["who"]) == ("cancelled", "token:configured")


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"kind": "visit", "action_id": "no_such", "reason": "x"}, "action_id"),
        ({"kind": "wait", "reason": "x"}, "action_id"),
        ({"kind": "person", "reason": ""}, "reason"),
        ({"kind": "person", "reason": "x", "colour": 1}, "colour"),
    ],
)
async def test_a_choice_that_is_none(tmp_path, wish, field):
    """Refused with the field that is wrong, and nothing has changed."""
    async with cared(tmp_path) as (receiver, path, care):
        problem = await receiver.api("POST", path + "/actions", 422, json=wish)
        assert [fault["field"] for fault in problem["errors"]] == [field]
        assert (await receiver.api("GET", path + "/care"))["actions"] == care["actions"]


async def test_what_a_person_concludes_resolves(tmp_path):
    """It helped: the ticket resolves by rule; a second word about it is a conflict."""
    async with cared(tmp_path) as (receiver, path, _care):
        said = {"outcome": "helped", "reason": "the owner found a sock"}
        care = await receiver.api("POST", path + "/actions/0", json=said)
        assert care["actions"][0]["state"] == "helped"
        await receiver.api("POST", path + "/actions/0", 409, json=said)
        await receiver.api("POST", path + "/actions/7", 404, json=said)
        end_s = time.monotonic() + DEADLINE_S
        while (await receiver.api("GET", path))["state"] != "resolved":
            assert time.monotonic() < end_s
            await asyncio.sleep(0.05)


async def test_an_incident_is_listed_and_decided_upon(tmp_path):
    """Listed, shown with why, confirmed and resolved by one call each, and then no more."""
    async with running(tmp_path) as receiver:
        verdict = Verdict(KEY, 2, 41, 0.05, 1e-30)
        at = now_ms()
        await receiver.database.write(incidents._open, verdict, "Pump blocked", at)
        name = incident_id(KEY, at)
        (item,) = (await receiver.api("GET", "/incidents"))["items"]
        assert (item["id"], item["state"], item["seen"]) == (name, "suspected", 41)
        found = await receiver.api("GET", f"/incidents/{name}")
        assert found["why"][0] == "41 devices of build 2.3.1 within 2 hours."
        assert found["next_states"] == ["confirmed", "dismissed", "resolved"]
        for state in ("confirmed", "resolved"):
            wish = {"state": state, "reason": "bad build"}
            found = await receiver.api("POST", f"/incidents/{name}/state", json=wish)
            assert found["state"] == state
        assert [entry["to_state"] for entry in found["history"]] == [
            "suspected",
            "confirmed",
            "resolved",
        ]
        problem = await receiver.api("POST", f"/incidents/{name}/state", 409, json=wish)
        assert problem["type"] == "/problems#illegal-transition"
        await receiver.api("GET", f"/incidents/{'0' * 16}", 404)


async def test_pages_show_decision_actions_and_incidents(tmp_path):
    """The ticket's page has options and actions with their forms; a form's word counts."""
    async with cared(tmp_path) as (receiver, path, _care):
        await receiver.session.post(receiver.url + "/login", data={"token": TOKEN})
        text = await page(receiver, path)
        assert "What to do" in text
        assert "clean_filter" in text
        assert "the desk&#39;s time" in text
        form = {"text": "done by phone", "do": "helped"}
        async with receiver.session.post(receiver.url + path + "/actions/0", data=form) as answer:
            assert answer.status == 200
            assert "done by phone" in await answer.text()
        assert "No incident" in await page(receiver, "/incidents")
        verdict = Verdict(KEY, 2, 41, 0.05, 1e-30)
        await receiver.database.write(incidents._open, verdict, "Pump <blocked>", START_AT)
        name = incident_id(KEY, START_AT)
        assert "Pump &lt;blocked&gt;" in await page(receiver, "/incidents")
        assert "Decide for all" in await page(receiver, f"/incidents/{name}")
        form = {"text": "not one", "do": "dismissed"}
        async with receiver.session.post(receiver.url + f"/incidents/{name}", data=form) as answer:
            assert "not one" in await answer.text()


async def page(receiver, path):
    """A page that is there."""
    async with receiver.session.get(receiver.url + path) as answer:
        assert answer.status == 200
        return await answer.text()
