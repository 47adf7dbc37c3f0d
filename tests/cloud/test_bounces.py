"""Letters that come back: from a real mail server out, by a real mailbox in, and to a person.

The notifications are as Postfix and Exchange write them, about letters that were really sent.
"""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phonehome_cloud.core.telling.bounces import read_bounce
from phonehome_cloud.core.tickets import RESOLVED
from phonehome_cloud.core.visiting.postbox import parse_postbox
from phonehome_cloud.store import care, contacts, mails, pursuing, schema, telling_tables
from phonehome_cloud.store.acting_tables import assignment
from phonehome_cloud.workers.mailbox import Mailbox
from phonehome_cloud.workers.outgoing import make_letters, make_telling
from tests.cloud.household import CLOGGED, TORN, Household
from tests.cloud.outgoing import Counted
from tests.cloud.running import settings
from tests.fakes.dovecot import dovecot
from tests.fakes.mailbox import mailbox

HOUR = 3_600_000
NOBODY = "5.1.1", "smtp; 550 5.1.1 <{}>: Recipient address rejected: User unknown"

POSTFIX = """\
From: MAILER-DAEMON@relay.example (Mail Delivery System)
To: service@acme.example
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
Message-ID: <{id}@relay.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="B"

--B
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.

--B
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; relay.example
X-Postfix-Queue-ID: 4XyZ
Arrival-Date: Mon, 23 Nov 2026 12:00:00 +0000 (UTC)

Final-Recipient: rfc822; {to}
Original-Recipient: rfc822;{to}
Action: {action}
Status: {status}
Remote-MTA: dns; mx.example.org
Diagnostic-Code: {why}

--B
Content-Description: Undelivered Message Headers
Content-Type: {original}

{headers}
--B--
"""


class Post(Household):
    """A household whose letters really go out."""

    def __init__(self, folder, box):
        super().__init__(folder)
        more = {"MAIL_URL": f"smtp://127.0.0.1:{box.port}", "TELLING_QUIET": "00:00-00:00"}
        more |= {"MAIL_SENDER": "service@acme.example"}
        config = settings(folder, SERVER_PUBLIC_URL="https://service.example", **more)
        given_ = config, make_letters(config, {}), self.database, self.vault, self.clock
        self.loops = make_telling(*given_, Counted(), lambda sender: sender, "test")
        self.box = box

    async def tell(self):
        """Send what is due; the letters that have arrived by now."""
        while await self.loops["mail"].step():
            await self.loops["mail"].settle()
        return self.box.letters

    async def go_on(self):
        """What is due of actions, then of tickets."""
        for due in await self.do(pursuing.find_due, self.clock()):
            await self.do(pursuing.pursue, due, self.clock())
        await self.care()

    async def read(self, raw):
        """A mail of the mailbox; what came of it."""
        outcome = await self.do(mails.take, raw, self.clock())
        await self.go_on()
        return outcome

    async def effect(self, template):
        """The effect of a letter."""
        return next(row for row in await self.letters() if row.template == template)

    async def suppressed(self):
        """Addresses that nothing goes to, with why."""
        return {row.address: row.reason for row in await self.rows(schema.suppression)}


@pytest.fixture
def post(tmp_path, each_database):
    """One, with a mail server that takes everything."""
    with mailbox() as box:
        made = Post(tmp_path, box)
        yield made
        made.close()


def bounce(letter, to=None, about=None, action="failed", said=NOBODY, id="1", **more):  # noqa: A002
    """A notification about a letter, as Postfix writes it."""
    to = to or letter["To"].addresses[0].addr_spec
    headers = f"From: x\nTo: {to}\nMessage-ID: {about or letter['Message-ID']}\nSubject: y\n"
    status, why = said
    given_ = {"original": "text/rfc822-headers", "headers": headers, "why": why.format(to)} | more
    text = POSTFIX.format(id=id, to=to, action=action, status=status, **given_)
    return text.replace("\n", "\r\n").encode()


async def steps_sent(post, **more):
    """The steps against a clogged filter, on their way to the owner."""
    await post.says(await post.pump(**more), turns=CLOGGED)
    await post.care()
    ((to, letter),) = await post.tell()
    assert to == "0000000000000001@example.org"
    return to, letter


