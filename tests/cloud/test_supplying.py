"""What suppliers say of orders, signed with their webhook's secret, and the desk's own API."""

import datetime as dt

import pytest
from standardwebhooks.webhooks import Webhook

from phonehome_cloud.clock import now_ms
from phonehome_cloud.core.acting import part_orders
from phonehome_cloud.core.telling.signing import show_secret
from phonehome_cloud.store import hooks
from phonehome_cloud.store.acting_tables import part_order, step
from phonehome_cloud.store.people_tables import supplier
from phonehome_cloud.web.parts import VAULT
from tests.cloud.kettle import DEVICE, Home
from tests.cloud.running import TOKEN, running

ORDER = f"{DEVICE}-1-0"


@pytest.fixture
async def ordered(tmp_path):
    """An order that a supplier with a webhook has, and a receiver that hears of it."""
    home = Home(tmp_path, now_ms())
    home.stock_lids(0, lead_days=3)
    home.start("new_lid")
    async with running(tmp_path, PRODUCTS_DIRECTORY=str(home.products)) as receiver:
        home.receiver = receiver
        vault = receiver.app[VAULT]
        row = {"url": "https://lids.example/", "label": "lids", "events": []}
        row |= {"audience": "supplier:lids", "created_at": now_ms(), "created_by": "test"}
        _, home.secret = home.do(hooks.add, vault, row)
        yield home
    home.close()


def send_order(home):
    """The window has closed."""
    home.clock.now_at = now_ms()
    past = home.clock() - 1
    home.do(lambda c: c.execute(part_order.update().values(due_at=past, cancel_until_at=past)))
    home.pursue()


async def say(home, body, status=200, secret=None, event="m1", at=None, order=ORDER):
    """A word signed by the reference library; the answer."""
    signer = Webhook(show_secret(secret or home.secret))
    moment = at or dt.datetime.now(dt.UTC)
    headers = {
        "webhook-id": event,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": signer.sign(event, moment, body),
    }
    url = f"{home.receiver.url}/supplier/orders/{order}"
    async with home.receiver.session.post(url, data=body, headers=headers) as answer:
        told = await answer.json(content_type=None)
        assert answer.status == status, told
        return told


async def test_an_order_is_followed_to_the_door(ordered):
    """Back-ordered, shipped, delivered: each once, told to the owner, and then how to fit it."""
    send_order(ordered)
    expected = now_ms() + 9 * 86_400_000
    late = f'{{"state": "back_ordered", "expected_at": {expected}}}'
    for _ in range(2):
        told = await say(ordered, late)
        assert told == {"order": ORDER, "state": "back_ordered"}
    await say(ordered, '{"state": "shipped", "tracking": "T-1"}', event="m2")
    await say(ordered, '{"state": "delivered"}', event="m3")
    news = [data["state"] for _, _, data in ordered.letters("part_news")]
    assert sorted(news) == ["back_ordered", "delivered", "shipped"]
    assert [row["state"] for row in ordered.rows(step)] == ["open", "waiting"]
    found = await ordered.receiver.api("GET", f"/orders/{ORDER}")
    assert (found["state"], found["tracking"]) == ("delivered", "T-1")
    assert ordered.action().due_at - found["ended_at"] == part_orders.FITTING_MS
    assert sorted(event["event"] for event in found["events"]) == ["m1", "m2", "m3"]
    ticket = await ordered.receiver.api("GET", f"/tickets/{DEVICE}-1")
    assert [e["text"] for e in ticket["history"] if e["who"] == "supplier:lids"] == [
        f"order {ORDER}: back ordered",
        f"order {ORDER}: shipped",
        f"order {ORDER}: delivered",
    ]


async def test_a_refused_order_ends_its_action(ordered):
    """The supplier cannot: the action has failed with the supplier's reason."""
    send_order(ordered)
    await say(ordered, '{"state": "refused", "reason": "out of production"}')
    assert ordered.action().state == "failed"
    ticket = await ordered.receiver.api("GET", f"/tickets/{DEVICE}-1")
    assert "out of production" in [entry["text"] for entry in ticket["history"]]


async def test_nobody_else_is_heard(ordered):
    """A wrong secret, an old message, another's order, no order: all the same 401."""
    send_order(ordered)
    body = '{"state": "delivered"}'
    await say(ordered, body, 401, secret=b"x" * 32)
    for minutes in (-6, 6):
        moment = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=minutes)
        await say(ordered, body, 401, at=moment)
    for order in (f"{DEVICE}-1-9", "0000000000000000-1-0", "x"):
        await say(ordered, body, 401, order=order)
    ordered.do(lambda c: c.execute(hooks.webhook.update().values(audience="supplier:other")))
    await say(ordered, body, 401)
    assert ordered.rows(part_order)[0]["state"] == "sent"


