"""The field testers' card: what the console says of itself, on one printed page."""

import importlib.util
import os
import re
import shutil

import pytest
from playwright.async_api import async_playwright

CHROMIUM_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic"]  # as in tests/browser
PAGE = re.compile(rb"/Type\s*/Page(?!s)\b")
A4_PX = {"width": 794, "height": 1123}


@pytest.fixture
def card(project):
    """tools/setup/field_card.py."""
    path = project / "tools/setup/field_card.py"
    spec = importlib.util.spec_from_file_location("field_card", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_card_is_what_the_console_says(card):
    """A command that is added, renamed or guarded makes it old; setup/field_card.py writes it."""
    assert card.CARD.read_text() == card.card()
    assert "<code>clear CODE|all</code>" in card.card()


async def pages_of(html):
    """How many A4 pages Chromium prints, and whether something is cut at the right."""
    path = os.environ.get("PHONEHOME_CHROMIUM") or shutil.which("chromium")
    assert path, "chromium is missing: run 'make system'"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        page = await browser.new_page(viewport=A4_PX)
        await page.set_content(html)
        printed = await page.pdf(prefer_css_page_size=True)
        is_cut = await page.evaluate("() => document.documentElement.scrollWidth > innerWidth")
        await browser.close()
    return len(PAGE.findall(printed)), is_cut


async def test_it_prints_on_one_page(card):
    """One sheet of A4; a few more commands would be two, and this notices."""
    assert await pages_of(card.CARD.read_text()) == (1, False)
    rows = "<tr><td>more</td></tr>" * 20
    assert (await pages_of(card.CARD.read_text().replace("</table>", rows + "</table>")))[0] == 2