async def test_nobody_there_ends_the_letter_the_address_and_the_waiting(post):
    """Through IMAP: the letter is dead with its reason, nothing more goes there, and the ticket,
    whose owner never read of the steps, is in a person's hands.
    """
    to, letter = await steps_sent(post)
    with dovecot() as server:
        box = Mailbox(post.database, parse_postbox(server.url()), None, 1, post.clock, _Visits())
        server.deliver(bounce(letter))
        assert await box.step() == 1
        server.deliver(bounce(letter))  # the same notification once more
        assert await box.step() == 1
    await post.go_on()
    row = await post.effect("self_help")
    assert row.state == "dead"
    assert row.failure.startswith("came back: 5.1.1 550 5.1.1")
    assert list(await post.suppressed()) == [to]
    first, second = await post.actions()
    assert (first.state, second.kind, second.state) == ("cancelled", "person", "running")
    assert first.detail.get("declined") is None
    assert [one.text for one in await post.history("action")][1] == (
        "what is sent to the owner does not arrive"
    )
    assert len(await post.rows(assignment)) == 1
    tries = await post.rows(schema.effect_attempt, schema.effect_attempt.c.number)
    assert [one.outcome for one in tries] == ["sent", "dead"]


class _Visits:
    def count_visit(self, _what):
        pass


async def test_what_follows_is_not_sent_and_goes_to_a_person_as_well(post):
    """Another ticket of the same owner, months later: its letter is dead, and somebody has it."""
    _, letter = await steps_sent(post)
    await post.read(bounce(letter))
    ticket = await post.ticket()
    await post.do(
        care.change_state, ticket.device, ticket.number, RESOLVED, "token:ops", post.clock()
    )
    await post.do(
        care.change_state, ticket.device, ticket.number, "closed", "token:ops", post.clock()
    )
    await post.care()
    post.clock.advance(90 * 24 * HOUR)
    pump = await post.known(1)
    await post.says(pump, turns=CLOGGED, boot=2)
    await post.care()
    await post.tell()
    await post.go_on()
    assert len(post.box.letters) == 1
    *_, steps, person = await post.actions()
    assert (steps.kind, steps.state, person.kind, person.state) == (
        "self_help", "cancelled", "person", "running",
    )  # fmt: skip


async def test_a_delay_is_noted_and_nothing_else(post):
    """4.x.x: it is still being tried; the letter says so, and stays sent."""
    _, letter = await steps_sent(post)
    said = "4.4.1", "X-Postfix; connect to mx.example.org[192.0.2.1]:25: Connection timed out"
    outcome = await post.read(bounce(letter, action="delayed", said=said))
    assert outcome.startswith("delayed: 4.4.1")
    assert (await post.effect("self_help")).state == "sent"
    assert await post.suppressed() == {}
    assert [one.state for one in await post.actions()] == ["running"]
    tries = await post.rows(schema.effect_attempt, schema.effect_attempt.c.number)
    assert [(one.outcome, one.reason[:5]) for one in tries][-1] == ("delayed", "4.4.1")


@pytest.mark.parametrize(
    "said",
    [
        ("4.4.7", "smtp; 451 4.4.7 delivery time expired"),
        ("5.7.1", "smtp; 554 5.7.1 looks like spam"),
        ("5.2.2", "smtp; 552 5.2.2 mailbox full"),
        ("", "smtp; no idea"),
    ],
)
async def test_a_failure_that_is_not_the_addresss_leaves_it(post, said):
    """Only the letter has not arrived, so somebody calls; the next one may."""
    _, letter = await steps_sent(post)
    assert (await post.read(bounce(letter, said=said))).startswith("bounced: ")
    assert (await post.effect("self_help")).state == "dead"
    assert await post.suppressed() == {}
    assert (await post.actions())[-1].kind == "person"


@pytest.mark.parametrize(
    ("forged", "why"),
    [
        ({"about": "<" + "0" * 40 + "@acme.example>"}, "no letter of ours"),
        ({"about": "<>"}, ""),
        ({"about": "no id"}, "no letter of ours"),
        ({"to": "somebody.else@example.org"}, "did not go to this address"),
        ({"action": "delivered", "said": ("2.0.0", "smtp; 250 ok")}, ""),
    ],
)
async def test_a_forged_bounce_disables_nobody(post, forged, why):
    """Without the name of the letter, or for another address than it went to: nothing happens."""
    _, letter = await steps_sent(post)
    outcome = await post.read(bounce(letter, **forged))
    assert why in outcome
    assert (await post.effect("self_help")).state == "sent"
    assert await post.suppressed() == {}
    assert [one.state for one in await post.actions()] == ["running"]


