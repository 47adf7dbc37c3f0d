"""The pages without a browser: who gets in, what is escaped, what a form may do."""

import re

import pytest

from phonehome_cloud.clock import now_ms
from phonehome_cloud.store import tokens
from phonehome_cloud.web.logins import LIFETIME_MS, Logins, local_path
from phonehome_cloud.web.rendering import ago
from tests.cloud.running import TOKEN, running
from tests.cloud.voice import StillFrame

pytestmark = pytest.mark.usefixtures("each_database")


async def ask(receiver, method, path, **request):
    """One request without following redirects; returns (status, text, headers)."""
    url = receiver.url + path
    call = receiver.session.request(method, url, allow_redirects=False, **request)
    async with call as answer:
        return answer.status, await answer.text(), answer.headers


async def log_in(receiver, token=TOKEN, **more):
    """Send the token form; the session keeps the cookie."""
    return await ask(receiver, "POST", "/login", data={"token": token, **more})


async def test_pages_are_for_people_who_are_logged_in(tmp_path):
    """Without a session every page leads to the login, which leads back."""
    async with running(tmp_path) as receiver:
        for path in ("/tickets", "/tickets?show=all", "/tickets/a4cf12fffe05d3b1-1"):
            status, _, headers = await ask(receiver, "GET", path)
            assert status == 303
            assert headers["Location"].startswith("/login?next=/tickets")
        status, _, headers = await log_in(receiver, next="/tickets?show=all")
        assert (status, headers["Location"]) == (303, "/tickets?show=all")
        assert (await ask(receiver, "GET", "/tickets"))[0] == 200


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(tmp_path):
    """HttpOnly and SameSite; it never holds the token."""
    async with running(tmp_path) as receiver:
        _, _, headers = await log_in(receiver)
        cookie = headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert TOKEN not in cookie


async def test_a_wrong_token_does_not_get_in(tmp_path):
    """It is told so, and guessing is slowed down."""
    async with running(tmp_path) as receiver:
        status, text, headers = await log_in(receiver, "wrong")
        assert (status, "Set-Cookie" in headers) == (401, False)
        assert "unknown or revoked" in text
        statuses = {(await log_in(receiver, "wrong"))[0] for _ in range(12)}
        assert statuses == {401, 429}


async def test_a_session_ends_with_its_token(tmp_path):
    """Revoking a token ends every browser that used it."""
    async with running(tmp_path) as receiver:
        token = tokens.draw()
        await receiver.database.write(tokens.add, "anna", token, now_ms())
        await log_in(receiver, token)
        assert (await ask(receiver, "GET", "/tickets"))[0] == 200
        await receiver.database.write(tokens.revoke, "anna", now_ms())
        assert (await ask(receiver, "GET", "/tickets"))[0] == 303


async def test_logging_out_forgets_the_cookie(tmp_path):
    """The browser is back at the login."""
    async with running(tmp_path) as receiver:
        await log_in(receiver)
        assert (await ask(receiver, "POST", "/logout"))[0] == 303
        assert (await ask(receiver, "GET", "/tickets"))[0] == 303


async def test_a_forged_cookie_is_no_session(tmp_path):
    """Neither another name nor a later end can be written into it."""
    async with running(tmp_path) as receiver:
        for cookie in ("", ".", "..", "YQ==.99999999999999.00", "\u00fc.1.2", "a" * 4000):
            headers = {"Cookie": f"phonehome_session={cookie}"}
            assert (await ask(receiver, "GET", "/tickets", headers=headers))[0] == 303


def test_a_cookie_holds_for_its_time_and_its_key_only():
    """Over is over, and another receiver's cookie is nobody's."""
    cookie = Logins(b"1" * 32).make("anna: ü", 1000)
    assert Logins(b"1" * 32).maybe_name(cookie, 1000) == "anna: ü"
    assert Logins(b"1" * 32).maybe_name(cookie, 1000 + LIFETIME_MS) is None
    assert Logins(b"2" * 32).maybe_name(cookie, 1000) is None
    name, end, mac = cookie.split(".")
    assert Logins(b"1" * 32).maybe_name(f"{name}.{int(end) + 1}.{mac}", 1000) is None


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "http://evil"}],
)
async def test_a_form_from_another_site_does_nothing(tmp_path, headers):
    """Login, logout and work on tickets are refused; the ticket stays as it was."""
    async with running(tmp_path) as receiver:
        ticket = await receiver.open_ticket(await receiver.register())
        await log_in(receiver)
        form = {"text": "x", "do": "closed", "token": TOKEN}
        for path in ("/login", "/logout", f"/tickets/{ticket['id']}"):
            status, text, _ = await ask(receiver, "POST", path, data=form, headers=headers)
            assert (status, "another site" in text) == (403, True)
        whole = await receiver.api("GET", f"/tickets/{ticket['id']}")
        assert whole["state"] == "open"


