"""Pages for everybody: with a keyboard, a screen reader, a small screen, in light and dark."""

import pytest

from phonehome_cloud.clock import now_ms
from tests.browser.test_tickets_page import PHONE, WEAK_TEXTS, is_too_wide
from tests.cloud.kettle import DEVICE, Home
from tests.cloud.running import TOKEN, running

# What a screen reader would have to guess: fields without a name, pictures without words, a page
# without a language or with another number of main headings than one, ids that are there twice.
GUESSED = """() => {
  const found = [];
  for (const e of document.querySelectorAll("input:not([type=hidden]), select, textarea")) {
    const named = e.labels?.length || e.hasAttribute("aria-label") || e.hidden;
    if (!named) found.push("no label: " + e.outerHTML.slice(0, 80));
  }
  for (const e of document.querySelectorAll("img:not([alt])")) found.push("no alt: " + e.src);
  const heads = [...document.querySelectorAll("h1, h2, h3")].map(e => Number(e.tagName[1]));
  if (heads.filter(level => level === 1).length !== 1) found.push("h1: " + heads);
  if (heads.some((level, i) => i && level > heads[i - 1] + 1)) found.push("levels: " + heads);
  if (!document.documentElement.lang) found.push("no language");
  const ids = [...document.querySelectorAll("[id]")].map(e => e.id);
  found.push(...ids.filter((id, i) => ids.indexOf(id) !== i).map(id => "twice: " + id));
  return found;
}"""


@pytest.fixture
async def living(tmp_path):
    """A kettle whose owner has steps to do, and the desk that looks after it."""
    home = Home(tmp_path, now_ms())
    async with running(tmp_path, PRODUCTS_DIRECTORY=str(home.products)) as receiver:
        home.start("descale")
        home.url = receiver.url
        yield home
    home.close()


async def look_at(page, what):
    """Whatever is wrong with what a browser shows now."""
    wrong = await page.evaluate(GUESSED)
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)
        wrong += [f"{scheme}: {weak}" for weak in await page.evaluate(WEAK_TEXTS)]
    if await is_too_wide(page):
        wrong.append("too wide")
    return [f"{what}: {each}" for each in wrong]


@pytest.mark.parametrize("locale", ["de-DE", "en-GB"])
async def test_owners_pages_are_for_everybody(browser, living, locale):
    """From the letter over their own page to the wishes for letters, the claim and a dead end."""
    context = await browser.new_context(viewport=PHONE, locale=locale)
    page = await context.new_page()
    await page.goto(f"{living.url}{living.page()}?lang={locale[:2]}")
    wrong = await look_at(page, "owner")
    for button in ("mine", "wishes"):
        await page.locator(f'button[value="{button}"]').click()
        await page.locator("h1").wait_for()
        wrong += await look_at(page, button)
    for path in ("/claim", "/o/cut"):
        await page.goto(living.url + path)
        wrong += await look_at(page, path)
    assert wrong == []


async def test_the_desks_pages_are_for_everybody(browser, living):
    """Every page that the head leads to, a ticket, an action, and the login."""
    context = await browser.new_context(viewport=PHONE)
    page = await context.new_page()
    await page.goto(living.url + "/login")
    wrong = await look_at(page, "login")
    await page.get_by_label("API token").fill(TOKEN)
    await page.get_by_role("button", name="Log in").click()
    await page.wait_for_url("**/tickets")
    links = page.get_by_role("navigation", name="Pages").get_by_role("link")
    paths = [await link.get_attribute("href") for link in await links.all()]
    assert len(paths) == 5
    for path in (*paths, f"/tickets/{DEVICE}-1", f"/tickets/{DEVICE}-1/actions/0"):
        await page.goto(living.url + path)
        wrong += await look_at(page, path)
    assert wrong == []
