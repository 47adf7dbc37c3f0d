"""The desk's pages of what is in hand: read and worked by people who are logged in."""

import contextlib
from datetime import UTC, datetime

import pytest

from phonehome_cloud.clock import now_ms
from phonehome_cloud.core.acting import part_orders, steps
from phonehome_cloud.store.acting import callbacks
from phonehome_cloud.store.acting import steps as step_store
from phonehome_cloud.store.acting_tables import part_order
from phonehome_cloud.store.people_tables import desk as desk_table
from tests.cloud.kettle import DEVICE, Home
from tests.cloud.running import TOKEN, running

TICKET = f"{DEVICE}-1"
ORDER = f"{TICKET}-0"


@pytest.fixture
async def desk(tmp_path):
    """A kettle in somebody's home, and somebody at the desk who will be logged in."""
    home = Home(tmp_path, now_ms())

    async def open_desk(stack):
        receiver = await stack.enter_async_context(
            running(tmp_path, PRODUCTS_DIRECTORY=str(home.products))
        )
        async with receiver.session.post(receiver.url + "/login", data={"token": TOKEN}) as answer:
            assert answer.status == 200
        home.receiver = receiver
        return home

    async with contextlib.AsyncExitStack() as stack:
        home.open_desk = lambda: open_desk(stack)
        yield home
    home.close()


async def get(home, path, status=200):
    """A page."""
    async with home.receiver.session.get(home.receiver.url + path) as answer:
        text = await answer.text()
        assert answer.status == status, text
        return text


async def post(home, path, status=200, **form):
    """A form sent, and the page behind it."""
    url = home.receiver.url + path
    async with home.receiver.session.post(url, data=form, headers={"Origin": ""}) as answer:
        text = await answer.text()
        assert answer.status == status, text
        return text


async def test_an_empty_desk_says_so(desk):
    """Nothing waits: every list says that, and nobody without a token sees it."""
    desk.start("descale")
    home = await desk.open_desk()
    text = await get(home, "/in-hand")
    for words in ("Nobody waits", "Nothing is in anybody", "No part", "Nobody wants"):
        assert words in text
    home.receiver.session.cookie_jar.clear()
    assert "API token" in await get(home, "/in-hand")


async def test_a_call_is_made_and_a_ticket_is_in_hand(desk):
    """Both stand on the page; a call that was made is gone from it."""
    desk.start("ask", lane="safety")
    at = now_ms() + 3_600_000
    values = {"desk": "service", "language": "en", "zone": "UTC", "holidays": []}
    more = {"hours": "Mon-Sun 00:00-24:00", "updated_at": now_ms()}
    desk.do(lambda c: c.execute(desk_table.insert().values(**values, **more)))
    n = desk.do(callbacks.ask, DEVICE, 1, "+49 30 1", at, now_ms())
    home = await desk.open_desk()
    text = await get(home, "/in-hand")
    assert "nobody yet" in text
    assert "K2 Heats too slowly" in text
    assert "in 29 minutes" in text  # to respond
    assert "-1 " not in text
    assert "urgent" in text
    assert 'href="tel:+49301"' in text
    assert "Nobody waits" in await post(home, f"/in-hand/calls/{TICKET}/{n}")
    await post(home, f"/in-hand/calls/{TICKET}/{n}", 409)


async def test_an_order_is_followed_by_hand(desk):
    """A supplier that writes mail: shipped, with a number, and what it may not become."""
    desk.stock_lids(2)
    desk.start("new_lid")
    past = now_ms() - 1
    desk.do(lambda c: c.execute(part_order.update().values(due_at=past)))
    home = await desk.open_desk()
    path = f"/tickets/{TICKET}/actions/0"
    assert "2 \u00d7 Lid" in await get(home, "/in-hand")
    home.clock.now_at = now_ms()
    home.pursue()
    await post(home, path + "/order", 422, order=ORDER, do="accepted", expected="soon")
    await post(home, path + "/order", order=ORDER, do="accepted", expected="2026-12-24")
    day = datetime(2026, 12, 24, 12, tzinfo=UTC)
    assert home.rows(part_order)[0]["expected_at"] == day.timestamp() * 1000
    text = await post(home, path + "/order", order=ORDER, do="shipped", tracking="T-1")
    assert "T-1" in text
    assert home.rows(part_order)[0]["state"] == part_orders.SHIPPED
    await post(home, path + "/order", 409, order=ORDER, do="cancel")
    await post(home, path + "/order", 422, order=ORDER, do="eat")
    await post(home, path + "/order", 422, order=f"{TICKET}-1", do="accepted")
    await post(home, path + "/order", 404, order=f"{ORDER}-2", do="accepted")


async def test_an_order_is_taken_back_by_hand(desk):
    """While it is held; the lids are in the depot again."""
    desk.stock_lids(2)
    desk.start("new_lid")
    home = await desk.open_desk()
    text = await post(home, f"/tickets/{TICKET}/actions/0/order", order=ORDER, do="cancel")
    assert "cancelled" in text
    assert home.free_lids() == 2


async def test_an_action_shows_who_proved_what(desk):
    """Every step with its evidence, and a link from the ticket."""
    desk.start("descale")
    evidence = {"sensor": "water_temp", "value": 98.7, "source": "reread"}
    key = DEVICE, 1, 0
    desk.do(step_store.finish, key, 0, steps.BY_DEVICE, now_ms(), evidence)
    home = await desk.open_desk()
    text = await get(home, f"/tickets/{TICKET}/actions/0")
    assert "sensor water_temp" in text
    assert "98.7" in text
    assert f'href="/tickets/{TICKET}/actions/0"' in await get(home, f"/tickets/{TICKET}")
    await get(home, f"/tickets/{TICKET}/actions/9", 404)


async def test_leads_are_on_the_page_and_in_a_file(desk):
    """With who, why and the file for a spreadsheet."""
    desk.start("new_one", lane="lead")
    home = await desk.open_desk()
    text = await get(home, "/in-hand")
    assert "Ada Lovelace" in text
    assert "it was made for 5" in text
    assert "Ada Lovelace" in await get(home, "/in-hand/leads.csv")
