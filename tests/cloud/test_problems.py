"""The desk API: everything that can be asked wrongly is answered in one shape."""

import base64

import pytest

from phonehome_cloud.clock import now_ms
from phonehome_cloud.store import tokens
from phonehome_cloud.web import bodies
from phonehome_cloud.web.problems import KINDS
from tests.cloud.running import TOKEN, running

pytestmark = pytest.mark.usefixtures("each_database")

NOBODY = "a4cf12fffe05d3b1"
NEW = {"device": NOBODY, "product": "washer"}


def check_problem(body, kind, field=None):
    """Assert the shape of a problem, and return the entry about a field."""
    assert set(body) == {"type", "title", "status", "detail", "errors"}
    assert body["type"] == f"/problems#{kind}"
    assert (body["status"], body["title"]) == KINDS[kind]
    for entry in body["errors"]:
        assert set(entry) == {"field", "value", "fix"}
        assert entry["fix"]
    if field is None:
        return None
    (entry,) = body["errors"]
    assert entry["field"] == field
    return entry


async def test_every_refusal_is_problem_json(tmp_path):
    """Routing, tokens, bodies and stores refuse in the same content type."""
    async with running(tmp_path) as receiver:
        for method, path, status, kind in (
            ("GET", "/nothing", 404, "not-found"),
            ("GET", f"/devices/{NOBODY}", 404, "not-found"),
            ("GET", "/devices/XYZ", 404, "not-found"),
            ("GET", f"/devices/{NOBODY}/reports", 404, "not-found"),
            ("GET", f"/devices/{NOBODY}/reports/{'0' * 32}", 404, "not-found"),
            ("POST", f"/devices/{NOBODY}/revoke", 404, "not-found"),
            ("GET", f"/tickets/{NOBODY}-1", 404, "not-found"),
            ("GET", "/tickets/1", 404, "not-found"),
            ("GET", "/tickets/..%2F..%2Fetc", 404, "not-found"),
            ("DELETE", "/devices", 405, "method-not-allowed"),
        ):
            found = await receiver.api(method, path, status)
            check_problem(found, kind)
            assert receiver.headers["Content-Type"] == "application/problem+json"
        assert receiver.headers["Allow"] == "GET,POST"


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer \xff"]
)
async def test_without_a_valid_token_nothing_is_shown(tmp_path, header):
    """Missing, empty, malformed and wrong tokens are 401 with the challenge."""
    async with running(tmp_path) as receiver:
        headers = {} if header is None else {"Authorization": header}
        for path in ("/devices", "/tickets", "/nothing"):
            found = await receiver.api("GET", path, 401, token=None, headers=headers)
            check_problem(found, "unauthenticated")
            assert receiver.headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_revoked_token_is_refused_at_once(tmp_path):
    """What was valid a moment ago is not any more, and others still are."""
    async with running(tmp_path) as receiver:
        token = tokens.draw()
        await receiver.database.write(tokens.add, "anna", token, now_ms())
        await receiver.api("GET", "/devices", token=token)
        await receiver.database.write(tokens.revoke, "anna", now_ms())
        check_problem(await receiver.api("GET", "/devices", 401, token=token), "unauthenticated")
        await receiver.api("GET", "/devices")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({**NEW, "device": "A4CF12FFFE05D3B1"}, "device"),
        ({**NEW, "device": NOBODY + "\n"}, "device"),
        ({**NEW, "device": 7}, "device"),
        ({"product": "washer"}, "device"),
        ({**NEW, "product": "toaster"}, "product"),
        ({**NEW, "label": "x" * 121}, "label"),
        ({**NEW, "lable": "typo"}, "lable"),
        ({**NEW, "key": "00"}, "key"),
        ([], "(body)"),
        ("text", "(body)"),
    ],
)
async def test_a_wrong_field_is_named_with_its_value_and_the_fix(tmp_path, body, field):
    """422 says which field, what it held, and what it should hold; nothing is registered."""
    async with running(tmp_path) as receiver:
        found = await receiver.api("POST", "/devices", 422, json=body)
        check_problem(found, "invalid-body", field)
        assert (await receiver.api("GET", "/devices"))["items"] == []


async def test_a_refused_key_is_not_shown_back(tmp_path):
    """A key that was mistyped by one digit is still nearly a key."""
    async with running(tmp_path) as receiver:
        secret = "0123456789abcdef" * 4 + "0"
        found = await receiver.api("POST", "/devices", 422, json={**NEW, "key": secret})
        entry = check_problem(found, "invalid-body", "key")
        assert secret[:16] not in str(found)
        assert "64" in entry["fix"]


@pytest.mark.parametrize("data", [b"", b"{", b"\xff\xfe", b'{"device": NaN}'])
async def test_what_is_no_json_is_400(tmp_path, data):
    """Broken, empty, not UTF-8, not JSON, or deeper than anybody means."""
    async with running(tmp_path) as receiver:
        headers = {"Content-Type": "application/json"}
        found = await receiver.api("POST", "/devices", 400, data=data, headers=headers)
        check_problem(found, "malformed-json")


@pytest.mark.parametrize("data", [b"null", b"[" * 60_000, b'{"label":' + b"[" * 60_000])
async def test_nesting_without_end_is_refused(tmp_path, data):
    """Depth costs no stack, and what is no object is no device."""
    async with running(tmp_path) as receiver:
        headers = {"Content-Type": "application/json"}
        found = await receiver.api("POST", "/devices", 422, data=data, headers=headers)
        check_problem(found, "invalid-body", found["errors"][0]["field"])


