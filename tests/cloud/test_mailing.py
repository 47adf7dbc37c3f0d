"""Letters over a real mail server with TLS: whole, threaded, sent once, and never in the open."""

import re
from email.utils import getaddresses

import pytest

from phonehome_cloud.store import contacts, schema
from phonehome_cloud.store.effects import Attachment
from tests.cloud.outgoing import DAY_MS, HOUR_MS, OPENED, teller
from tests.fakes.authority import FakeAuthority
from tests.fakes.mailbox import HOST, PASSWORD, USER, mailbox

URL = "smtp+starttls://phonehome:correct%20horse@localhost"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """Who signs the server's certificate."""
    return FakeAuthority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def server(authority):
    """A server that wants STARTTLS and a login."""
    with mailbox(authority.server_context(HOST)) as box:
        yield box


@pytest.fixture
def box(server):
    """The same one, with nothing in it."""
    server.letters.clear()
    server.logins.clear()
    server.script.clear()
    server.refused.clear()
    server.hangs_up = False
    return server


def variables(box, authority, **more):
    """The settings that lead there."""
    fixed = {"MAIL_SENDER": "service@acme.example", "MAIL_NAME": "ACME Service"}
    return fixed | {"MAIL_URL": f"{URL}:{box.port}", "MAIL_CA": str(authority.ca_pem)} | more


@pytest.fixture
async def post(tmp_path, box, authority):
    """A teller with one owner, that sends there."""
    with teller(tmp_path, **variables(box, authority)) as made:
        await made.add_owner()
        yield made


async def test_a_letter_arrives_under_tls_with_all_that_mail_needs(post, box):
    """Who logs in, whom it is for, that a machine wrote it, and the same words twice."""
    await post.add()
    await post.tell()
    (address, letter), *rest = box.letters
    assert (address, rest, letter.has_tls) == ("owner7@example.com", [], True)
    assert box.logins == [(USER, PASSWORD)]
    assert letter["From"] == "ACME Service <service@acme.example>"
    assert getaddresses([letter["To"]]) == [("Zoë Groß", "owner7@example.com")]
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["Subject"] == "Your Washer reports: Does not drain"
    assert re.fullmatch(r"<[0-9a-f]{40}@acme\.example>", letter["Message-ID"])
    assert letter.get_content_type() == "multipart/alternative"
    text, html = letter.iter_parts()
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert "Dear Zoë Groß" in text.get_content()
    assert "<h1>Does not drain</h1>" in html.get_content()
    assert (await post.rows())["n1"].state == "sent"
    assert b"\r\n" in letter.raw and not re.search(rb"[^\r]\n", letter.raw)


async def test_the_same_ticket_is_one_thread(post, box):
    """Letters about a ticket refer to its thread and to those before; another ticket's do not."""
    about = {"device": "a4cf12fffe05d3b1", "ticket": 3}
    for key in ("opened", "asked", "resolved"):
        await post.add(key, **about, weight="service")
        await post.tell()
        post.clock.advance(HOUR_MS)
    await post.add("other", device="a4cf12fffe05d3b1", ticket=4)
    await post.tell()
    first, second, third, other = (letter for _, letter in box.letters)
    root = first["References"]
    assert first["In-Reply-To"] == root
    assert second["References"].split() == [root, first["Message-ID"]]
    assert third["References"].split() == [root, first["Message-ID"], second["Message-ID"]]
    assert third["In-Reply-To"] == second["Message-ID"]
    assert root not in other["References"]


async def test_notices_can_be_left_with_one_click(post, box):
    """RFC 8058: an https link in a header of its own, and the promise that one POST is enough."""
    await post.add("notice", weight="notice")
    await post.add("service", weight="service")
    await post.tell()
    letters = {(letter["List-Unsubscribe"] or "").strip(): letter for _, letter in box.letters}
    link = next(link for link in letters if link)
    assert re.fullmatch(r"<https://service\.example/u/[A-Za-z0-9_-]{43}>", link)
    assert letters[link]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert link.strip("<>") in letters[link].get_body(("plain",)).get_content()
    assert letters[""]["List-Unsubscribe-Post"] is None


async def test_long_ids_and_links_stay_what_they_are(tmp_path, box, authority):
    """Each is in one piece on a line of its own, however long the names of the house are."""
    house = "https://service." + "x" * 60 + ".example/" + "y" * 40
    sender = f"service@{'mail.' * 12}example"
    more = {"SERVER_PUBLIC_URL": house, "MAIL_SENDER": sender}
    with teller(tmp_path, **variables(box, authority, **more)) as made:
        await made.add_owner()
        data = OPENED | {"by_device": True}
        for template in ("ticket_opened", "ticket_resolved"):
            about = {"device": "a4cf12fffe05d3b1", "ticket": 3, "weight": "notice"}
            await made.add(template, template=template, data=data, **about)
            await made.tell()
    head = box.letters[1][1].raw.split(b"\r\n\r\n")[0].decode()
    assert re.search(rf"^List-Unsubscribe: <{house}/u/[\w-]{{43}}>\r$", head, re.MULTILINE)
    ids = rf"<[0-9a-f]{{40}}@{sender.partition('@')[2]}>"
    assert re.search(rf"^References: {ids}\r\n {ids}\r$", head, re.MULTILINE)
    assert "=?" not in head.replace("=?utf-8?", "", 1)


