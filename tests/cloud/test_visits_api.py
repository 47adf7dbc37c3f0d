"""Visits on the desk API and its page: seen, moved, delayed, closed; what is known of a home."""

import re

import pytest

from phonehome_cloud.clock import now_ms
from phonehome_cloud.core.people.consents import PRESENCE
from phonehome_cloud.store import presence, visits
from tests.cloud.running import TOKEN
from tests.cloud.test_visit_pages import serving
from tests.cloud.visited import DEVICE, KEY, begin, fill

pytestmark = pytest.mark.usefixtures("each_database")
PATH = f"/tickets/{DEVICE}-1/actions/0/visit"
DAY_MS = 86_400_000


async def with_visit(receiver):
    """A home with a visit that was proposed just now."""
    await receiver.database.write(fill, pumps=2, consents=[PRESENCE])
    return await receiver.database.write(begin, now_at=now_ms())


async def test_a_visit_is_seen_moved_and_closed(tmp_path):
    """Each step answers with the visit as it is then; a technician's times are listed."""
    async with serving(tmp_path) as receiver:
        of = await with_visit(receiver)
        shown = await receiver.api("GET", PATH)
        assert (shown["state"], shown["start_at"], shown["uid"]) == (
            "proposed",
            of.start_at,
            of.uid,
        )
        assert shown["proposals"][0]["start_at"] == of.start_at
        span = f"from={now_ms()}&until={now_ms() + 30 * DAY_MS}"
        (listed,) = (await receiver.api("GET", f"/visits?{span}"))["items"]
        assert listed["ticket"] == f"{DEVICE}-1"
        query = f"/visits?{span}&technician=nobody"
        assert (await receiver.api("GET", query))["items"] == []
        third = shown["proposals"][2]["start_at"]
        body = {"reason": "the owner called", "start_at": third}
        moved = await receiver.api("POST", PATH + "/move", json=body)
        assert (moved["state"], moved["start_at"]) == ("booked", third)
        night = {"reason": "x", "start_at": third // DAY_MS * DAY_MS}
        await receiver.api("POST", PATH + "/move", 409, json=night)
        late = third + 10 * DAY_MS
        waits = await receiver.api("POST", PATH + "/parts", json={"parts_at": late})
        assert waits["state"] == "proposed"
        assert waits["start_at"] >= late
        again = await receiver.api("POST", PATH + "/move", json={"reason": "the van is broken"})
        assert again["start_at"] >= late
        await receiver.api("POST", PATH + "/close", 409, json={"is_fixed": False})
        body = {"reason": "the owner called", "start_at": again["proposals"][0]["start_at"]}
        await receiver.api("POST", PATH + "/move", json=body)
        wrong = {"is_fixed": True, "cause": "moths"}
        problem = await receiver.api("POST", PATH + "/close", 422, json=wrong)
        assert "want one of clogged, dead, torn" in problem["detail"]
        good = {"is_fixed": True, "cause": "dead", "parts": {"PUMP-1": 1}, "minutes": 30}
        closed = await receiver.api("POST", PATH + "/close", json=good)
        assert (closed["state"], closed["was_home"]) == ("closed", True)
        ticket = await receiver.api("GET", f"/tickets/{DEVICE}-1")
        assert ticket["state"] == "closed"
        found = await receiver.api("GET", "/visits/calibration")
        assert found["count"] == found["bins"][0]["count"] == 1
        assert found["brier"] == pytest.approx((1 - closed["p_home"]) ** 2)


async def test_questions_that_are_none(tmp_path):
    """Unknown visits, spans that end before they begin, and bodies of others."""
    async with serving(tmp_path) as receiver:
        await with_visit(receiver)
        await receiver.api("GET", PATH.replace("/0/", "/7/"), 404)
        for query in ("from=5&until=5", "from=x", f"from=0&until={61 * DAY_MS}", "week=1"):
            await receiver.api("GET", f"/visits?{query}", 400)
        await receiver.api("POST", PATH + "/move", 422, json={})
        await receiver.api("POST", PATH + "/parts", 422, json={"parts_at": -1})
        empty = await receiver.api("GET", "/visits/calibration")
        assert (empty["count"], empty["brier"]) == (0, None)


async def test_what_is_kept_of_a_home_is_shown_and_forgotten(tmp_path):
    """Counts by cell with consent, nothing without or after."""
    async with serving(tmp_path) as receiver:
        await with_visit(receiver)
        await receiver.database.write(presence.learn, DEVICE, [128], now_ms())
        path = f"/devices/{DEVICE}/presence"
        assert (await receiver.api("GET", path))["uses"] == [0] * 24
        assert (await receiver.api("DELETE", path))["uses"] is None
        assert (await receiver.api("GET", path))["uses"] is None
        assert (await receiver.api("GET", path.replace(DEVICE, "f" * 16)))["uses"] is None


async def test_the_page_draws_each_technicians_week(tmp_path):
    """A block for each visit, at its hour, in the week that is asked for; and the calibration."""
    async with serving(tmp_path) as receiver:
        of = await with_visit(receiver)
        async with receiver.session.post(receiver.url + "/login", data={"token": TOKEN}):
            pass
        texts = []
        for week in range(3):
            url = f"{receiver.url}/visits?week={week}"
            async with receiver.session.get(url) as answer:
                assert answer.status == 200
                texts.append(await answer.text())
        assert all(text.count('<svg class="week"') == 2 for text in texts)
        blocks = [re.findall(r'class="visit visit-(\w+)"', text) for text in texts]
        assert [state for found in blocks for state in found] == ["proposed"]
        assert "No visit has been closed yet" in texts[0]
        body = {"reason": "x", "start_at": of.start_at}
        await receiver.api("POST", PATH + "/move", json=body)
        closing = {"is_fixed": False, "nobody_home": True}
        await receiver.api("POST", PATH + "/close", json=closing)
        kept = await receiver.database.read(visits.read, KEY)
        async with receiver.session.get(receiver.url + "/visits?week=x") as answer:
            text = await answer.text()
        assert f"said {kept.p_home:.2f}, came 0.00, 1 visits" in text