async def test_a_large_body_is_413(tmp_path):
    """Announced or not, no more than the cap is read."""
    async with running(tmp_path) as receiver:
        headers = {"Content-Type": "application/json"}
        data = b'"' + b"a" * 70_000 + b'"'
        found = await receiver.api("POST", "/devices", 413, data=data, headers=headers)
        check_problem(found, "too-large")

        async def pieces():
            yield b'"'
            for _ in range(100):
                yield b"a" * 1000

        found = await receiver.api("POST", "/devices", 413, data=pieces(), headers=headers)
        check_problem(found, "too-large")


async def test_a_body_of_another_type_is_415(tmp_path):
    """A form is not JSON, even where it could be read as such."""
    async with running(tmp_path) as receiver:
        headers = {"Content-Type": "text/plain"}
        found = await receiver.api("POST", "/devices", 415, data=b"{}", headers=headers)
        check_problem(found, "wrong-content-type", "Content-Type")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=-1", "limit"),
        ("limit=1e3", "limit"),
        ("limit=", "limit"),
        ("limit=%D9%A1", "limit"),
        ("limit=1&limit=2", "limit"),
        ("cursor=", "cursor"),
        ("cursor=!!!", "cursor"),
        ("cursor=WzFd", "cursor"),
        ("cursor=WyJkZXZpY2VzIiwiYSJd", "cursor"),
        ("cursor=WyJ0aWNrZXRzIiwiYSIsImEiLDFd", "cursor"),
        ("cursor=WyJ0aWNrZXRzIix0cnVlLCJhIiwxXQ", "cursor"),
        ("cursor=" + "a" * 5000, "cursor"),
        ("state=oepn", "state"),
        ("state=", "state"),
        ("device=xyz", "device"),
        ("fault=e21", "fault"),
        ("fault=1.2.3", "fault"),
        ("severity=3", "severity"),
        ("colour=red", "colour"),
    ],
)
async def test_a_wrong_parameter_is_named(tmp_path, query, field):
    """Wrong, doubled, unknown and forged parameters of a listing are 400."""
    async with running(tmp_path) as receiver:
        found = await receiver.api("GET", f"/tickets?{query}", 400)
        check_problem(found, "bad-parameter", field)


async def test_a_forged_cursor_cannot_reach_the_database(tmp_path):
    """Numbers beyond what a database holds, and bytes that are no hash, are refused as cursors."""
    async with running(tmp_path) as receiver:
        voice = await receiver.register()
        for listing, cursor in (
            ("/tickets", '["tickets",99999999999999999999999,"a",1]'),
            (f"/devices/{voice.device}/reports", '["reports",1,"xyz"]'),
        ):
            text = base64.urlsafe_b64encode(cursor.encode()).decode().rstrip("=")
            found = await receiver.api("GET", f"{listing}?cursor={text}", 400)
            check_problem(found, "bad-parameter", "cursor")


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("comments", {}, "text"),
        ("comments", {"text": ""}, "text"),
        ("comments", {"text": "x" * 4001}, "text"),
        ("comments", {"text": "x", "who": "somebody else"}, "who"),
        ("state", {"state": "open"}, "reason"),
        ("state", {"state": "done", "reason": "x"}, "state"),
        ("state", {"state": "open", "reason": ""}, "reason"),
    ],
)
async def test_a_change_of_a_ticket_must_be_complete(tmp_path, path, body, field):
    """Nobody comments without words, changes a state without a reason, or signs for another."""
    async with running(tmp_path) as receiver:
        ticket = await receiver.open_ticket(await receiver.register())
        found = await receiver.api("POST", f"/tickets/{ticket['id']}/{path}", 422, json=body)
        check_problem(found, "invalid-body", field)
        whole = await receiver.api("GET", f"/tickets/{ticket['id']}")
        assert [h for h in whole["history"] if h["who"] not in ("device", "rule")] == []


async def test_a_failure_of_ours_tells_nothing_but_that(tmp_path, monkeypatch):
    """A bug is 500 in the same shape; the cause stays in the log."""
    async with running(tmp_path) as receiver:

        def broken(*_):
            raise RuntimeError("the secret is 42")

        monkeypatch.setattr(tokens, "maybe_name", broken)
        found = await receiver.api("GET", "/devices", 500)
        check_problem(found, "internal")
        assert "42" not in str(found)


async def test_a_database_that_is_away_is_503_with_the_wait(tmp_path, monkeypatch):
    """What may work later says so, with Retry-After."""
    from phonehome_cloud.errors import StoreUnavailableError

    async with running(tmp_path) as receiver:

        def away(*_):
            raise StoreUnavailableError("disk full", 7)

        monkeypatch.setattr(tokens, "maybe_name", away)
        check_problem(await receiver.api("GET", "/devices", 503), "unavailable")
        assert receiver.headers["Retry-After"] == "7"


def test_every_kind_has_a_status_and_a_title():
    """The table of kinds is what the page of problems shows."""
    assert all(400 <= status < 600 and title for status, title in KINDS.values())


def test_an_explanation_never_grows_with_the_request():
    """A refused value is cut."""
    from phonehome_cloud.web.devices import NewDevice
    from phonehome_cloud.web.problems import ProblemError

    data = b'{"device": "' + b"a" * 5000 + b'", "product": "washer"}'
    with pytest.raises(ProblemError) as refused:
        bodies.check_json(data, NewDevice)
    assert len(refused.value.errors[0]["value"]) <= 80
