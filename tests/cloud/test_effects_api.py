"""Effects and webhooks on the desk API, with the whole receiver behind it."""

import asyncio
import json

import pytest
from standardwebhooks.webhooks import Webhook

from phonehome_cloud.clock import now_ms
from phonehome_cloud.store import contacts, effects
from phonehome_tools.cli import main
from tests.cloud.outgoing import DAY_MS, OPENED, add_owner
from tests.cloud.running import TOKEN, running
from tests.fakes.mailbox import mailbox
from tests.fakes.subscriber import subscriber

pytestmark = pytest.mark.usefixtures("each_database")

LOOPBACK = {"WEBHOOKS_NETWORKS": "127.0.0.0/8"}
HOUSE = {"SERVER_PUBLIC_URL": "https://service.example", "MAIL_SENDER": "service@acme.example"}
AWAKE = {"TELLING_QUIET": "00:00-00:00"}


def letter(key, to="owner:7", **more):
    """A letter that is due now."""
    at = now_ms()
    fields = {"device": None, "ticket": None, "due_at": at, "expires_at": at + DAY_MS}
    return effects.Effect(key, "mail", to, "ticket_opened", OPENED, **fields | more)


async def state(receiver, key, wanted):
    """Wait until an effect has a state; returns all of it."""
    return await receiver.eventually(
        lambda: receiver.api("GET", f"/effects/{key}"), lambda found: found["state"] == wanted
    )


async def test_a_webhook_is_made_tried_rotated_and_removed(tmp_path):
    """Its secret is told once, verifies what arrives, and is nowhere else."""
    async with subscriber() as there, running(tmp_path, **LOOPBACK) as receiver:
        made = await receiver.api("POST", "/webhooks", 201, json={"url": there.url})
        path = receiver.headers["Location"].removeprefix("/api/v1")
        assert receiver.headers["Cache-Control"] == "no-store"
        effect = await receiver.api("POST", f"{path}/test", 202)
        found = await state(receiver, effect["key"], "sent")
        assert [(each["outcome"], each["reason"]) for each in found["tries"]] == [("sent", "204")]
        ((_, headers, body),) = there.calls
        event = Webhook(made["secret"]).verify(body, dict(headers))
        assert event["type"] == "phonehome.webhook.test"
        shown = await receiver.api("GET", "/webhooks")
        assert made["secret"] not in str(shown)
        rotated = await receiver.api("POST", f"{path}/rotate", json={"overlap_s": 60})
        assert rotated["secret"] != made["secret"]
        changed = await receiver.api("PATCH", path, json={"events": ["ticket."], "label": "ERP"})
        assert (changed["events"], changed["label"]) == (["ticket."], "ERP")
        await receiver.api("DELETE", path)
        await receiver.api("GET", path, 404)
        assert (await receiver.api("GET", "/webhooks"))["items"] == []


async def test_a_receiver_that_is_gone_is_disabled_and_replayed_by_hand(tmp_path):
    """410 turns it off, the desk sees why, turns it on, and everything is sent again."""
    async with subscriber() as there, running(tmp_path, **LOOPBACK) as receiver:
        made = await receiver.api("POST", "/webhooks", 201, json={"url": there.url})
        path = f"/webhooks/{made['webhook']}"
        there.script[:] = [(410, {})]
        effect = await receiver.api("POST", f"{path}/test", 202)
        await state(receiver, effect["key"], "dead")
        found = await receiver.api("GET", path)
        assert (found["enabled"], found["disabled_because"][:8]) == (False, "410 Gone")
        await receiver.api("PATCH", path, json={"enabled": True})
        replayed = await receiver.api("POST", f"{path}/replay", 202, json={"since_at": 0})
        assert replayed == {"events": 1}
        await state(receiver, effect["key"], "sent")
        await receiver.api("POST", f"/effects/{effect['key']}/retry", 202)
        await receiver.eventually(lambda: _count(there), lambda count: count == 3)
        assert set(there.ids) == {effect["key"]}