@pytest.mark.parametrize(
    "path", ["//evil", "https://evil/", "/\\evil", "javascript:x", "tickets", "/a\nb", ""]
)
def test_the_login_leads_nowhere_else(path):
    """What is no path of this receiver is the front page."""
    assert local_path(path) == "/"


async def test_every_page_has_a_strict_policy(tmp_path):
    """No script, no inline style, nothing from elsewhere, never cached, never framed."""
    async with running(tmp_path) as receiver:
        ticket = await receiver.open_ticket(await receiver.register())
        await log_in(receiver)
        for path in ("/login", "/tickets", f"/tickets/{ticket['id']}", "/problems", "/tickets/x"):
            _, text, headers = await ask(receiver, "GET", path)
            policy = headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy
            assert (headers["Cache-Control"], headers["X-Content-Type-Options"]) == (
                "no-store",
                "nosniff",
            )
            assert not re.search(r"<style|<script| style=| on\w+=", text)


async def test_what_devices_and_people_write_is_text(tmp_path):
    """Markup in labels, comments and channel names is shown, not obeyed."""
    evil = "<script>alert(1)</script>"
    async with running(tmp_path) as receiver:
        voice = await receiver.register(label=evil)
        ticket = await receiver.open_ticket(voice)
        await receiver.api("POST", f"/tickets/{ticket['id']}/comments", 201, json={"text": evil})
        await log_in(receiver)
        for path in ("/tickets", f"/tickets/{ticket['id']}"):
            _, text, _ = await ask(receiver, "GET", path)
            assert evil not in text
            assert "&lt;script&gt;" in text


async def test_a_ticket_shows_a_chart_per_channel_and_the_numbers(tmp_path):
    """Each channel of the freeze frame is drawn and tabulated, missing samples as such."""
    async with running(tmp_path) as receiver:
        voice = await receiver.register()
        frame = StillFrame({0: (0, [1, None, 3]), 1: (-1, [5, 5, 5])})
        ticket = await receiver.open_ticket(voice, channel=0, frame=frame)
        await log_in(receiver)
        _, text, _ = await ask(receiver, "GET", f"/tickets/{ticket['id']}")
        assert text.count('role="img"') == 2
        assert text.count("<title id=") == text.count("<desc id=") == 2
        assert "<td>\N{EN DASH}</td>" in text
        assert "<td>0.5</td>" in text


async def test_a_ticket_says_whose_it_is_and_whom_to_call(tmp_path):
    """The desk calls from its page: number, address, who pays; nobody's is said, too."""
    async with running(tmp_path) as receiver:
        await log_in(receiver)
        voice = await receiver.register()
        ticket = await receiver.open_ticket(voice)
        path = f"/tickets/{ticket['id']}"
        assert "nobody has claimed it" in (await ask(receiver, "GET", path))[1]
        person = {"number": "K-1", "name": "Ada Lovelace", "phone": "+4930123456"}
        home = {"street": "Kirchweg 5", "postcode": "10115", "city": "Berlin", "country": "DE"}
        body = {**person, **home, "zone": "Europe/Berlin", "language": "de"}
        made = await receiver.api("POST", "/owners", 201, json=body)
        machine = {"owner": made["owner"], "serial": "WM-77", "warranty_until": "2099-01-01"}
        await receiver.api("PUT", f"/appliances/{voice.device}", 201, json=machine)
        text = (await ask(receiver, "GET", path))[1]
        for words in (
            "Ada Lovelace",
            'href="tel:+4930123456"',
            "Kirchweg 5, 10115 Berlin, DE",
            "WM-77",
            "the warranty pays",
        ):
            assert words in text


