"""Sent again by hand: the same ids to the same webhook, and a reason for what is not."""

import re

import pytest
from standardwebhooks.webhooks import Webhook

from phonehome_cloud.clock import now_ms
from phonehome_cloud.core.telling.signing import show_secret
from phonehome_cloud.errors import ConflictError, NotFoundError
from phonehome_cloud.store import effects, hooks, resending
from tests.cloud.outgoing import DAY_MS, HOUR_MS, OPENED, add_owner, teller
from tests.cloud.running import TOKEN, running
from tests.cloud.test_effects_api import told
from tests.cloud.test_outgoing_pages import press
from tests.cloud.test_pages import ask, log_in
from tests.fakes.mailbox import mailbox
from tests.fakes.subscriber import subscriber

LOOPBACK = {"WEBHOOKS_NETWORKS": "127.0.0.0/8"}
ORDER = {"kind": "webhook", "template": "part.ordered", "data": {"order": "o1"}}
LIDS = "supplier:lids"


@pytest.fixture
async def post(tmp_path, each_database):
    """A teller with a mail server, that may send webhooks to loopback."""
    with mailbox() as box:
        more = {"MAIL_URL": f"smtp://127.0.0.1:{box.port}", "MAIL_SENDER": "a@acme.example"}
        with teller(tmp_path, **LOOPBACK, **more, TELLING_QUIET="00:00-00:00") as made:
            made.box = box
            yield made


async def replay(post, hook, since_at):
    """Send again, and let it arrive; how many."""
    count = await post.database.write(resending.replay, hook, since_at, post.clock())
    await post.tell()
    return count


async def test_what_an_audience_was_sent_is_sent_again_under_its_ids(post):
    """A supplier's orders by webhook, of the time that was asked for; never their letters."""
    async with subscriber() as there:
        hook, secret = await post.add_hook(there.url, LIDS)
        for key in ("o1", "o2"):
            await post.add(key, LIDS, **ORDER)
            await post.tell()
            post.clock.advance(HOUR_MS)
        await post.add("paper", LIDS, data={})
        await post.tell()
        first = list(there.calls)
        assert await replay(post, hook, post.clock() - HOUR_MS) == 1
        assert await replay(post, hook, 0) == 2
        assert there.ids[:3] == ["o1", "o2", "o2"]
        assert sorted(there.ids[3:]) == ["o1", "o2"]  # no order is promised
        for _, headers, body in there.calls:
            assert Webhook(show_secret(secret)).verify(body, dict(headers))["type"]
            assert body in [same for *_, same in first]
    assert (await post.rows())["paper"].state == "dead"
    assert post.box.letters == []


async def test_what_never_arrived_is_sent_again_as_well(post):
    """Given up after days; the replay is worth four days of tries of its own."""
    async with subscriber() as there:
        hook, _ = await post.add_hook(there.url)
        there.script = [(500, {})] * 2
        await post.add("e1", f"hook:{hook}", expires_at=post.clock() + 60_000, **ORDER)
        await post.tell()
        post.clock.advance(61_000)
        await post.tell()
        assert (await post.rows())["e1"].state == "dead"
        assert await replay(post, hook, 0) == 1
        row = (await post.rows())["e1"]
        assert (row.state, row.expires_at) == ("waiting", post.clock() + 4 * DAY_MS)
        post.clock.advance(HOUR_MS)
        await post.tell()
        assert (await post.rows())["e1"].state == "sent"
        assert set(there.ids) == {"e1"}


async def refusal(post, function, *args):
    """Why something is not sent again."""
    with pytest.raises(ConflictError) as caught:
        await post.database.write(function, *args, post.clock())
    return str(caught.value)


async def test_what_cannot_be_sent_again_is_refused_with_its_reason(post):
    """A webhook that is off or gone, what waits, a letter that arrived, what was erased."""
    async with subscriber() as there:
        hook, _ = await post.add_hook(there.url, LIDS)
        await post.add("o1", LIDS, **ORDER)
        await post.add_owner()
        await post.add("n1")
        await post.tell()
        late = {"due_at": post.clock() + HOUR_MS, "expires_at": post.clock() + DAY_MS}
        await post.add("late", LIDS, **late, **ORDER)
        why = await refusal(post, resending.retry, "late")
        assert why == "effect late is waiting: it goes when it is due"
        assert "a letter is sent once" in await refusal(post, resending.retry, "n1")
        await post.database.write(hooks.disable, hook, "410 Gone", post.clock())
        words = f"webhook {hook} is disabled (410 Gone): enable it first"
        assert words in await refusal(post, resending.retry, "o1")
        assert await refusal(post, resending.replay, hook, 0) == words
        await post.database.write(
            hooks.change, hook, {"disabled_at": None, "disabled_because": None}
        )
        await post.database.write(effects.forget, LIDS, post.clock())
        assert "was erased" in await refusal(post, resending.retry, "o1")
        assert await replay(post, hook, 0) == 0
        await post.add("o3", LIDS, **ORDER)
        await post.tell()
        await post.database.write(hooks.remove, hook)
        assert "there is no webhook for supplier:lids" in await refusal(
            post, resending.retry, "o3"
        )
        with pytest.raises(NotFoundError):
            await post.database.write(resending.replay, hook, 0, post.clock())
        assert there.ids == ["o1", "o3"]


