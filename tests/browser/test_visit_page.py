"""The pages of a visit in a real browser whose scripts are off: an owner and a technician."""

import re

from phonehome_cloud.clock import now_ms
from phonehome_cloud.store import visits
from tests.browser.test_tickets_page import DESK, PHONE, is_too_wide, open_page
from tests.cloud.test_visit_pages import job_of, proposed, serving
from tests.cloud.visited import KEY


async def visitor(browser, language="de-DE"):
    """A phone without scripts and without a login."""
    context = await browser.new_context(viewport=PHONE, java_script_enabled=False, locale=language)
    page = await context.new_page()
    page.complaints = []
    page.on("console", lambda m: page.complaints.append(m.text) if m.type == "error" else None)
    return page


async def test_an_owner_chooses_another_time_and_declines(tmp_path, browser):
    """By keyboard and finger, in their language; the page says what is agreed."""
    async with serving(tmp_path) as receiver:
        of, path = await proposed(receiver)
        page = await visitor(browser)
        await page.goto(receiver.url + path)
        assert await page.get_by_role("heading", level=1).inner_text() == "Wann dürfen wir kommen?"
        buttons = page.get_by_role("button", name=re.compile("Diesen Termin wählen"))
        assert await buttons.count() == 3
        await buttons.nth(1).focus()
        await page.keyboard.press("Enter")
        await page.get_by_role("heading", name=re.compile("Ein Techniker kommt am")).wait_for()
        booked = await receiver.database.read(visits.read, KEY)
        assert booked.state == "booked"
        assert booked.start_at != of.start_at
        await page.get_by_role("button", name="Ich möchte keinen Besuch").click()
        await page.get_by_role("heading", name=re.compile("Sie haben den Besuch")).wait_for()
        assert await page.get_by_role("button", name=re.compile("Termin")).count() == 0
        assert "Wie es weitergeht" in await page.locator("main").inner_text()
        await page.get_by_text("Um Anruf bitten").first.click()
        await page.get_by_label("Telefonnummer").wait_for()
        assert page.complaints == []


async def test_a_technician_closes_on_a_phone(tmp_path, browser):
    """The sheet fits a phone; result, cause, part and minutes close the job."""
    async with serving(tmp_path) as receiver:
        _, path = await job_of(receiver)
        page = await visitor(browser, "en-GB")
        await page.goto(receiver.url + path)
        assert "Ada Lovelace" in await page.locator("main").inner_text()
        await page.get_by_label("mended", exact=True).check()
        await page.get_by_label("What was wrong").select_option("dead")
        await page.get_by_label(re.compile("PUMP-1")).fill("1")
        await page.get_by_label("Minutes").fill("35")
        await page.get_by_role("button", name="Close the job").click()
        await page.get_by_text("The job is closed").wait_for()
        assert (await receiver.database.read(visits.read, KEY)).closing["cause"] == "dead"
        assert page.complaints == []


async def test_the_desk_sees_the_week(tmp_path, browser):
    """A block of the visit leads to its ticket; on a phone nothing is too wide."""
    async with serving(tmp_path) as receiver:
        of, _ = await proposed(receiver)
        page = await open_page(browser, receiver, DESK)
        week = 0
        while await page.locator("svg.week .visit").count() == 0 and week < 4:
            await page.goto(f"{receiver.url}/visits?week={week}")
            week += 1
        block = page.locator("svg.week .visit").first
        box = await block.bounding_box()
        assert box["height"] > 5
        assert box["width"] > 40
        await block.click()
        await page.wait_for_url(f"**/tickets/{of.device}-{of.ticket}")
        small = await open_page(browser, receiver, PHONE)
        await small.goto(f"{receiver.url}/visits")
        assert not await is_too_wide(small)
        assert page.complaints == small.complaints == []
        assert of.start_at > now_ms()