@pytest.mark.parametrize("body", ["", "[]", '{"state": "eaten"}', '{"state": "shipped", "x": 1}'])
async def test_what_is_no_news_is_refused(ordered, body):
    """Signed nonsense is told what is wrong with it, and changes nothing."""
    send_order(ordered)
    told = await say(ordered, body, 422 if body[:1] in "[{" and body else 400)
    assert told["title"]
    assert ordered.rows(part_order)[0]["state"] == "sent"


async def test_news_of_an_order_that_was_not_sent(ordered):
    """What the supplier was never told of cannot be shipped."""
    await say(ordered, '{"state": "shipped"}', 409)


async def test_a_wrong_signature_is_expensive(ordered):
    """Guessing slows its address down."""
    send_order(ordered)
    url = f"{ordered.receiver.url}/supplier/orders/{ORDER}"
    for _ in range(300):
        async with ordered.receiver.session.post(url, data=b"{}") as answer:
            if answer.status == 429:
                assert "Retry-After" in answer.headers
                return
            assert answer.status == 401
    raise AssertionError("never slowed down")


async def test_the_desk_speaks_for_a_supplier_without_a_webhook(ordered):
    """An answer by mail is written down by hand, and the same follows from it."""
    send_order(ordered)
    body = {"state": "shipped", "tracking": "T-9"}
    found = await ordered.receiver.api("POST", f"/orders/{ORDER}/news", json=body)
    assert (found["state"], found["tracking"]) == ("shipped", "T-9")
    await ordered.receiver.api("POST", f"/orders/{ORDER}/cancel", 409)


async def test_the_desk_takes_an_order_back(ordered):
    """While nobody was told of it; its action is cancelled with it."""
    found = await ordered.receiver.api("POST", f"/orders/{ORDER}/cancel")
    assert found["state"] == part_orders.CANCELLED
    assert ordered.action().state == "cancelled"
    await ordered.receiver.api("GET", f"/orders/{DEVICE}-1-7", 404)


async def test_the_desk_is_written_down_and_changed(ordered):
    """Operators come, change and go; nonsense is refused field by field."""
    api = ordered.receiver.api
    body = {"mail": "ada@desk.example", "skills": ["heat"], "level": 2}
    await api("PUT", "/operators/ada", json=body)
    await api("PUT", "/operators/ada", json=body | {"capacity": 3})
    found = await api("GET", "/operators")
    assert [(one["operator"], one["capacity"]) for one in found["items"]] == [("ada", 3)]
    refused = await api("PUT", "/operators/ada", 422, json=body | {"level": 9})
    assert refused["errors"][0]["field"] == "level"
    await api("DELETE", "/operators/ada")
    assert (await api("GET", "/operators"))["items"] == []
    await api("DELETE", "/operators/ada", 404)


async def test_what_is_in_hand_is_listed(tmp_path):
    """Assignments, calls and leads, each where people look for it; leads as CSV, too."""
    home = Home(tmp_path, now_ms())
    home.start("new_one", lane="lead")
    async with running(tmp_path, PRODUCTS_DIRECTORY=str(home.products)) as receiver:
        (lead,) = (await receiver.api("GET", "/leads"))["items"]
        assert (lead["name"], lead["ticket"]) == ("Ada Lovelace", f"{DEVICE}-1")
        url = receiver.url + "/api/v1/leads.csv"
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with receiver.session.get(url, headers=headers) as answer:
            lines = (await answer.text()).splitlines()
        assert answer.content_type == "text/csv"
        assert lines[1].startswith(f"{DEVICE}-1,told,")
        assert "'+4930123456" in lines[1]  # no formula
        progress = await receiver.api("GET", f"/tickets/{DEVICE}-1/actions/0/progress")
        assert (progress["kind"], progress["fix"]) == ("lead", None)
        assert (await receiver.api("GET", "/assignments"))["items"] == []
        assert (await receiver.api("GET", "/calls"))["items"] == []
    home.close()


def test_suppliers_are_in_the_books(ordered):
    """The order names the supplier of the books."""
    assert ordered.rows(supplier)[0]["supplier"] == ordered.rows(part_order)[0]["supplier"]
