"""The pages in a real browser: what people see, on a desk and on a phone."""

import pytest

from tests.cloud.running import TOKEN, running
from tests.cloud.voice import StillFrame

DESK = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}


async def open_page(browser, receiver, size):
    """A logged-in page; what the browser complains about is in `page.complaints`."""
    context = await browser.new_context(viewport=size)
    page = await context.new_page()
    page.complaints = []
    page.on("console", lambda m: page.complaints.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    await page.goto(receiver.url + "/")
    await page.get_by_label("API token").fill(TOKEN)
    await page.get_by_role("button", name="Log in").click()
    await page.wait_for_url("**/tickets")
    return page


async def blocked_washer(receiver):
    """A washer with one ticket and its freeze frame."""
    voice = await receiver.register(label="Cellar")
    frame = StillFrame({0: (0, [120, 118, None, 119, 120, 121]), 1: (-1, [215] * 6)}, trigger=4)
    return await receiver.open_ticket(
        voice, 520193, 0, channel=0, exp=0, value=120, limit=100, frame=frame
    )


async def is_too_wide(page):
    """Whether the page must be moved sideways to be read."""
    return await page.evaluate(
        "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"
    )


async def test_a_person_finds_a_ticket_and_sees_what_was_measured(tmp_path, browser):
    """From the login over the list to the charts, under the page's own strict policy."""
    async with running(tmp_path) as receiver:
        ticket = await blocked_washer(receiver)
        page = await open_page(browser, receiver, DESK)
        await page.get_by_role("link", name=ticket["title"]).click()
        assert await page.get_by_role("heading", level=1).inner_text() != ""
        charts = page.locator(".charts").get_by_role("img")
        assert await charts.count() == 2
        box = await charts.first.bounding_box()
        assert box["width"] > 200
        assert box["height"] > 100
        line = page.locator("svg .line").first
        assert await line.evaluate("e => getComputedStyle(e).stroke") != "none"
        assert await page.locator("svg .limit").count() == 1
        assert page.complaints == []


async def test_the_numbers_are_there_for_those_who_cannot_see_a_chart(tmp_path, browser):
    """Each chart has a name and a summary, and the table can be opened by keyboard."""
    async with running(tmp_path) as receiver:
        ticket = await blocked_washer(receiver)
        page = await open_page(browser, receiver, DESK)
        await page.goto(f"{receiver.url}/tickets/{ticket['id']}")
        chart = page.get_by_role("img").first
        assert "120 at the trigger" in await chart.aria_snapshot()
        summary = page.get_by_text("The same numbers as a table")
        await summary.focus()
        await page.keyboard.press("Enter")
        table = page.locator("table.numbers")
        assert await table.is_visible()
        assert await table.get_by_role("row").count() == 7
        assert page.complaints == []


async def test_a_person_acknowledges_a_ticket(tmp_path, browser):
    """Text and a button: the state changes, and the history says who."""
    async with running(tmp_path) as receiver:
        ticket = await blocked_washer(receiver)
        page = await open_page(browser, receiver, DESK)
        await page.goto(f"{receiver.url}/tickets/{ticket['id']}")
        await page.get_by_label("What you found").fill("I call the owner")
        await page.get_by_role("button", name="Acknowledge").click()
        history = page.get_by_role("region", name="History")
        await history.get_by_text("open → acknowledged").wait_for()
        assert "configured" in await history.inner_text()
        assert await page.locator(".badges").get_by_text("acknowledged").is_visible()


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
async def test_pages_fit_the_screen(tmp_path, browser, size):
    """Nothing has to be moved sideways, on no page."""
    async with running(tmp_path) as receiver:
        ticket = await blocked_washer(receiver)
        page = await open_page(browser, receiver, size)
        for path in ("/tickets", f"/tickets/{ticket['id']}", "/problems", "/login"):
            await page.goto(receiver.url + path)
            assert not await is_too_wide(page), path
        assert page.complaints == []


async def test_everything_is_readable_in_both_colour_schemes(tmp_path, browser):
    """Text stands out from its ground by the 4.5 to 1 of WCAG AA, light and dark."""
    async with running(tmp_path) as receiver:
        ticket = await blocked_washer(receiver)
        page = await open_page(browser, receiver, DESK)
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme=scheme)
            for path in ("/tickets", f"/tickets/{ticket['id']}"):
                await page.goto(receiver.url + path)
                weak = await page.evaluate(WEAK_TEXTS)
                assert weak == [], (scheme, path)


WEAK_TEXTS = """() => {
  const rgb = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = c => {
    const [r, g, b] = c.map(v => v / 255)
      .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = element => {
    for (let e = element; e; e = e.parentElement) {
      const c = rgb(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] > 0) return c.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const weak = [];
  for (const e of document.querySelectorAll("main *, header *")) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!own || !e.checkVisibility()) continue;
    const style = getComputedStyle(e);
    const ink = rgb(e.closest("svg") ? style.fill : style.color).slice(0, 3);
    const [a, b] = [light(ink), light(ground(e))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) weak.push(`${e.tagName}.${e.className}: ${ratio.toFixed(2)}`);
  }
  return weak;
}"""