async def test_an_invitation_has_its_method_in_its_type(post, box):
    """RFC 6047: text/calendar; method=REQUEST among the alternatives, and the file beside them."""
    lines = ["BEGIN:VCALENDAR", "METHOD:REQUEST", "SUMMARY:Besuch für Zoë", "END:VCALENDAR", ""]
    calendar = "\r\n".join(lines).encode()
    order = Attachment("order.pdf", "application/pdf", b"%PDF-1.7 \x00\xff")
    invitation = Attachment("visit.ics", "text/calendar", calendar, "REQUEST")
    await post.add(attachments=(order, invitation), weight="service")
    await post.tell()
    letter = box.letters[0][1]
    kinds = [part.get_content_type() for part in letter.walk()]
    assert kinds == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "text/calendar",
        "application/ics",
        "application/pdf",
    ]
    parts = {part.get_content_type(): part for part in letter.walk()}
    invited = parts["text/calendar"]
    assert (invited.get_param("method"), invited.get_param("charset")) == ("REQUEST", "utf-8")
    assert invited.get_content().replace("\r\n", "\n") == calendar.decode().replace("\r\n", "\n")
    assert parts["application/ics"].get_content() == calendar
    assert parts["application/pdf"].get_filename() == "order.pdf"
    assert parts["application/pdf"].get_content() == b"%PDF-1.7 \x00\xff"


async def test_a_sheet_on_paper_keeps_its_letters(post, box):
    """A text that is attached says what it is written in, so that nobody takes it for ASCII."""
    text = "Lange Straße 5: höchstens 59,00 €"
    await post.add(attachments=(Attachment("job.txt", "text/plain", text.encode()),))
    await post.tell()
    (sheet,) = box.letters[0][1].iter_attachments()
    assert (sheet.get_filename(), sheet.get_param("charset")) == ("job.txt", "utf-8")
    assert sheet.get_content() == text


@pytest.mark.parametrize(
    "evil", ["Eve\r\nBcc: all@example.com", "Eve\nX: y", "Eve\x01\x0b\u2028Bcc: x"]
)
async def test_nothing_gets_into_the_head(post, box, evil):
    """A name or a label with line ends makes a longer name, and no header."""
    await post.add_owner("8", name=evil)
    await post.add("evil", "owner:8", data=(await sample()) | {"product": evil})
    await post.tell()
    ((_, letter),) = box.letters
    assert (letter["Bcc"], letter["X"]) == (None, None)
    head = letter.raw.split(b"\r\n\r\n")[0]
    assert not re.search(rb"^(Bcc|X):", head, re.MULTILINE)
    assert "Eve" in letter["Subject"]


async def sample():
    """Data of a letter."""
    return {"fault": "F", "code": "E1", "at": DAY_MS, "link": ""}


async def test_an_international_address_arrives(post, box):
    """A domain goes as DNS has it."""
    await post.add_owner("8", name="李雷", mail="lei@straße.example")
    await post.add("idn", "owner:8")
    await post.tell()
    ((address, letter),) = box.letters
    assert address == "lei@xn--strae-oqa.example"
    assert getaddresses([letter["To"]])[0][0] == "李雷"


async def test_what_cannot_be_taken_now_is_tried_again_under_the_same_id(post, box):
    """4xx: the next try is later, and its message id is the first one's."""
    box.script[:] = ["451 4.3.0 try later", "421 4.7.0 busy", ""]
    await post.add()
    for wait_ms in (0, 10_000, HOUR_MS):
        post.clock.advance(wait_ms)
        await post.tell()
    row = (await post.rows())["n1"]
    assert (row.state, row.attempts, len(box.letters)) == ("sent", 3, 1)
    tries = await post.receiver.rows(schema.effect_attempt, schema.effect_attempt.c.number)
    assert [(each.outcome, each.reason[:3]) for each in tries] == [
        ("retry", "451"),
        ("retry", "421"),
        ("sent", "2.0"),
    ]


async def test_an_address_that_is_nobodys_is_given_up_with_all_that_follows(post, box):
    """5.1.1 is the end of this letter and of the next ones there, until a person lets them go."""
    box.refused["owner7@example.com"] = "550 5.1.1 no such user"
    await post.add("first")
    await post.tell()
    box.refused.clear()
    await post.add("second")
    await post.tell()
    rows = await post.rows()
    assert rows["first"].failure == "550 5.1.1 no such user"
    assert "suppressed: 550 5.1.1" in rows["second"].failure
    assert {row.state for row in rows.values()} == {"dead"}
    await post.database.write(contacts.release, "Owner7@example.com")
    await post.add("third")
    await post.tell()
    assert (await post.rows())["third"].state == "sent"