async def test_an_address_that_is_none_is_a_page_for_who_reads_pages(tmp_path):
    """A mail program has cut a link: said in the reader's language; programs get their 404."""
    async with running(tmp_path) as receiver:
        browser = {"Accept": "text/html", "Accept-Language": "de"}
        for path in ("/o/cut", "/my/cut", "/u/cut", "/claim/hand-over/cut", "/nothing"):
            status, text, _ = await ask(receiver, "GET", path, headers=browser)
            assert status == 404
            assert "Öffnen Sie sie noch einmal aus dem Brief" in text, path
            assert "/tickets" not in text
        status, text, _ = await ask(receiver, "GET", "/nothing", headers={"Accept": "*/*"})
        assert (status, text) == (404, "404: Not Found")


@pytest.mark.parametrize(
    ("passed_s", "words"),
    [
        (0, "just now"),
        (59, "just now"),
        (60, "1 minute ago"),
        (7_300, "2 hours ago"),
        (-10, "in a moment"),
        (-60, "in 1 minute"),
        (-7_300, "in 2 hours"),
        (-3 * 86_400, "in 3 days"),
    ],
)
def test_moments_lie_behind_or_ahead(passed_s, words):
    """A promise is due in two hours, not minus two hours ago."""
    assert ago(1_000_000_000, 1_000_000_000 + passed_s * 1000) == words


async def test_a_person_works_on_a_ticket_by_form(tmp_path):
    """A comment and a state, both under the name of the token."""
    async with running(tmp_path) as receiver:
        ticket = await receiver.open_ticket(await receiver.register())
        await log_in(receiver)
        path = f"/tickets/{ticket['id']}"
        for form in ({"text": "hello", "do": "comment"}, {"text": "mine", "do": "acknowledged"}):
            assert (await ask(receiver, "POST", path, data=form))[0] == 303
        whole = await receiver.api("GET", path)
        assert whole["state"] == "acknowledged"
        said = [h for h in whole["history"] if h["kind"] in ("comment", "state")]
        assert [(h["who"], h["text"]) for h in said] == [
            ("token:configured", "hello"),
            ("token:configured", "mine"),
        ]


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"text": "", "do": "comment"}, 422),
        ({"text": "x" * 4001, "do": "comment"}, 422),
        ({"text": "x"}, 422),
        ({"text": "x", "do": "nonsense"}, 422),
        ({"text": "x", "do": "open"}, 409),
        ({"text": "x" * 20_000, "do": "comment"}, 413),
        ({f"field{n}": "" for n in range(11)}, 422),
        (b"text=%ff\xff", 422),
    ],
)
async def test_a_wrong_form_is_a_page_that_says_so(tmp_path, form, status):
    """Refusals of a page are pages, and change nothing."""
    async with running(tmp_path) as receiver:
        ticket = await receiver.open_ticket(await receiver.register())
        await log_in(receiver)
        path = f"/tickets/{ticket['id']}"
        sent = {"Content-Type": "application/x-www-form-urlencoded"}
        found, text, headers = await ask(receiver, "POST", path, data=form, headers=sent)
        assert found == status
        assert headers["Content-Type"].startswith("text/html")
        assert "Back to the tickets" in text
        history = (await receiver.api("GET", path))["history"]
        assert not [h for h in history if h["who"].startswith("token:")]


async def test_an_upload_in_place_of_a_form_is_refused(tmp_path):
    """Only ordinary forms are read."""
    async with running(tmp_path) as receiver:
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        assert (await ask(receiver, "POST", "/login", data=b"--x--", headers=headers))[0] == 415


async def test_the_list_goes_on_where_it_ended(tmp_path, monkeypatch):
    """Older tickets are behind a link that needs no script."""
    from phonehome_cloud.web import pages

    monkeypatch.setattr(pages, "PAGE_SIZE", 2)
    async with running(tmp_path) as receiver:
        voice = await receiver.register()
        for n in range(3):
            await receiver.open_ticket(voice, 520300 + n, 31)
        await log_in(receiver)
        _, text, _ = await ask(receiver, "GET", "/tickets")
        assert "3 tickets" in text
        more = re.search(r'href="([^"]*cursor=[^"]*)"', text)[1].replace("&amp;", "&")
        _, rest, _ = await ask(receiver, "GET", more)
        assert (text.count("<tr>"), rest.count("<tr>")) == (3, 2)
        assert "cursor=" not in rest
