"""Answers of calendars, from a real IMAP server to a visit: read once, and only when they fit."""

import asyncio
import base64
import ssl
from datetime import UTC, datetime

import pytest
import vobject
from sqlalchemy import select, update

from phonehome_cloud.core.visiting.postbox import parse_postbox
from phonehome_cloud.store import mails, tickets, visit_answers, visit_checks, visits
from phonehome_cloud.store.people_tables import stock
from phonehome_cloud.store.visit_tables import calendar_reply
from phonehome_cloud.workers.mailbox import Mailbox
from phonehome_cloud.workers.visiting import Visiting
from tests.cloud.test_invitations import answer
from tests.cloud.visited import KEY, NOW, OTHER, at, begin, go_away, letters, opened
from tests.fakes.authority import FakeAuthority
from tests.fakes.dovecot import dovecot

pytestmark = pytest.mark.usefixtures("each_database")


class Counters:
    """Counts what became of visits."""

    def __init__(self):
        self.seen = []

    def count_visit(self, what):
        self.seen.append(what)


@pytest.fixture
def database(tmp_path, each_database):
    """A database with a home, its service, and a visit that was proposed."""
    with opened(tmp_path, pumps=3) as made:
        made.write_now(begin)
        yield made


def mail(of, **more):
    """What the owner's calendar sends."""
    stamp = {"stamp": "20260323T120000Z", "uid": of.uid, "sequence": of.sequence}
    return answer(**stamp | more)


def take(database, raw, now_at=NOW + 1000):
    """Read a mail."""
    return database.write_now(mails.take, raw, now_at)


def visit_of(database):
    """The visit as it is."""
    return database.read_now(visits.read, KEY)


def test_an_acceptance_books_and_a_decline_calls_off(database):
    """By the calendar alone; the same mail again changes nothing."""
    of = visit_of(database)
    accepted = mail(of)
    assert take(database, accepted) == "accepted"
    assert visit_of(database).state == "booked"
    assert take(database, accepted) is None
    declined = mail(visit_of(database), status="DECLINED", id="<2@x>")
    assert take(database, declined) == "declined"
    assert visit_of(database).state == "declined"
    again = mail(visit_of(database), status="ACCEPTED", id="<3@x>")
    assert take(database, again) == "ignored: the visit is declined"


def test_a_maybe_changes_nothing_and_is_in_the_history(database):
    """The time stays held."""
    assert take(database, mail(visit_of(database), status="TENTATIVE")) == "tentative"
    assert visit_of(database).state == "proposed"
    assert database.write_now(tickets.expect, KEY[0], 1).events == 1


def test_a_counter_moves_or_is_declined(database):
    """A time that a technician has is booked; of another one the owner reads which there are."""
    of = visit_of(database)
    free = "DTSTART:20260326T091500Z"
    assert take(database, mail(of, method="COUNTER", extra=free)) == "moved"
    moved = visit_of(database)
    assert (moved.state, moved.start_at) == ("booked", at("2026-03-26 10:15"))
    night = {"method": "COUNTER", "extra": "DTSTART:20260326T230000Z", "id": "<2@x>"}
    assert take(database, mail(moved, **night), NOW + 2000) == "counter declined"
    assert visit_of(database).start_at == moved.start_at
    told = [one for one in database.read_now(letters, "owner") if one[1] == "visit_not_then"]
    ((_, _, data, attachments),) = told
    assert len(data["slots"]) == 3
    calendar = vobject.readOne(base64.b64decode(attachments[0]["content"]).decode())
    assert calendar.method.value == attachments[0]["method"] == "DECLINECOUNTER"


def test_a_calendar_whose_clock_is_ahead_outranks_nothing(database):
    """An answer dated 2099 counts as of when it came: one of a right clock follows it."""
    ahead = mail(visit_of(database), status="TENTATIVE", stamp="20990101T000000Z")
    assert take(database, ahead, NOW + 1000) == "tentative"
    assert visit_of(database).reply_at == NOW + 1000
    late = {"stamp": f"{datetime.fromtimestamp((NOW - 60_000) / 1000, UTC):%Y%m%dT%H%M%SZ}"}
    overtaken = mail(visit_of(database), status="DECLINED", id="<2@x>", **late)
    assert "as new" in take(database, overtaken, NOW + 2000)
    later = {"stamp": f"{datetime.fromtimestamp((NOW + 60_000) / 1000, UTC):%Y%m%dT%H%M%SZ}"}
    right = mail(visit_of(database), status="DECLINED", id="<3@x>", **later)
    assert take(database, right, NOW + 61_000) == "declined"


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"sender": "eve@example.org"}, "somebody else"),
        ({"sender": "eve@example.org", "attendee": "mailto:eve@example.org"}, "not invited"),
        ({"uid": "11111111-2222-3333-4444-555555555555"}, "no visit has this UID"),
        ({"sequence": 7}, "never sent"),
        ({"inner": "REQUEST"}, "METHOD is not that"),
        ({"stamp": "never"}, "no iCalendar"),
    ],
)
def test_other_peoples_answers_do_not_count(database, more, why):
    """Forged, uninvited, guessed and broken ones: each with its reason, and nothing changed."""
    outcome = take(database, mail(visit_of(database), status="DECLINED", **more))
    assert outcome.startswith("refused: ")
    assert why in outcome
    assert visit_of(database).state == "proposed"
    row = database.read_now(lambda c: c.execute(select(calendar_reply.c.outcome)).scalar())
    assert row == outcome[:120]


def test_an_answer_to_what_was_asked_before_does_not_count(database):
    """After the visit moved, an old decline that was long on its way changes nothing."""
    before = visit_of(database)
    database.write_now(visit_answers.confirm, KEY, "owner", NOW)
    late = at("2026-04-01 12:00")
    database.write_now(visit_answers.delay, KEY, late, "token:ops", NOW + 5)
    outcome = take(database, mail(before, status="DECLINED"))
    assert "answers SEQUENCE 0, now it is 2" in outcome
    assert visit_of(database).state == "proposed"


