"""What answers mean, where webhooks must not go, and mail that nothing gets into."""

import email
import ipaddress
from email.policy import default

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phonehome_cloud.core.telling import composing, guarding, retrying
from phonehome_cloud.core.telling.effect import Attachment
from phonehome_cloud.core.telling.relay import parse_relay

NOW_S = 1_795_000_000


@pytest.mark.parametrize(
    ("code", "message", "outcome"),
    [
        (421, "4.7.0 try later", retrying.Later("421 4.7.0 try later")),
        (452, "4.2.2 mailbox full", retrying.Later("452 4.2.2 mailbox full")),
        (550, "5.1.1 no such user", retrying.Never("550 5.1.1 no such user", True)),
        (550, "5.1.10 null MX", retrying.Never("550 5.1.10 null MX", True)),
        (550, "5.2.1 disabled", retrying.Never("550 5.2.1 disabled", True)),
        (552, "5.2.2 mailbox full", retrying.Never("552 5.2.2 mailbox full")),
        (550, "5.7.1 spam", retrying.Never("550 5.7.1 spam")),
        (550, "go away", retrying.Never("550 go away")),
        (550, "15.1.1 is no status", retrying.Never("550 15.1.1 is no status")),
    ],
)
def test_a_mail_servers_word_is_taken_as_it_is_meant(code, message, outcome):
    """4xx is tried again; only a status that says so gives up the address."""
    assert retrying.judge_smtp(code, message, is_about_address=True) == outcome


@pytest.mark.parametrize(
    ("status", "headers", "outcome"),
    [
        (204, {}, retrying.Sent("204")),
        (302, {}, retrying.Later),
        (404, {}, retrying.Later),
        (410, {}, retrying.Never),
        (503, {"Retry-After": "120"}, retrying.Later("HTTP status 503", 120)),
        (503, {"Retry-After": "Wed, 18 Nov 2026 11:08:20 GMT"}, retrying.Later),
        (503, {"Retry-After": "9" * 40}, retrying.Later("HTTP status 503", 0)),
        (503, {"Retry-After": "-5"}, retrying.Later("HTTP status 503", 0)),
    ],
)
def test_a_webhooks_answer_is_taken_as_it_is_meant(status, headers, outcome):
    """2xx has it, 410 wants no more, everything else is tried again."""
    found = retrying.judge_http(status, headers, NOW_S)
    assert found == outcome or type(found) is outcome


def test_a_date_in_retry_after_is_seconds_from_now():
    """RFC 9110 allows both forms."""
    later = retrying.judge_http(429, {"Retry-After": "Wed, 18 Nov 2026 11:08:20 GMT"}, NOW_S)
    assert later.after_s == 1_795_000_100 - NOW_S


@given(st.integers(1, 40), st.integers(0, 10**9), st.floats(0, 1))
def test_pauses_grow_stay_under_a_day_and_spread(attempts, after_s, chance):
    """Never shorter than the try before, never above a day and its jitter."""
    pause = retrying.pause_ms(attempts, after_s, chance)
    assert 5000 <= pause <= 86_400_000 * 1.2
    assert pause >= retrying.pause_ms(attempts, 0, 0)
    assert retrying.pause_ms(attempts + 1, after_s, chance) >= pause


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_judged_the_same_in_every_spelling(address):
    """As it is, mapped, compatible, translated, by NAT64 and by 6to4."""
    number = int(address)
    spelled = [
        ipaddress.IPv6Address((0xFFFF << 32) | number),
        ipaddress.IPv6Address((0xFFFF << 48) | number),
        ipaddress.IPv6Address((0x64FF9B << 96) | number),
        ipaddress.IPv6Address((0x2002 << 112) | (number << 80)),
    ]
    plain = guarding.why_not(str(address)) is None
    assert [guarding.why_not(str(each)) is None for each in spelled] == [plain] * 4


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.215.14", "2606:2800:21f:cb07::1"])
def test_public_addresses_may_be_sent_to(address):
    """Or nothing would ever arrive."""
    assert guarding.why_not(address) is None


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
        *("100.64.0.1", "100.100.100.200", "168.63.129.16", "224.0.0.1", "255.255.255.255"),
        *("192.0.2.1", "198.18.0.1", "240.0.0.1", "::", "::1", "fe80::1", "fe80::1%eth0"),
        *("fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "64:ff9b:1::1", "2001::1"),
        *("2001:db8::1", "fec0::1", "::127.0.0.1", "2002:a00:1::", "no address", ""),
    ],
)
def test_inside_addresses_may_not(address):
    """Private, loopback, link-local, metadata, shared, reserved, and what is none."""
    assert guarding.why_not(address) is not None


