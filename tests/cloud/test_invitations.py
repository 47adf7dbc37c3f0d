"""Invitations by the rules of RFC 5546, read by a parser that did not write them; and answers."""

import contextlib
from email.message import EmailMessage

import pytest
import vobject
from hypothesis import given
from hypothesis import strategies as st

from phonehome_cloud.core.visiting.invitations import (
    CANCEL,
    DECLINECOUNTER,
    REQUEST,
    Invitation,
    Party,
    write_calendar,
)
from phonehome_cloud.core.visiting.replies import (
    Asked,
    ReplyError,
    check_reply,
    read_mail,
)
from tests.cloud.test_slots import at, shown

OWNER = Party("ada@example.org", 'Ada "the first" Lovelace, M.')
DESK = Party("visits@service.example", "Service")
BERLIN = "Europe/Berlin"


def invitation(start="2026-03-24 09:00", end="2026-03-24 09:40", **more):
    """One on the clock of Berlin."""
    given_ = {
        "uid": "0123456789abcdef0123456789abcdef@service.example",
        "sequence": 2,
        "stamp_at": at("2026-03-20 12:00"),
        "start_at": at(start),
        "end_at": at(end),
        "zone": BERLIN,
        "summary": "Repair: Washing machine; E21, pump",
        "organizer": DESK,
        "attendee": OWNER,
        "location": "Long Street 5\n10115 Berlin",
        "description": "A technician comes. " * 20,
        "url": "https://service.example/v/token",
    }
    return Invitation(**given_ | more)


def independent(raw):
    """What another library reads; strict, so what breaks RFC 5545 raises."""
    return vobject.readOne(raw.decode())


@pytest.mark.parametrize("method", [REQUEST, CANCEL, DECLINECOUNTER])
def test_an_invitation_keeps_the_rules_of_its_method(method):
    """RFC 5546, 3.2.2, 3.2.5 and 3.2.8: what must be there once is there once."""
    raw = write_calendar(invitation(), method)
    assert raw.endswith(b"\r\n")
    assert max(len(line) for line in raw.split(b"\r\n")) <= 75
    calendar = independent(raw)
    assert calendar.method.value == method
    assert calendar.version.value == "2.0"
    assert len(calendar.vevent_list) == 1
    event = calendar.vevent
    names = ("uid", "sequence", "dtstamp", "dtstart", "dtend", "summary", "organizer", "attendee")
    for name in names:
        assert len(event.contents[name]) == 1, name
    assert event.uid.value == invitation().uid
    assert event.sequence.value == "2"
    assert event.organizer.value == "mailto:visits@service.example"
    assert event.attendee.value == "mailto:ada@example.org"
    assert event.dtstamp.value.tzinfo is not None
    assert event.status.value == ("CANCELLED" if method == CANCEL else "CONFIRMED")
    assert event.summary.value == invitation().summary
    assert event.location.value == invitation().location
    if method == REQUEST:
        assert event.attendee.params["RSVP"] == ["TRUE"]
        assert event.attendee.params["PARTSTAT"] == ["NEEDS-ACTION"]


def test_others_methods_are_not_ours_to_write():
    """A service does not answer its own invitations."""
    with pytest.raises(ValueError, match="method = 'REPLY'"):
        write_calendar(invitation(), "REPLY")


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-03-29 01:30", "2026-03-29 03:10"),  # over the missing hour
        ("2026-10-25 01:30", "2026-10-25 03:10"),  # over the hour that comes twice
        ("2026-10-26 09:00", "2026-10-26 09:40"),
    ],
)
def test_the_clock_change_moves_no_visit(start, end):
    """Another parser, with the time zone that is in the message, finds the same moments."""
    made = invitation(start, end)
    event = independent(write_calendar(made, REQUEST)).vevent
    for found, wanted in ((event.dtstart, made.start_at), (event.dtend, made.end_at)):
        assert int(found.value.timestamp() * 1000) == wanted


def test_a_time_that_the_clock_shows_twice_is_told_in_utc():
    """02:30 in the night of the change, the second one: no calendar can be told on that clock."""
    first = at("2026-10-25 02:30")
    second = first + 3_600_000
    assert shown(first) == shown(second)
    made = invitation(start_at=second, end_at=second + 600_000)
    raw = write_calendar(made, REQUEST)
    assert b"DTSTART:20261025T013000Z" in raw
    assert int(independent(raw).vevent.dtstart.value.timestamp() * 1000) == second


@given(st.text(max_size=80), st.text(max_size=200))
def test_whatever_people_are_called_the_entry_stays_one(name, text):
    """Names and addresses cannot add a line or a property."""
    made = invitation(attendee=Party("ada@example.org", name), location=text)
    raw = write_calendar(made, REQUEST)
    lines = raw.decode().replace("\r\n ", "").split("\r\n")
    assert sum(line.startswith("ATTENDEE") for line in lines) == 1
    assert sum(line.startswith("BEGIN:VEVENT") for line in lines) == 1
    assert lines[-2] == "END:VCALENDAR"


