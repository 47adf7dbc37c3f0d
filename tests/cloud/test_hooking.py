"""Webhooks to a real receiver: signed so that the reference library takes them, and no further."""

import base64
import json

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from phonehome_cloud.core.telling.signing import show_secret
from phonehome_cloud.store import hooks, resending
from tests.cloud.outgoing import DAY_MS, HOUR_MS, NOON, teller
from tests.fakes.authority import FakeAuthority
from tests.fakes.subscriber import subscriber

LOOPBACK = "127.0.0.0/8"
EVENT = {"kind": "webhook", "template": "ticket.resolved", "data": {"code": "E21", "name": "Zoë"}}
TICKET = {"device": "a4cf12fffe05d3b1", "ticket": 3}


@pytest.fixture
async def post(tmp_path):
    """A teller that may send to loopback."""
    with teller(tmp_path, WEBHOOKS_NETWORKS=LOOPBACK) as made:
        yield made


@pytest.fixture
async def there():
    """A receiver of webhooks."""
    async with subscriber() as made:
        yield made


async def test_the_reference_library_takes_it(post, there):
    """Standard Webhooks: id, time and signature over the body as it arrived; CloudEvents in it."""
    hook, secret = await post.add_hook(there.url)
    await post.add("resolved:1", f"hook:{hook}", **EVENT, **TICKET)
    await post.tell()
    ((path, headers, body),) = there.calls
    event = Webhook(show_secret(secret)).verify(body, dict(headers))
    assert path == "/hook"
    assert headers["webhook-id"] == "resolved:1"
    assert headers["Content-Type"] == "application/cloudevents+json"
    assert event == {
        "specversion": "1.0",
        "id": "resolved:1",
        "source": "https://service.example",
        "type": "phonehome.ticket.resolved",
        "subject": "a4cf12fffe05d3b1-3",
        "time": "2026-11-18T12:00:00.000Z",
        "datacontenttype": "application/json",
        "data": {"code": "E21", "name": "Zoë"},
    }


async def test_a_changed_body_or_another_secret_is_refused(post, there):
    """The control: the library that takes ours refuses these."""
    hook, secret = await post.add_hook(there.url)
    await post.add("resolved:1", f"hook:{hook}", **EVENT)
    await post.tell()
    ((_, headers, body),) = there.calls
    with pytest.raises(WebhookVerificationError):
        Webhook(show_secret(secret)).verify(body.replace(b"E21", b"E22"), dict(headers))
    with pytest.raises(WebhookVerificationError):
        Webhook(show_secret(bytes(32))).verify(body, dict(headers))


async def test_while_a_secret_is_rotated_both_are_good(post, there):
    """Who has the old one or the new one reads everything; afterwards the old one is over."""
    hook, old = await post.add_hook(there.url)
    rotate = hooks.rotate, post.receiver.vault, hook, NOON, NOON + DAY_MS
    new = await post.database.write(*rotate)
    await post.add("during", f"hook:{hook}", **EVENT)
    await post.tell()
    post.clock.advance(DAY_MS)
    await post.add("after", f"hook:{hook}", **EVENT)
    await post.tell()
    (_, during, first), (_, after, second) = there.calls
    for secret in (old, new):
        Webhook(show_secret(secret)).verify(first, dict(during))
    Webhook(show_secret(new)).verify(second, dict(after))
    with pytest.raises(WebhookVerificationError):
        Webhook(show_secret(old)).verify(second, dict(after))
    assert base64.b64encode(old) != base64.b64encode(new)


async def test_it_is_tried_for_days_with_the_same_bytes(post, there):
    """Every try has the same id and body, and a time of its own; then it is given up, once."""
    hook, _ = await post.add_hook(there.url)
    there.script[:] = [(500, {})] * 50
    await post.add("e", f"hook:{hook}", **EVENT, expires_at=NOON + 4 * DAY_MS)
    waits = []
    for _ in range(20):
        await post.tell()
        row = (await post.rows())["e"]
        if row.state != "waiting":
            break
        waits.append(row.due_at - post.clock())
        post.clock.now_at = row.due_at
    assert row.state == "dead"
    assert row.failure.endswith("the last try: HTTP status 500")
    assert waits == sorted(waits)
    assert post.clock() - NOON > 2 * DAY_MS
    assert len(there.calls) == row.attempts > 8
    assert {(headers["webhook-id"], body) for _, headers, body in there.calls} == {
        ("e", there.calls[0][2])
    }


async def test_a_receiver_says_when_to_come_back(post, there):
    """Retry-After counts when it is longer than our own pause."""
    hook, _ = await post.add_hook(there.url)
    there.script[:] = [(429, {"Retry-After": "1800"})]
    await post.add("e", f"hook:{hook}", **EVENT)
    await post.tell()
    assert (await post.rows())["e"].due_at >= NOON + 1800_000
    post.clock.advance(HOUR_MS)
    await post.tell()
    assert there.ids == ["e", "e"]


async def test_410_ends_it_until_a_person_enables_it(post, there):
    """Nothing more is sent, everything is kept, and a replay by hand sends it under its id."""
    hook, _ = await post.add_hook(there.url)
    there.script[:] = [(410, {})]
    for key in ("first", "second"):
        await post.add(key, f"hook:{hook}", **EVENT)
        await post.tell()
    rows = await post.rows()
    assert {row.state for row in rows.values()} == {"dead"}
    assert "disabled: 410 Gone" in rows["second"].failure
    assert there.ids == ["first"]
    enabled = {"disabled_at": None, "disabled_because": None}
    await post.database.write(hooks.change, hook, enabled)
    assert await post.database.write(resending.replay, hook, NOON, post.clock()) == 2
    await post.tell()
    assert sorted(there.ids) == ["first", "first", "second"]