async def _count(there):
    return len(there.calls)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/hook",
        "https://127.0.0.1/hook",
        "https://[::ffff:10.0.0.1]/hook",
        "https://169.254.169.254/latest/meta-data",
        "https://user:password@example.com/",
        "https://example.com/#part",
        "ftp://example.com/",
        "https:///nowhere",
        "not a url",
    ],
)
async def test_a_url_that_nothing_may_be_sent_to_is_refused(tmp_path, url):
    """The refusal names the field and what it wants; nothing is stored."""
    async with running(tmp_path) as receiver:
        refused = await receiver.api("POST", "/webhooks", 422, json={"url": url})
        (error,) = refused["errors"]
        assert error["field"] == "url"
        assert error["fix"]
        assert (await receiver.api("GET", "/webhooks"))["items"] == []


async def test_an_audience_has_one_webhook(tmp_path):
    """The second one is a conflict; an audience that there is not is refused."""
    async with running(tmp_path) as receiver:
        body = {"url": "https://example.com/hook", "audience": "supplier:3"}
        await receiver.api("POST", "/webhooks", 201, json=body)
        await receiver.api("POST", "/webhooks", 409, json=body)
        await receiver.api("POST", "/webhooks", 422, json=body | {"audience": "everybody"})
        wrong = body | {"audience": None, "events": ["no such type!"]}
        await receiver.api("POST", "/webhooks", 422, json=wrong)


async def test_a_dead_letter_is_listed_with_its_reason_and_sent_when_it_can_be(tmp_path):
    """Without a mail server it is dead; with one, and another try, its owner has it once."""
    async with running(tmp_path, **HOUSE, **AWAKE) as receiver:
        await receiver.database.write(add_owner, "7")
        await receiver.database.write(effects.add, letter("opened:1"))
        await state(receiver, "opened:1", "dead")
        (found,) = (await receiver.api("GET", "/effects?state=dead&to=owner:7"))["items"]
        assert found["failure"].startswith("no mail configured")
        assert "data" not in found
    with mailbox() as box:
        url = f"smtp://localhost:{box.port}"
        async with running(tmp_path, MAIL_URL=url, **HOUSE, **AWAKE) as receiver:
            await receiver.api("POST", "/effects/opened:1/retry", 202)
            sent = await state(receiver, "opened:1", "sent")
            assert [each["outcome"] for each in sent["tries"]] == ["dead", "sent"]
            await receiver.api("POST", "/effects/opened:1/retry", 409)  # a letter is no webhook
        assert len(box.letters) == 1


async def test_effects_are_listed_page_by_page(tmp_path):
    """Newest first, each once; an unknown state is refused with those there are."""
    async with running(tmp_path) as receiver:
        for n in range(5):
            late = letter(f"k{n}", due_at=now_ms() + DAY_MS + n, expires_at=now_ms() + 2 * DAY_MS)
            await receiver.database.write(effects.add, late)
        first = await receiver.api("GET", "/effects?limit=3")
        second = await receiver.api("GET", f"/effects?limit=3&cursor={first['next']}")
        keys = [row["key"] for row in first["items"] + second["items"]]
        assert keys == [f"k{n}" for n in reversed(range(5))]
        assert second["next"] is None
        refused = await receiver.api("GET", "/effects?state=lost", 400)
        assert "waiting" in refused["errors"][0]["fix"]
        await receiver.api("GET", "/effects/nothing", 404)


async def test_an_effect_is_taken_back_with_a_reason(tmp_path):
    """Who did it and why is kept; what is over cannot be taken back."""
    async with running(tmp_path) as receiver:
        late = letter("later", due_at=now_ms() + DAY_MS, expires_at=now_ms() + 2 * DAY_MS)
        await receiver.database.write(effects.add, late)
        cancel = "/effects/later/cancel"
        done = await receiver.api("POST", cancel, json={"reason": "they called"})
        assert done["state"] == "cancelled"
        assert done["failure"] == "they called (token:configured)"
        await receiver.api("POST", cancel, 409, json={"reason": "again"})


