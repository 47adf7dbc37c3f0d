"""The page of what leaves: webhooks are added, tried and ended, dead letters sent again."""

import re

import html5lib

from phonehome_cloud.clock import now_ms
from phonehome_cloud.store import effects
from tests.cloud.outgoing import DAY_MS, OPENED, add_owner
from tests.cloud.running import running
from tests.cloud.test_pages import ask, log_in
from tests.fakes.subscriber import subscriber

PAGE = "/outgoing"


async def press(receiver, do, **fields):
    """Press a button of the page; returns the page that follows."""
    site = {"Origin": receiver.url}
    answer = await ask(receiver, "POST", PAGE, data={"do": do, **fields}, headers=site)
    status, text, headers = answer
    if status == 303:
        assert headers["Location"].partition("?")[0] == PAGE
        status, text, _ = await ask(receiver, "GET", headers["Location"])
    if status == 200:
        html5lib.HTMLParser(strict=True).parse(text)
    return status, text


async def test_a_webhook_lives_on_the_page(tmp_path):
    """Added with its secret shown once, tried, given another secret, disabled, removed."""
    async with (
        subscriber() as there,
        running(tmp_path, WEBHOOKS_NETWORKS="127.0.0.0/8") as receiver,
    ):
        assert (await ask(receiver, "GET", PAGE))[0] == 303
        await log_in(receiver)
        status, text = await press(receiver, "add", url=there.url, label="<b>ERP</b>")
        first = re.search(r"whsec_[\w+/=]+", text)[0]
        assert (status, "<b>ERP" in text, "&lt;b&gt;ERP" in text) == (200, False, True)
        assert "whsec_" not in (await ask(receiver, "GET", PAGE))[1]
        webhook = {"webhook": re.search(r'name="webhook" value="(\w+)"', text)[1]}
        await press(receiver, "test", **webhook)
        await receiver.eventually(lambda: calls(there), lambda count: count == 1)
        await receiver.eventually(
            lambda: ask(receiver, "GET", PAGE),
            lambda answer: 'webhook.test <span class="state">sent' in answer[1],
        )
        _, text = await press(receiver, "rotate", **webhook)
        assert re.search(r"whsec_[\w+/=]+", text)[0] != first
        assert "by token:configured" in (await press(receiver, "disable", **webhook))[1]
        assert "disabled" not in (await press(receiver, "enable", **webhook))[1]
        await press(receiver, "disable", **webhook)
        assert "Nobody is sent events." in (await press(receiver, "remove", **webhook))[1]


async def calls(there):
    """How many came."""
    return len(there.calls)


async def test_what_is_wrong_is_told_and_nothing_is_stored(tmp_path):
    """A private address, an audience that there is not, a button that there is not."""
    async with running(tmp_path) as receiver:
        await log_in(receiver)
        for fields in (
            {"url": "https://10.0.0.1/"},
            {"url": "https://a.example/", "audience": "x"},
        ):
            assert (await press(receiver, "add", **fields))[0] == 422
        assert (await press(receiver, "explode"))[0] == 422
        assert (await press(receiver, "test", webhook="../.."))[0] == 422
        elsewhere = {"Origin": "https://evil.example"}
        answer = await ask(receiver, "POST", PAGE, data={"do": "retry"}, headers=elsewhere)
        assert answer[0] == 403
        assert "Nobody is sent events." in (await ask(receiver, "GET", PAGE))[1]


async def test_an_event_that_never_comes_cannot_be_asked_for(tmp_path):
    """A slip in its name is told with field, value and fix, instead of silence for ever."""
    async with running(tmp_path) as receiver:
        await log_in(receiver)
        given = {"url": "https://example.com/hook", "events": "tickets.opened"}
        status, text = await press(receiver, "add", **given)
        assert status == 422
        for words in ("<b>events</b>", "tickets.opened", "ticket.opened, ticket.reopened"):
            assert words in text
        assert (await press(receiver, "add", **given | {"events": "ticket. incident.opened"}))[
            0
        ] == 200


async def test_a_dead_letter_is_sent_again_by_a_button(tmp_path):
    """It is listed with its reason; pressing the button has it tried once more."""
    async with running(tmp_path, TELLING_QUIET="00:00-00:00") as receiver:
        await log_in(receiver)
        await receiver.database.write(add_owner, "7")
        at = now_ms()
        dead = effects.Effect(
            *("n1", "mail", "owner:7", "ticket_opened", OPENED, None, None, at, at + DAY_MS)
        )
        await receiver.database.write(effects.add, dead)
        await receiver.eventually(
            lambda: ask(receiver, "GET", PAGE), lambda answer: "no mail configured" in answer[1]
        )
        assert (await press(receiver, "retry", key="n1"))[0] == 200
        found = await receiver.eventually(
            lambda: receiver.api("GET", "/effects/n1"), lambda effect: effect["attempts"] == 2
        )
        assert found["key"] == "n1"
