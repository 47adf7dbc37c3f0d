"""The page behind the link in a letter: leaving takes one click, by a person or a mail program."""

import re

import pytest

from phonehome_cloud.clock import now_ms
from phonehome_cloud.store import contacts, effects, links
from phonehome_cloud.store.dispatching import UNSUBSCRIBE
from tests.cloud.outgoing import DAY_MS, OPENED, add_owner
from tests.cloud.running import running
from tests.fakes.mailbox import mailbox

ONE_CLICK = "List-Unsubscribe=One-Click"


@pytest.fixture
async def receiver(tmp_path):
    """A receiver with one owner."""
    async with running(tmp_path) as made:
        await made.database.write(add_owner, "7", {"language": "de"})
        yield made


async def link(receiver, lasts_ms=DAY_MS, purpose=UNSUBSCRIBE):
    """The path of a page of theirs."""
    token = await receiver.database.write(links.make, purpose, "owner:7", now_ms() + lasts_ms)
    return f"/u/{token}"


async def wish(receiver):
    """What is known of what they want."""
    return await receiver.database.read(contacts.load_wish, "owner:7")


async def ask(receiver, method, path, **request):
    """One request of somebody without any cookie."""
    async with receiver.session.request(method, receiver.url + path, **request) as answer:
        return answer.status, await answer.text()


async def test_the_link_of_a_letter_is_the_whole_way_out(tmp_path):
    """What stands in the header of a real letter works with the POST that RFC 8058 has."""
    with mailbox() as box:
        house = {"MAIL_SENDER": "service@acme.example", "TELLING_QUIET": "00:00-00:00"}
        url = {
            "MAIL_URL": f"smtp://localhost:{box.port}",
            "SERVER_PUBLIC_URL": "https://h.example",
        }
        async with running(tmp_path, **house, **url) as receiver:
            at = now_ms()
            await receiver.database.write(add_owner, "7")
            notice = effects.Effect(
                *("n1", "mail", "owner:7", "ticket_opened", OPENED, None, None, at, at + DAY_MS),
                weight="notice",
            )
            await receiver.database.write(effects.add, notice)
            await receiver.eventually(lambda: _letters(box), bool)
            letter = box.letters[0][1]
            assert letter["List-Unsubscribe-Post"] == ONE_CLICK
            path = re.search(r"https://h\.example(/u/\S+)>", letter["List-Unsubscribe"])[1]
            form = {"Content-Type": "application/x-www-form-urlencoded"}
            assert (await ask(receiver, "POST", path, data=ONE_CLICK, headers=form))[0] == 200
            assert (await wish(receiver))["unsubscribed_at"] is not None


async def _letters(box):
    return box.letters


async def test_a_mail_program_may_send_it_as_multipart(receiver):
    """RFC 8058 allows both; from another site, too."""
    path = await link(receiver)
    body = (
        b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--'
    )
    headers = {"Content-Type": "multipart/form-data; boundary=x", "Sec-Fetch-Site": "cross-site"}
    assert (await ask(receiver, "POST", path, data=body, headers=headers))[0] == 200
    assert (await wish(receiver))["unsubscribed_at"] is not None
    assert (await ask(receiver, "POST", path, data=bytes(5000), headers=headers))[0] == 413


async def test_looking_changes_nothing_and_a_person_can_come_back(receiver):
    """Scanners of mail open every link; the page is in the owner's language."""
    path = await link(receiver)
    status, text = await ask(receiver, "GET", path)
    assert (status, await wish(receiver)) == (200, {})
    assert "Keine weiteren dieser Briefe" in text
    _, text = await ask(receiver, "POST", path + "?lang=en", data={"do": "leave"})
    assert "You get no more of these letters" in text
    await ask(receiver, "POST", path, data={"do": "back"})
    assert (await wish(receiver))["unsubscribed_at"] is None


async def test_hours_and_a_cap_are_kept_as_they_were_typed(receiver):
    """Empty ones are those of the house again; wrong ones change nothing."""
    path = await link(receiver)
    form = {"do": "when", "quiet_from": "20:30", "quiet_until": "08:05", "daily_cap": "2"}
    _, text = await ask(receiver, "POST", path, data=form)
    found = await wish(receiver)
    assert (found["quiet_from"], found["quiet_until"], found["daily_cap"]) == (1230, 485, 2)
    assert 'value="20:30"' in text
    for wrong in ({"quiet_from": "25:00"}, {"daily_cap": "0"}, {"daily_cap": "many"}):
        assert (await ask(receiver, "POST", path, data=form | wrong))[0] == 422
    assert (await wish(receiver))["daily_cap"] == 2
    await ask(receiver, "POST", path, data={"do": "when"})
    found = await wish(receiver)
    assert {found[name] for name in ("quiet_from", "quiet_until", "daily_cap")} == {None}


async def test_a_link_that_is_over_or_for_something_else_opens_nothing(receiver):
    """Expired, of another purpose, invented, or of somebody who is erased."""
    assert (await ask(receiver, "POST", await link(receiver, -1)))[0] == 410
    assert (await ask(receiver, "GET", await link(receiver, purpose="visit")))[0] == 404
    assert (await ask(receiver, "GET", "/u/" + "x" * 43))[0] == 404
    assert await wish(receiver) == {}
