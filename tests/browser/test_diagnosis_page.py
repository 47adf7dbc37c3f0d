"""The ticket's page draws why a fault happens, for people who look rather than read."""

import pytest

from tests.browser.test_tickets_page import DESK, PHONE, is_too_wide, open_page
from tests.cloud.running import running
from tests.cloud.test_diagnoses_api import blocked_drain, diagnosed


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
async def test_causes_are_bars_with_what_moved_them(tmp_path, browser, size):
    """The likeliest cause is open and its bar the longest; nothing needs a script or a style."""
    async with running(tmp_path) as receiver:
        ticket = await blocked_drain(receiver, await receiver.register())
        await diagnosed(receiver, ticket["id"])
        page = await open_page(browser, receiver, size)
        await page.goto(f"{receiver.url}/tickets/{ticket['id']}")
        bars = page.locator(".ranked > li")
        assert await bars.count() == 4
        assert "Lint filter" in await bars.first.inner_text()
        assert await page.get_by_text("The pump draws more current").first.is_visible()
        widths = [
            (await bar.locator(".share").bounding_box())["width"] for bar in await bars.all()
        ]
        assert widths == sorted(widths, reverse=True)
        assert widths[0] > 3 * widths[1]
        assert not await is_too_wide(page)
        assert page.complaints == []