def answer(method="REPLY", **more):
    """The bytes of a mail that a calendar program sends for Ada."""
    given_ = {
        "sender": "Ada <Ada@Example.org>",
        "attendee": "mailto:ada@example.org",
        "status": "ACCEPTED",
        "uid": invitation().uid,
        "sequence": 2,
        "stamp": "20260320T130000Z",
        "inner": method,
        "id": "<1@example.org>",
        "extra": "",
    }
    of = given_ | more
    lines = [
        "BEGIN:VCALENDAR", "PRODID:-//other//EN", "VERSION:2.0", f"METHOD:{of['inner']}",
        "BEGIN:VEVENT", f"UID:{of['uid']}", f"SEQUENCE:{of['sequence']}",
        f"DTSTAMP:{of['stamp']}", "ORGANIZER:mailto:visits@service.example",
        f"ATTENDEE;PARTSTAT={of['status']}:{of['attendee']}", *filter(None, [of["extra"]]),
        "END:VEVENT", "END:VCALENDAR", "",
    ]  # fmt: skip
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = of["sender"], DESK.mail, "Accepted"
    if of["id"]:
        mail["Message-ID"] = of["id"]
    mail.set_content("Ada has accepted.")
    mail.add_alternative("\r\n".join(lines), subtype="calendar", params={"method": method})
    return mail.as_bytes()


ASKED = Asked(2, "ada@example.org", None, None)


def test_an_answer_is_read():
    """Who answers what, when; and it fits what was asked."""
    _, reply = read_mail(answer())
    assert (reply.status, reply.uid, reply.sequence) == ("ACCEPTED", invitation().uid, 2)
    assert reply.sender == reply.attendee == "ada@example.org"
    assert reply.stamp_at == at("2026-03-20 14:00")
    assert check_reply(reply, ASKED) == ""


def test_a_counter_names_its_time():
    """On whatever clock; one without a time, or on nobody's clock, is refused."""
    _, reply = read_mail(answer("COUNTER", extra="DTSTART:20260325T090000Z"))
    assert (reply.method, reply.start_at) == ("COUNTER", at("2026-03-25 10:00"))
    for extra in ("", "DTSTART:20260325T090000", "DTSTART;VALUE=DATE:20260325"):
        with pytest.raises(ReplyError, match="a counter without a time"):
            read_mail(answer("COUNTER", extra=extra))


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"sender": "eve@example.org"}, "somebody else"),
        ({"attendee": "mailto:eve@example.org"}, "not invited"),
        ({"attendee": "mailto:eve@example.org", "sender": "eve@example.org"}, "not invited"),
        ({"sequence": 1}, "answers SEQUENCE 1, now it is 2"),
        ({"sequence": 3}, "never sent"),
    ],
)
def test_an_answer_that_does_not_fit_does_not_count(more, why):
    """Forged senders, uninvited attendees, old and invented sequences: each with its reason."""
    assert why in check_reply(read_mail(answer(**more))[1], ASKED)


def test_of_two_answers_the_newer_counts():
    """By DTSTAMP, whatever the order in which mails arrive; to a new sequence all is new."""
    _, reply = read_mail(answer())
    assert "as new" in check_reply(reply, Asked(2, "ada@example.org", 2, reply.stamp_at))
    assert check_reply(reply, Asked(2, "ada@example.org", 2, reply.stamp_at - 1)) == ""
    assert check_reply(reply, Asked(2, "ada@example.org", 1, reply.stamp_at + 9)) == ""


@pytest.mark.parametrize(
    "more",
    [
        {"inner": "REQUEST"},
        {"status": "DELEGATED"},
        {"stamp": "yesterday"},
        {"sequence": "two"},
        {"extra": "ATTENDEE:mailto:eve@example.org"},
        {"extra": "END:VEVENT\r\nBEGIN:VEVENT\r\nUID:other"},
        {"extra": "END:VCALENDAR"},
        {"uid": ""},
    ],
)
def test_what_claims_to_be_an_answer_and_is_none_is_refused(more):
    """With its identity, so that it is refused once."""
    with pytest.raises(ReplyError) as refused:
        read_mail(answer(**more))
    assert len(refused.value.args[1]) == 32


def test_other_mails_are_none_of_ours():
    """A letter, an invitation from outside, bytes: no answer, and no error."""
    plain = EmailMessage()
    plain.set_content("Hello")
    assert read_mail(plain.as_bytes())[1] is None
    assert read_mail(answer("REQUEST"))[1] is None
    assert read_mail(b"\xff\x00\r\n\r\n")[1] is None
    assert read_mail(b"")[1] is None


def test_a_mail_is_known_again_by_its_message_id():
    """The same id is the same mail, however it was wrapped on its way; without one, the bytes."""
    one, other = read_mail(answer())[0], read_mail(answer(status="DECLINED"))[0]
    assert one == other != read_mail(answer(id="<2@example.org>"))[0]
    assert read_mail(answer(id=""))[0] != read_mail(answer(id="", status="DECLINED"))[0]


@given(st.binary(max_size=400), st.integers(0, 900))
def test_no_mail_raises_anything_else(noise, place):
    """Whatever is written over a part of an answer: an answer, none, or a ReplyError."""
    raw = answer()
    with contextlib.suppress(ReplyError):
        read_mail(raw[:place] + noise + raw[place + len(noise) :])