async def test_a_dead_address_is_listed_and_let_go(tmp_path):
    """Nothing is written to it until then."""
    async with running(tmp_path) as receiver:
        suppressed = "zoe+x@example.com", "550 5.1.1 no such user", now_ms()
        await receiver.database.write(contacts.suppress, *suppressed)
        (found,) = (await receiver.api("GET", "/suppressions"))["items"]
        assert found["reason"] == "550 5.1.1 no such user"
        await receiver.api("DELETE", "/suppressions/zoe%2Bx@example.com")
        await receiver.api("DELETE", "/suppressions/zoe%2Bx@example.com", 404)
        assert (await receiver.api("GET", "/suppressions"))["items"] == []


async def told(capsys, receiver, *words):
    """What `phonehome admin` prints, and its exit code."""
    code = await asyncio.to_thread(main, ["admin", *words, "--server", receiver.url])
    said = capsys.readouterr()
    return code, said.out, said.err


async def test_the_command_lists_retries_and_takes_back(tmp_path, monkeypatch, capsys):
    """Dead effects with their reasons, one or all of them again, and one taken back."""
    monkeypatch.setenv("PHONEHOME_API_TOKEN", TOKEN)
    async with running(tmp_path, **AWAKE) as receiver:
        await receiver.database.write(add_owner, "7")
        for key in ("one", "two"):
            await receiver.database.write(effects.add, letter(key))
            await state(receiver, key, "dead")
        late = letter("late", due_at=now_ms() + DAY_MS, expires_at=now_ms() + 2 * DAY_MS)
        await receiver.database.write(effects.add, late)
        code, out, _ = await told(capsys, receiver, "effects", "list", "--state", "dead")
        assert (code, len(out.splitlines()), "no mail configured" in out) == (0, 2, True)
        _, out, _ = await told(capsys, receiver, "effects", "show", "one")
        assert json.loads(out)["tries"][0]["outcome"] == "dead"
        code, out, _ = await told(capsys, receiver, "effects", "retry", "--all")
        assert (code, {line.split()[1] for line in out.splitlines()}) == (0, {"one", "two"})
        await state(receiver, "one", "dead")
        assert (await told(capsys, receiver, "effects", "retry", "one"))[0] == 0
        assert (await told(capsys, receiver, "effects", "retry", "late"))[0] == 3
        back = ("effects", "cancel", "late", "--reason", "they called")
        code, out, _ = await told(capsys, receiver, *back)
        assert (code, "cancelled" in out) == (0, True)
        code, _, errors = await told(capsys, receiver, "effects", "list", "--state", "lost")
        assert (code, "state is wrong" in errors) == (1, True)


async def test_a_letter_can_be_looked_at(tmp_path, monkeypatch, capsys):
    """By the command or the API, in each language, with its sample data; nothing is sent."""
    monkeypatch.setenv("PHONEHOME_API_TOKEN", TOKEN)
    async with running(tmp_path) as receiver:
        _, out, _ = await told(capsys, receiver, "letter")
        assert "ticket_opened  de  en" in out.splitlines()
        code, out, _ = await told(capsys, receiver, "letter", "ticket_opened", "--language", "de")
        assert (code, "Guten Tag Alex Sample," in out) == (0, True)
        _, out, _ = await told(capsys, receiver, "letter", "ticket_opened", "--html")
        assert out.startswith("<!doctype html>")
        assert (await told(capsys, receiver, "letter", "no_such_letter"))[0] == 1
        refused = await receiver.api("GET", "/letters/ticket_opened?language=fi", 400)
        assert "de, en" in refused["errors"][0]["fix"]
        assert (await receiver.api("GET", "/effects"))["items"] == []
