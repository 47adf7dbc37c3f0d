"""The owner's page in a real browser: on a phone, without a script, and live where one runs."""

import pytest

from phonehome_cloud.clock import now_ms
from phonehome_cloud.store.acting import steps
from tests.browser.test_tickets_page import PHONE, is_too_wide
from tests.cloud.kettle import DEVICE, Home
from tests.cloud.running import running

WITHIN_MS = 20_000


@pytest.fixture
async def living(tmp_path):
    """A kettle with steps for its owner, and a receiver that serves them."""
    home = Home(tmp_path, now_ms())
    async with running(tmp_path, PRODUCTS_DIRECTORY=str(home.products)) as receiver:
        home.start("descale")
        home.url = receiver.url + home.page()
        yield home
    home.close()


async def open_page(browser, url, **context):
    """A page on a phone; what the browser complains about is in `complaints`."""
    made = await browser.new_context(viewport=PHONE, locale="de-DE", **context)
    page = await made.new_page()
    page.complaints = []
    page.on("console", lambda m: page.complaints.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    await page.goto(url)
    return page


@pytest.mark.parametrize("has_script", [True, False])
async def test_an_owner_goes_through_the_steps_on_a_phone(browser, living, has_script):
    """Two steps and "it helped", by thumb, with a script and without; nothing is too wide."""
    page = await open_page(browser, living.url, java_script_enabled=has_script)
    for n in range(2):
        await page.get_by_role("button", name="Erledigt").click()
        await page.wait_for_load_state()
        done = page.get_by_text("Von Ihnen erledigt")
        await done.nth(n).wait_for(timeout=WITHIN_MS)
    box = await page.get_by_role("button", name="Es hat geholfen").bounding_box()
    assert box["height"] >= 44  # a thumb (WCAG 2.5.5)
    await page.get_by_role("button", name="Es hat geholfen").click()
    await page.wait_for_load_state()
    assert living.action().state == "helped"
    if has_script:
        assert not await is_too_wide(page)
    assert page.complaints == []


async def test_the_page_is_live_while_it_is_looked_at(browser, living):
    """The device proves a step somewhere else, and it is ticked here without a touch."""
    page = await open_page(browser, living.url)
    evidence = {"sensor": "water_temp", "value": 98.7, "source": "reread"}
    key = DEVICE, 1, 0
    living.do(steps.finish, key, 0, "device", living.clock(), evidence)
    await page.get_by_text("Ihr Gerät bestätigt es").wait_for(timeout=WITHIN_MS)
    assert await page.locator("#news").text_content() != ""
    assert page.complaints == []


async def test_a_form_is_not_taken_away_from_who_fills_it_in(browser, living):
    """What somebody types stays, whatever changes meanwhile; afterwards the page catches up."""
    page = await open_page(browser, "about:blank")
    await page.clock.install()
    await page.goto(living.url + "?lang=en")
    await page.locator("summary").click()
    field = page.get_by_label("Telephone number")
    await field.fill("+49 30 1")
    living.do(steps.finish, (DEVICE, 1, 0), 0, "owner", living.clock())
    await page.clock.run_for(10_000)
    assert await field.input_value() == "+49 30 1"
    assert await page.get_by_text("Done by you").count() == 0
    await field.blur()
    await page.clock.run_for(4_000)
    await page.get_by_text("Done by you").wait_for(timeout=WITHIN_MS)