async def test_the_name_of_a_letter_cannot_be_worked_out(post):
    """Who knows device, ticket and owner knows the key of a letter, and not its Message-ID; every
    try of it has the same one.
    """
    post.box.script[:] = ["451 4.3.0 later"]
    await post.says(await post.pump(), turns=CLOGGED)
    await post.care()
    await post.tell()
    (before,) = await post.rows(telling_tables.posted)
    post.clock.advance(HOUR)
    letters = await post.tell()
    rows = await post.rows(telling_tables.posted)
    (row,) = [one for one in rows if one.key == before.key]
    letter = next(one for _, one in letters if row.name in one["Message-ID"])
    assert letter["Message-ID"] == f"<{row.name}@acme.example>"
    assert (row.name, row.address) == (before.name, before.address)
    guessed = hashlib.sha256(row.key.encode()).hexdigest()[:40]
    assert row.name != guessed
    refused = await post.read(bounce(letter, about=f"<{guessed}@acme.example>"))
    assert refused.startswith("refused")


async def test_what_goes_on_without_its_owner_goes_on(post):
    """A part is on its way: it stays so; the desk hears of it, with a number to call."""
    await post.stock("SIEVE-1")
    await post.says(await post.pump(), turns=TORN)
    await post.care()
    letter = next(one for _, one in await post.tell() if "part" in one["Subject"].lower())
    await post.read(bounce(letter))
    assert [(one.kind, one.state) for one in await post.actions()] == [("part", "running")]
    told = await post.effect("unreachable")
    assert (told.recipient, told.data["who"]) == ("desk", "owner")
    assert "5.1.1" in told.data["reason"]


async def test_a_refusal_at_once_is_no_better(post):
    """The server says it to our face: the same follows as from a letter that comes back."""
    post.box.refused["0000000000000001@example.org"] = "550 5.1.1 no such user"
    await post.says(await post.pump(), turns=CLOGGED)
    await post.care()
    await post.tell()
    await post.go_on()
    first, second = await post.actions()
    assert (first.state, second.kind) == ("cancelled", "person")
    await post.do(contacts.release, "0000000000000001@example.org")
    assert await post.suppressed() == {}


async def test_a_ticket_that_is_over_is_nobodys_work(post):
    """The address is noted; there is nothing to do about the ticket any more."""
    _, letter = await steps_sent(post)
    ticket = await post.ticket()
    await post.do(
        care.change_state, ticket.device, ticket.number, RESOLVED, "token:ops", post.clock()
    )
    await post.care()
    await post.read(bounce(letter))
    assert len(await post.suppressed()) == 1
    assert [one.kind for one in await post.actions()] == ["self_help"]


LETTER = {"Message-ID": "<" + "a" * 40 + "@acme.example>"}


def test_other_servers_words_are_read_as_well():
    """The whole letter given back, RFC 6533's types, an address with its own case, two of them."""
    whole = {"original": "message/rfc822", "headers": f"Message-ID: {LETTER['Message-ID']}\n\nHi"}
    found = read_bounce(bounce(LETTER, to="Ada@Example.org", **whole))
    assert found.about == "a" * 40 + "@acme.example"
    assert found.verdicts[0].addresses == {"ada@example.org"}
    assert (found.verdicts[0].status, found.verdicts[0].is_gone) == ("5.1.1", True)
    raw = bounce(LETTER, to="ada@example.org")
    utf8 = raw.replace(b"message/delivery-status", b"message/global-delivery-status")
    assert read_bounce(utf8).verdicts == read_bounce(raw).verdicts
    two = b"\r\n\r\nFinal-Recipient: rfc822; b@x.y\r\nAction: failed\r\nStatus: 5.2.1\r\n"
    more = raw.replace(b"User unknown\r\n", b"User unknown" + two)
    assert [sorted(one.addresses) for one in read_bounce(more).verdicts] == [
        ["ada@example.org"],
        ["b@x.y"],
    ]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda raw: raw.replace(b"report-type=delivery-status", b"report-type=disposition"),
        lambda raw: raw.replace(b"multipart/report", b"multipart/mixed"),
        lambda raw: raw.replace(b"Final-Recipient", b"Initial-Recipient"),
        lambda raw: raw.replace(b"Message-ID: <aaaa", b"X-ID: <aaaa"),
        lambda raw: raw[:300],
        lambda _raw: b"",
    ],
)
def test_what_is_no_notification_is_none(spoil):
    """Answers, receipts, and what was cut off: nothing is read out of them."""
    assert read_bounce(spoil(bounce(LETTER, to="ada@example.org"))) is None


RAW = bounce(LETTER, to="ada@example.org")


@given(st.lists(st.tuples(st.integers(0, len(RAW) - 1), st.binary(max_size=4)), max_size=20))
def test_nothing_that_a_mail_says_is_an_accident(changes):
    """However it is mangled, it is a notification or none, and never an error of ours."""
    raw = bytearray(RAW)
    for place, new in changes:
        raw[place : place + len(new)] = new
    found = read_bounce(bytes(raw))
    assert found is None or (found.about and found.verdicts)
