"""Reports that nobody signed: filed by a person, read by people, and nothing more."""

import base64

import pytest

from phonehome_cloud.store import schema
from phonehome_cloud.store.unverified import MAX_KEPT
from phonehome_wire.envelope import payload_span
from tests.cloud.running import running
from tests.cloud.voice import Voice

pytestmark = pytest.mark.usefixtures("each_database")


def plain(voice, *records):
    """What a device without a key exports."""
    signed = voice.report(*records, is_carried=True)
    start, end = payload_span(signed)
    return b"\x82\x48" + bytes.fromhex(voice.device) + signed[start:end]


def body_of(message):
    """The body of the operation that files it."""
    return {"report": base64.b64encode(message).decode()}


@pytest.fixture
async def receiver(tmp_path):
    """A receiver over HTTP."""
    async with running(tmp_path) as found:
        yield found


async def test_it_is_filed_read_and_let_go(receiver):
    """Filed twice it is there once, in words for people, until somebody deletes it."""
    voice = Voice()
    message = plain(voice, voice.fault(520193, 7))
    for _ in range(2):
        made = await receiver.api("POST", "/unverified", 201, json=body_of(message))
    (item,) = (await receiver.api("GET", "/unverified"))["items"]
    assert item["device"] == voice.device and item["records"] == 1
    assert item["id"] == made["id"] and item["filed_by"].startswith("token:")
    detail = await receiver.api("GET", f"/unverified/{voice.device}/{item['id']}")
    assert detail["decoded"]["records"][0]["type"] == "fault"
    assert base64.b64decode(detail["raw"]) == message
    await receiver.api("DELETE", f"/unverified/{voice.device}")
    assert (await receiver.api("GET", "/unverified"))["items"] == []
    await receiver.api("GET", f"/unverified/{voice.device}/{item['id']}", 404)


async def test_nothing_comes_of_it(receiver):
    """Not even for a device that is registered: no record, no ticket, no session, no message."""
    voice = await receiver.register()
    message = plain(voice, voice.fault(520193, 7))
    await receiver.api("POST", "/unverified", 201, json=body_of(message))
    status, body, _ = await receiver.up(message)  # nor by the way of devices
    assert (status, body) == (401, b"frame\n")
    for table in (schema.record, schema.message, schema.session, schema.ticket):
        rows = await receiver.database.read(lambda c, t=table: c.execute(t.select()).all())
        assert rows == [], table.name


async def test_who_has_no_token_files_nothing(receiver):
    """The desk is asked who it is, as for everything."""
    voice = Voice()
    await receiver.api("POST", "/unverified", 401, token="", json=body_of(plain(voice)))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("%%%", "not base64"),
        ("AAAA", "bytes, want"),
        (base64.b64encode(bytes(40)).decode(), "82 48"),
        (base64.b64encode(b"\x82\x48" + bytes(40)).decode(), "report: "),
    ],
)
async def test_what_is_no_report_is_refused(receiver, text, words):
    """With what is wrong, and what would be right."""
    problem = await receiver.api("POST", "/unverified", 422, json={"report": text})
    assert words in problem["detail"]
    assert problem["errors"][0]["field"] == "report"


async def test_pages_go_on_where_they_ended(receiver):
    """Every report of every device once, by device."""
    voices = sorted((Voice() for _ in range(5)), key=lambda voice: voice.device)
    for voice in voices:
        message = plain(voice, voice.heartbeat())
        await receiver.api("POST", "/unverified", 201, json=body_of(message))
    found, cursor = [], ""
    while True:
        page = await receiver.api("GET", f"/unverified?limit=2{cursor}")
        found += [item["device"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert found == [voice.device for voice in voices]


async def test_one_device_cannot_fill_the_table(receiver):
    """At the limit the next one is refused, the same again is not."""
    voice = Voice()
    messages = [plain(voice, voice.heartbeat()) for _ in range(MAX_KEPT + 1)]
    for message in messages[:MAX_KEPT]:
        await receiver.api("POST", "/unverified", 201, json=body_of(message))
    await receiver.api("POST", "/unverified", 409, json=body_of(messages[-1]))
    await receiver.api("POST", "/unverified", 201, json=body_of(messages[0]))
