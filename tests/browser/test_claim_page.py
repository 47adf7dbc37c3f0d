"""The claim page in a real browser: from the label to an owner, on a phone."""

from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from phonehome_cloud.store import people
from phonehome_cloud.store.schema import effect
from phonehome_tools.provisioning.label import Label
from tests.browser.test_tickets_page import PHONE, is_too_wide
from tests.cloud.running import running


@pytest.fixture
async def phone(browser):
    """A page on a phone in Vienna that speaks German; what it complains about is kept."""
    context = await browser.new_context(
        viewport=PHONE, locale="de-AT", timezone_id="Europe/Vienna", has_touch=True
    )
    page = await context.new_page()
    page.complaints, page.asked = [], []
    page.on("console", lambda m: page.complaints.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("request", lambda request: page.asked.append(request.url))
    return page


async def test_a_label_is_scanned_and_the_appliance_is_theirs(tmp_path, phone):
    """The script fills in what stands behind #, which never travels; the rest is typed."""
    async with running(tmp_path) as receiver:
        body = {"device": "a4cf12fffe05d3b1", "product": "washer"}
        made = await receiver.api("POST", "/devices", 201, json=body)
        label = Label(body["device"], "washer", made["code"], receiver.url)
        await phone.goto(label.url)
        assert await phone.locator("#device").input_value() == body["device"]
        assert await phone.locator("#code").input_value() == made["code"]
        assert await phone.locator("#zone").input_value() == "Europe/Vienna"
        assert urlsplit(phone.url).fragment == ""
        assert not any(made["code"] in url.partition("#")[0] for url in phone.asked)
        assert await phone.locator("html").get_attribute("lang") == "de"
        assert not await is_too_wide(phone)
        await phone.get_by_label("Ihr Name").fill("Jane Miller")
        await phone.get_by_label("E-Mail-Adresse").fill("jane@example.org")
        await phone.get_by_label("wann jemand zu Hause ist").check()
        await phone.get_by_role("button", name="Es gehört mir").click()
        await phone.get_by_role("heading", name="Es gehört Ihnen").wait_for()
        found = await receiver.database.read(people.find_owner, body["device"])
        assert (found.name, found.zone, found.language) == ("Jane Miller", "Europe/Vienna", "de")
        assert found.consents == {"presence"}
        await phone.get_by_role("link", name="Ihre Seite").click()
        await phone.get_by_role("heading", name="Sie und Ihre Geräte").wait_for()
        assert not await is_too_wide(phone)
        assert phone.complaints == []


async def test_a_slip_is_marked_where_it_is(tmp_path, phone):
    """A wrong code is told beside its field, and everything else stays as it was typed."""
    async with running(tmp_path) as receiver:
        body = {"device": "a4cf12fffe05d3b1", "product": "washer"}
        await receiver.api("POST", "/devices", 201, json=body)
        await phone.goto(receiver.url + "/claim?lang=en")
        await phone.get_by_label("Number of the appliance").fill(body["device"])
        await phone.get_by_label("Code", exact=True).fill("2222-2222-2222")
        await phone.get_by_label("Your name").fill("Jane")
        await phone.get_by_label("Mail address").fill("jane@example.org")
        await phone.locator("#zone").select_option("Asia/Tokyo")
        await phone.get_by_role("button", name="It is mine").click()
        wrong = phone.locator("#wrong-code")
        await wrong.wait_for()
        assert "does not fit" in await wrong.inner_text()
        assert await phone.locator("#code").get_attribute("aria-invalid") == "true"
        assert await phone.get_by_label("Your name").input_value() == "Jane"
        assert await phone.locator("#zone").input_value() == "Asia/Tokyo"
        rows = await receiver.database.read(lambda c: c.execute(select(effect)).all())
        assert rows == []