async def test_one_that_fails_does_not_keep_others_waiting(post, there):
    """What goes to a broken receiver waits a little; another one has everything at once."""
    broken, _ = await post.add_hook("http://127.0.0.1:1/")
    good, _ = await post.add_hook(there.url)
    for n in range(40):
        await post.add(f"broken{n}", f"hook:{broken}", **EVENT)
    for n in range(5):
        await post.add(f"good{n}", f"hook:{good}", **EVENT)
    await post.tell()
    assert sorted(there.ids) == [f"good{n}" for n in range(5)]
    rows = await post.rows()
    tried = [row for key, row in rows.items() if key.startswith("broken") and row.attempts]
    assert len(tried) <= 16
    assert all(row.due_at > NOON for key, row in rows.items() if key.startswith("broken"))


async def test_redirects_are_not_followed(post, there):
    """A receiver does not send our events elsewhere."""
    hook, _ = await post.add_hook(there.url)
    there.script[:] = [(307, {"Location": there.url + "/elsewhere"})]
    await post.add("e", f"hook:{hook}", **EVENT)
    await post.tell()
    assert [path for path, _, _ in there.calls] == ["/hook"]
    assert "redirects are not followed" in (await post.rows())["e"].failure


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "0.0.0.0",
        "10.0.0.1",
        "[fe80::1%25lo]",
    ],
)
async def test_nothing_goes_inside(tmp_path, host):
    """Without a named network no spelling of a private address is connected to."""
    with teller(tmp_path) as made:
        hook, _ = await made.add_hook(f"https://{host}/")
        await made.add("e", f"hook:{hook}", **EVENT)
        await made.tell()
        row = (await made.rows())["e"]
        assert row.state == "waiting"
        assert "is not on the public Internet" in row.failure or "gaierror" in row.failure


async def test_a_name_is_resolved_once_and_connected_to_where_it_was_looked_at(
    post, there, monkeypatch
):
    """A name that says another address the second time (DNS rebinding) is not asked again."""
    import asyncio

    asked = []
    real = asyncio.get_running_loop().getaddrinfo

    async def resolve(host, *args, **named):
        if host != "rebind.example":
            return await real(host, *args, **named)
        asked.append(host)
        return await real("127.0.0.1" if len(asked) == 1 else "127.0.0.66", *args, **named)

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
    url = there.url.replace("127.0.0.1", "rebind.example")
    hook, _ = await post.add_hook(url)
    await post.add("e", f"hook:{hook}", **EVENT)
    await post.tell()
    assert (there.ids, asked) == (["e"], ["rebind.example"])
    assert there.calls[0][1]["Host"].startswith("rebind.example:")


async def test_one_private_address_condemns_a_name(tmp_path, monkeypatch):
    """A public address beside it does not help."""
    import asyncio
    import socket

    async def resolve(host, port, **_named):
        kind = socket.AF_INET, socket.SOCK_STREAM, 6, ""
        return [(*kind, ("93.184.215.14", port)), (*kind, ("10.0.0.1", port))]

    with teller(tmp_path) as made:
        hook, _ = await made.add_hook("https://both.example/")
        await made.add("e", f"hook:{hook}", **EVENT)
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
        await made.tell()
        assert "10.0.0.1 is not on the public" in (await made.rows())["e"].failure


async def test_a_certificate_has_to_be_that_of_the_name(tmp_path):
    """TLS is verified by the name in the URL, although the address is pinned."""
    authority = FakeAuthority(tmp_path)
    ca = {"WEBHOOKS_NETWORKS": f"{LOOPBACK}, ::1/128", "WEBHOOKS_CA": str(authority.ca_pem)}
    with teller(tmp_path, **ca) as made:
        for host, state in (("localhost", "sent"), ("other.example", "waiting")):
            async with subscriber(authority.server_context(host)) as there:
                hook, _ = await made.add_hook(there.url)
                await made.add(host.replace(".", "-"), f"hook:{hook}", **EVENT)
                await made.tell()
            row = (await made.rows())[host.replace(".", "-")]
            assert row.state == state, row.failure
        assert "CERTIFICATE_VERIFY_FAILED" in row.failure


async def test_a_flood_of_an_answer_is_cut_off(post):
    """A receiver that answers without end costs its own try, and no memory."""
    import asyncio

    async def flood(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 100_000)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(flood, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        hook, _ = await post.add_hook(f"http://127.0.0.1:{port}/")
        await post.add("e", f"hook:{hook}", **EVENT)
        await post.tell()
    row = (await post.rows())["e"]
    assert row.state == "waiting"
    assert len(row.failure) <= 300


async def test_events_find_the_webhook_of_their_audience(post, there):
    """An order to supplier:3 goes to whoever answers for it; to nobody is a dead letter."""
    await post.add_hook(there.url, "supplier:3")
    await post.add("order1", "supplier:3", **EVENT)
    await post.add("order2", "supplier:4", **EVENT)
    await post.tell()
    assert there.ids == ["order1"]
    row = (await post.rows())["order2"]
    assert (row.state, row.failure) == ("dead", "there is no webhook for supplier:4")


async def test_the_body_is_json_and_small_words_stay_what_they_are(post, there):
    """What is in the data arrives as it was written."""
    hook, _ = await post.add_hook(there.url)
    data = {"list": [1, 2.5, None, True], "text": '"\\\u2028 ü'}
    await post.add("e", f"hook:{hook}", **{**EVENT, "data": data})
    await post.tell()
    assert json.loads(there.calls[0][2])["data"] == data