async def test_a_button_sends_again(tmp_path):
    """All of a span, or the last event; how much it was is said, and what is wrong is told."""
    async with subscriber() as there, running(tmp_path, **LOOPBACK) as receiver:
        await log_in(receiver)
        _, text = await press(receiver, "add", url=there.url)
        name = {"webhook": re.search(r'name="webhook" value="(\w+)"', text)[1]}
        await press(receiver, "test", **name)
        await receiver.eventually(lambda: page(receiver), lambda text: "Send it again" in text)
        (key,) = set(there.ids)
        _, text = await press(receiver, "replay", hours="1", **name)
        assert "1 event will be sent again" in text
        await receiver.eventually(lambda: count(there), lambda seen: seen == 2)
        await receiver.eventually(lambda: page(receiver), lambda text: "Send it again" in text)
        await press(receiver, "retry", key=key)
        await receiver.eventually(lambda: count(there), lambda seen: seen == 3)
        assert set(there.ids) == {key}
        assert (await press(receiver, "replay", hours="2", **name))[0] == 422
        assert (await press(receiver, "replay", hours="1", webhook="0" * 16))[0] == 404
        await press(receiver, "disable", **name)
        status, text = await press(receiver, "replay", hours="1", **name)
        assert (status, "enable it first" in text) == (409, True)
        elsewhere = {"Origin": "https://evil.example"}
        form = {"do": "replay", "hours": "1", **name}
        answer = await ask(receiver, "POST", "/outgoing", data=form, headers=elsewhere)
        assert answer[0] == 403
        assert len(there.calls) == 3


async def page(receiver):
    """The page of what leaves."""
    return (await ask(receiver, "GET", "/outgoing"))[1]


async def count(there):
    """How many calls came."""
    return len(there.calls)


async def test_the_command_lists_webhooks_and_replays(tmp_path, monkeypatch, capsys):
    """Everything of a span again, by the id that the list has; refused with the reason."""
    monkeypatch.setenv("PHONEHOME_API_TOKEN", TOKEN)
    async with subscriber() as there, running(tmp_path, **LOOPBACK) as receiver:
        made = await receiver.api("POST", "/webhooks", 201, json={"url": there.url})
        name = made["webhook"]
        code, out, _ = await told(capsys, receiver, "webhooks", "list")
        assert (code, out.split()[0], "every event" in out) == (0, name, True)
        await receiver.api("POST", f"/webhooks/{name}/test", 202)
        await receiver.eventually(
            lambda: receiver.api("GET", "/effects?state=sent"), lambda found: found["items"]
        )
        again = ("webhooks", "replay", name, "--last")
        code, out, _ = await told(capsys, receiver, *again, "12h")
        assert (code, "sent again: 1 event since" in out) == (0, True)
        await receiver.eventually(lambda: count(there), lambda seen: seen == 2)
        assert len(set(there.ids)) == 1
        assert (await told(capsys, receiver, *again, "0h"))[0] == 2
        assert (await told(capsys, receiver, "webhooks", "replay", "x", "--last", "1h"))[0] == 2
        await receiver.api("PATCH", f"/webhooks/{name}", json={"enabled": False})
        code, _, errors = await told(capsys, receiver, *again, "12h")
        assert (code, "is disabled (by token:configured)" in errors) == (3, True)
        later = {"since_at": now_ms() + HOUR_MS}
        wrong = await receiver.api("POST", f"/webhooks/{name}/replay", 422, json=later)
        assert wrong["errors"][0]["field"] == "since_at"


async def test_one_that_is_refused_holds_up_no_other(tmp_path, monkeypatch, capsys):
    """Of all dead ones those go again that can; the rest is named, and the code says so."""
    monkeypatch.setenv("PHONEHOME_API_TOKEN", TOKEN)
    async with running(tmp_path, TELLING_QUIET="00:00-00:00") as receiver:
        await receiver.database.write(add_owner, "7")
        at = now_ms()
        about = None, None, at, at + DAY_MS
        gone = effects.Effect("e1", "webhook", LIDS, "part.ordered", {"order": "o1"}, *about)
        mail = effects.Effect("n1", "mail", "owner:7", "ticket_opened", OPENED, *about)
        for one in (gone, mail):
            await receiver.database.write(effects.add, one)
        await receiver.eventually(
            lambda: receiver.api("GET", "/effects?state=dead"),
            lambda found: len(found["items"]) == 2,
        )
        code, out, errors = await told(capsys, receiver, "effects", "retry", "--all")
        assert (code, out.split()[1]) == (3, "n1")
        assert "there is no webhook for supplier:lids" in errors