async def test_a_refusal_of_the_letter_is_no_refusal_of_its_reader(post, box):
    """5.7.1 is the end of this letter alone."""
    box.script[:] = ["554 5.7.1 looks like spam"]
    await post.add("first")
    await post.tell()
    await post.add("second")
    await post.tell()
    rows = await post.rows()
    assert (rows["first"].state, rows["second"].state) == ("dead", "sent")


async def test_a_server_that_hangs_up_after_it_has_the_letter_has_it(post, box):
    """A lost goodbye is no reason to send it again."""
    box.hangs_up = True
    await post.add()
    await post.tell()
    assert ((await post.rows())["n1"].state, len(box.letters)) == ("sent", 1)


async def test_what_is_too_late_is_given_up_with_its_last_reason(post, box):
    """A letter that could not be sent for its whole life says why."""
    box.script[:] = ["451 4.3.0 full"] * 20
    await post.add(expires_at=post.clock() + HOUR_MS)
    for _ in range(8):
        await post.tell()
        post.clock.advance(HOUR_MS // 4)
    row = (await post.rows())["n1"]
    assert row.state == "dead"
    assert row.failure == "expired before it could be sent; the last try: 451 4.3.0 full"


async def test_without_a_mail_server_a_letter_is_a_dead_letter(tmp_path):
    """It is seen, and waits for a person; nothing is lost."""
    with teller(tmp_path) as made:
        await made.add_owner()
        await made.add()
        await made.tell()
        row = (await made.rows())["n1"]
        assert (row.state, row.failure[:18]) == ("dead", "no mail configured")


@pytest.mark.parametrize(
    ("to", "owner", "reason"),
    [
        ("owner:9", {}, "owner:9 is not there (any more)"),
        ("owner:7", {"mail": None}, "owner:7 has no mail address"),
        ("owner:7", {"mail": "no address"}, "cannot be written: ValueError"),
        ("desk", {}, "desk has no mail address"),
    ],
)
async def test_who_cannot_be_written_to_is_told(tmp_path, box, authority, to, owner, reason):
    """The reason names who it is."""
    with teller(tmp_path, **variables(box, authority)) as made:
        await made.add_owner(**owner)
        await made.add("k", to)
        await made.tell()
        assert reason in (await made.rows())["k"].failure
        assert box.letters == []


async def test_a_letter_that_cannot_be_written_stops_no_other(post, box):
    """A missing variable is the end of this one."""
    await post.add("broken", data={}, weight="service")
    await post.add("nothing", template="no_such_letter", weight="service")
    await post.add("good", weight="service")
    await post.tell()
    rows = await post.rows()
    assert "UndefinedError" in rows["broken"].failure
    assert "TemplateNotFound" in rows["nothing"].failure
    assert (rows["good"].state, len(box.letters)) == ("sent", 1)


@pytest.mark.parametrize("scheme", ["smtp+starttls", "smtps"])
async def test_a_server_that_nobody_signed_gets_nothing(tmp_path, authority, scheme, caplog):
    """No letter and no password goes to a certificate that does not verify; nor is it shown."""
    stranger = FakeAuthority(tmp_path, "somebody else")
    is_implicit = scheme == "smtps"
    with mailbox(stranger.server_context(HOST), is_implicit=is_implicit) as other:
        url = f"{scheme}://phonehome:correct%20horse@localhost:{other.port}"
        with teller(tmp_path, **variables(other, authority, MAIL_URL=url)) as made:
            await made.add_owner()
            await made.add()
            await made.tell()
            row = (await made.rows())["n1"]
        assert (other.letters, other.logins, row.state) == ([], [], "waiting")
        assert "CERTIFICATE_VERIFY_FAILED" in row.failure
    assert "correct" not in caplog.text and "correct" not in row.failure


async def test_a_server_without_tls_gets_nothing(tmp_path, authority):
    """Who was told STARTTLS does not go on without it."""
    with (
        mailbox() as other,
        teller(tmp_path, **variables(other, authority)) as made,
    ):
        await made.add_owner()
        await made.add()
        await made.tell()
        assert (other.letters, (await made.rows())["n1"].state) == ([], "waiting")


async def test_smtps_works_as_well(tmp_path, authority):
    """TLS from the first byte."""
    with mailbox(authority.server_context(HOST), is_implicit=True) as other:
        url = f"smtps://localhost:{other.port}"
        with teller(tmp_path, **variables(other, authority, MAIL_URL=url)) as made:
            await made.add_owner()
            await made.add()
            await made.tell()
        assert len(other.letters) == 1


async def test_a_wrong_password_costs_no_letter(tmp_path, box, authority):
    """It is our mistake, so that the letter waits for the right one."""
    url = f"smtp+starttls://phonehome:wrong@localhost:{box.port}"
    with teller(tmp_path, **variables(box, authority, MAIL_URL=url)) as made:
        await made.add_owner()
        await made.add()
        await made.tell()
        row = (await made.rows())["n1"]
        assert (row.state, box.letters) == ("waiting", [])
        assert "SMTPAuthenticationError" in row.failure