def test_of_two_answers_the_newer_one_counts(database):
    """However they overtook each other on their way."""
    of = visit_of(database)
    newer = mail(of, status="TENTATIVE", stamp="20260323T130000Z", id="<2@x>")
    assert take(database, newer) == "tentative"
    assert "as new was read" in take(database, mail(of, status="DECLINED"))
    assert visit_of(database).state == "proposed"


def test_a_time_that_has_passed_is_not_accepted(database):
    """An answer after the hour it is about."""
    of = visit_of(database)
    assert take(database, mail(of), of.start_at + 1) == "ignored: this time has passed"


async def test_answers_come_out_of_a_real_mailbox(tmp_path, database):
    """Read over IMAP, each once, in whatever company; nothing in the mailbox is marked."""
    counters = Counters()
    with dovecot() as server:
        box = Mailbox(database, parse_postbox(server.url()), None, 1, lambda: NOW + 1000, counters)
        assert await box.step() == 0
        server.deliver(b"From: a@b\r\nMessage-ID: <hello@b>\r\n\r\nWhen do you come?\r\n")
        server.deliver(mail(visit_of(database)))
        server.deliver(b"\xff\xfe\r\n\r\n" + b"x" * 1_000_000)
        before = server.flags()
        assert await box.step() == 3
        assert visit_of(database).state == "booked"
        assert await box.step() == 0
        names = [name.partition(":")[0] for name in server.flags()]
        assert names == [name.partition(":")[0] for name in before]
        assert not any(name.partition(":2,")[2] for name in server.flags())
        # Another process, or this one after a restart, reads all of it again, and changes nothing.
        other = Mailbox(
            database, parse_postbox(server.url()), None, 1, lambda: NOW + 1000, counters
        )
        assert await other.step() == 3
    assert counters.seen == ["accepted"]


async def test_tls_is_verified(tmp_path, database):
    """STARTTLS with a certificate of our authority; without it nothing is said."""
    authority = FakeAuthority(tmp_path)
    chain, key = authority.files("localhost")
    given = 1, lambda: NOW, Counters()
    with dovecot((chain, key)) as server:
        postbox = parse_postbox(server.url("imap+starttls"))
        trusting = ssl.create_default_context(cafile=str(authority.ca_pem))
        assert await Mailbox(database, postbox, trusting, *given).step() == 0
        with pytest.raises(ssl.SSLCertVerificationError):
            await Mailbox(database, postbox, ssl.create_default_context(), *given).step()


async def test_a_mailbox_that_is_away_is_asked_again(tmp_path, database, caplog):
    """A log line without a password, and another try."""
    postbox = parse_postbox("imap://u:sesame@localhost:1")
    box = Mailbox(database, postbox, None, 0.01, lambda: NOW, Counters())
    task = asyncio.create_task(box.run())
    async with asyncio.timeout(20):
        while caplog.text.count("cannot be read") < 2:  # noqa: ASYNC110 - a log has no event
            await asyncio.sleep(0.01)
    task.cancel()
    assert "sesame" not in caplog.text + repr(postbox)


@pytest.mark.parametrize(
    "url",
    ["http://u:p@h", "imaps://h", "imaps://u@h", "imap://u:p@mail.example", "imaps://", "x"],
)
def test_a_mailbox_that_is_none_stops_the_start(url):
    """Or one whose password would be heard."""
    with pytest.raises(ValueError, match=r"scheme|user|TLS"):
        parse_postbox(url)
    assert parse_postbox("imaps://u:p%40x@h/Visits").password == "p@x"


async def test_visits_are_looked_after_while_nobody_looks(database):
    """A technician who got leave, a part that came, and one that did not come in time."""
    counters, clock = Counters(), [NOW]
    worker = Visiting(database, {}, lambda: clock[0], counters)
    database.write_now(visit_answers.confirm, KEY, "owner", NOW)
    await worker.step()
    assert counters.seen == []
    who = visit_of(database).technician
    database.write_now(go_away, who, "2026-03-24 00:00", "2026-05-24 00:00")
    await worker.step()
    assert counters.seen == ["technician_away"]
    assert visit_of(database).technician not in {who, None}
    await worker.step()
    assert counters.seen == ["technician_away"]
    database.write_now(lambda c: c.execute(update(stock).values(pieces=1, reserved=1)))
    waiting = database.write_now(begin, OTHER)
    assert database.read_now(visit_checks.find_waiting, NOW) == [waiting.key]
    await worker.step()
    database.write_now(lambda c: c.execute(update(stock).values(pieces=2)))
    await worker.step()
    assert counters.seen == ["technician_away", "part_there"]
    kept = database.read_now(visits.read, waiting.key)
    assert kept.parts[0]["reservation"]
    assert kept.start_at == waiting.start_at


async def test_a_part_that_is_not_there_moves_the_visit(database):
    """In the night before, the visit goes to when the part can be there."""
    database.write_now(lambda c: c.execute(update(stock).values(pieces=1, reserved=1)))
    of = database.write_now(begin, OTHER)
    counters, now_at = Counters(), of.start_at - visit_checks.LOAD_MS
    worker = Visiting(database, {}, lambda: now_at, counters)
    await worker.step()
    assert counters.seen == ["part_late"]
    moved = database.read_now(visits.read, of.key)
    assert moved.start_at >= now_at + 6 * 86_400_000
    told = [one for one in database.read_now(letters, "owner") if one[1] == "visit_moved"]
    assert [one[2]["why"] for one in told] == ["part_late"]