def test_a_named_network_may_be_sent_to_and_no_other_one():
    """Mapped or not; a private network beside it stays closed."""
    named = guarding.parse_networks("10.1.0.0/16, ::1/128")
    for address in ("10.1.2.3", "::ffff:10.1.2.3", "::1"):
        assert guarding.why_not(address, named) is None
    assert guarding.why_not("10.2.0.1", named) is not None
    assert guarding.why_none(["10.1.2.3"], named, is_plain=True) is None
    assert "wants https" in guarding.why_none(["8.8.8.8"], named, is_plain=True)
    assert guarding.why_none(["8.8.8.8", "10.2.0.1"], named, is_plain=False) is not None
    assert guarding.why_none([], named, is_plain=False) == "its name has no address"


@pytest.mark.parametrize(
    "url",
    [
        "smtp://mail.example.com",
        "smtp://user:password@localhost",
        "smtps://user@mail.example.com",
        "smtps:///path",
        "https://mail.example.com",
        "smtps://mail.example.com/path",
        "smtps://mail.example.com:99999",
        "mail.example.com",
    ],
)
def test_a_mail_server_that_would_be_spoken_to_in_the_open_is_refused(url):
    """Without TLS only this machine, and never a password."""
    with pytest.raises(ValueError, match=r"scheme|password|TLS|[Pp]ort"):
        parse_relay(url)


def test_a_password_of_a_relay_is_not_shown():
    """Its user and password may hold what a URL has to escape."""
    relay = parse_relay("smtp+starttls://a%40b.example:p%3A%2Fw@mail.example.com")
    assert (relay.user, relay.password, relay.port) == ("a@b.example", "p:/w", 587)
    assert "p:/w" not in repr(relay)


TEXT = st.text(max_size=200)


@settings(max_examples=40)
@given(name=TEXT, subject=TEXT, text=TEXT, label=st.text(max_size=40))
def test_whatever_people_wrote_the_head_has_the_headers_of_ours_alone(name, subject, text, label):
    """Any name, subject and body: the same headers, in a message that reads back."""
    safe = text.encode("utf-8", "ignore").decode()
    letter = composing.Letter(subject, safe + "\n", f"<p>{len(label)}</p>\n", "en")
    envelope = composing.Envelope("k", name, "zoe@example.com", NOW_S * 1000, "t", ("a", "b"))
    sender = composing.Sender("ACME", "service@acme.example", "desk@acme.example")
    raw = composing.write(composing.compose(letter, envelope, sender), has_utf8=False)
    read = email.message_from_bytes(raw, policy=default)
    assert [key.lower() for key in read] == [
        *("from", "to", "reply-to", "subject", "date", "message-id", "in-reply-to"),
        *("references", "auto-submitted", "x-auto-response-suppress", "mime-version"),
        *("content-type", "content-language"),
    ]
    assert [address.addr_spec for address in read["To"].addresses] == ["zoe@example.com"]
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    assert read["References"].split()[-1] == read["In-Reply-To"].strip()


@pytest.mark.parametrize("words", range(1, 16))
def test_a_subject_begins_on_its_own_line(words):
    """However long it is: a line "Subject:" with nothing behind it is an empty subject to some."""
    letter = composing.Letter(" ".join(["December"] * words), "t\n", "<p>t</p>\n", "en")
    envelope = composing.Envelope("k", "Zoe", "zoe@example.com", NOW_S * 1000)
    sender = composing.Sender("ACME", "service@acme.example")
    raw = composing.write(composing.compose(letter, envelope, sender), has_utf8=False)
    assert b"\r\nSubject: December" in raw
    assert email.message_from_bytes(raw, policy=default)["Subject"] == letter.subject


@pytest.mark.parametrize(
    "address", ["", "zoe", "@example.com", "zoe@", "a b@example.com", "a@b@c d", "a@-.example"]
)
def test_what_is_no_address_is_refused(address):
    """Before anything is sent."""
    with pytest.raises(ValueError, match="no mail address"):
        composing.to_ascii(address)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "a/b"},
        {"name": "a\r\nb"},
        {"name": ""},
        {"media": "text"},
        {"media": "text/calendar; method=X"},
        {"method": "REQUEST\r\nX: y"},
    ],
)
def test_an_attachment_that_a_header_cannot_carry_is_refused(wrong):
    """The error names the field."""
    fields = {"name": "a.txt", "media": "text/plain", "content": b""} | wrong
    with pytest.raises(ValueError, match=f"attachment.{next(iter(wrong))}"):
        Attachment(**fields)
