"""The desk API: devices, reports and tickets, by people who use it right."""

import asyncio
import base64

import pytest

import phonehome_product
from phonehome_wire import registry
from tests.cloud.running import TOKEN, running, settings
from tests.cloud.voice import StillFrame

pytestmark = pytest.mark.usefixtures("each_database")


@pytest.fixture(scope="module")
def washer(project):
    """The washer's product file."""
    return phonehome_product.load(project / "shared/products/washer.toml")


@pytest.fixture(scope="module")
def blocked(washer):
    """A fault that the washer's product file names."""
    return next(fault for fault in washer.faults if fault.code == "E21")


async def test_a_device_gets_a_key_that_is_told_once(tmp_path):
    """Without a key the receiver draws one, returns it on creation and never again."""
    async with running(tmp_path) as receiver:
        body = {"device": "a4cf12fffe05d3b1", "product": "washer", "label": "Cellar"}
        made = await receiver.api("POST", "/devices", 201, json=body)
        assert (len(bytes.fromhex(made["key"])), made["epoch"]) == (32, 1)
        assert receiver.headers["Location"] == "/api/v1/devices/a4cf12fffe05d3b1"
        assert receiver.headers["Cache-Control"] == "no-store"
        found = await receiver.api("GET", "/devices/a4cf12fffe05d3b1")
        assert (found["label"], found["product"]) == ("Cellar", "washer")
        assert made["key"] not in str(found)


async def test_a_given_key_is_not_told_back(tmp_path):
    """Who brings a key knows it."""
    async with running(tmp_path) as receiver:
        body = {"device": "a4cf12fffe05d3b1", "product": "washer", "key": "0f" * 32}
        assert "key" not in await receiver.api("POST", "/devices", 201, json=body)


async def test_a_device_is_registered_once(tmp_path):
    """The second time is a conflict, and changes nothing."""
    async with running(tmp_path) as receiver:
        voice = await receiver.register(label="first")
        body = {"device": voice.device, "product": "fridge", "label": "second"}
        problem = await receiver.api("POST", "/devices", 409, json=body)
        assert problem["type"] == "/problems#conflict"
        found = await receiver.api("GET", f"/devices/{voice.device}")
        assert found["label"] == "first"
        assert (await receiver.up(voice.report()))[0] == 200


async def test_a_device_shows_what_it_last_said(tmp_path):
    """Presence is null before the first report, and the newest boot after it."""
    async with running(tmp_path) as receiver:
        voice = await receiver.register()
        assert (await receiver.api("GET", f"/devices/{voice.device}"))["presence"] is None
        await receiver.up(voice.report(dropped=3))
        voice.boot = 2
        await receiver.up(voice.report(dropped=0))
        found = (await receiver.api("GET", f"/devices/{voice.device}"))["presence"]
        assert (found["boot"], found["dropped"], found["build"]) == (2, 0, "01020304")
        assert found["inc"] == voice.inc.hex()


async def test_a_revoked_device_keeps_its_data(tmp_path):
    """Only its keys are gone; revoking again changes nothing."""
    async with running(tmp_path) as receiver:
        voice = await receiver.register()
        await receiver.up(voice.report())
        first = await receiver.api("POST", f"/devices/{voice.device}/revoke")
        again = await receiver.api("POST", f"/devices/{voice.device}/revoke")
        assert first["revoked_at"] == again["revoked_at"] is not None
        reports = await receiver.api("GET", f"/devices/{voice.device}/reports")
        assert len(reports["items"]) == 1


async def test_pages_follow_each_other_without_gap_or_repetition(tmp_path):
    """Walking a listing by its cursors meets every item once, in order."""
    async with running(tmp_path) as receiver:
        voices = [await receiver.register() for _ in range(7)]
        assert await walk(receiver, "/devices?limit=3") == (
            sorted(v.device for v in voices),
            [3, 3, 1],
        )


async def test_tickets_are_paged_by_their_last_change(tmp_path):
    """The one that changed last comes first, also where pages meet."""
    async with running(tmp_path) as receiver:
        voice = await receiver.register()
        opened = [await receiver.open_ticket(voice, 520300 + n, 31) for n in range(5)]
        ids, sizes = await walk(receiver, "/tickets?limit=2")
        assert (ids, sizes) == ([t["id"] for t in reversed(opened)], [2, 2, 1])
        await receiver.api("POST", f"/tickets/{ids[-1]}/comments", 201, json={"text": "x"})
        moved, _ = await walk(receiver, "/tickets?limit=2")
        assert moved == [ids[-1], *ids[:-1]]


async def test_reports_are_paged_newest_first(tmp_path):
    """Reports of one device only, and as many as it sent."""
    async with running(tmp_path) as receiver:
        voice, other = await receiver.register(), await receiver.register()
        await receiver.up(other.report())
        for _ in range(5):
            await receiver.up(voice.report())
        ids, sizes = await walk(receiver, f"/devices/{voice.device}/reports?limit=2")
        assert (len(set(ids)), sizes) == (5, [2, 2, 1])
        page = await receiver.api("GET", f"/devices/{voice.device}/reports")
        times = [report["now_ms"] for report in page["items"]]
        assert times == sorted(times, reverse=True)


async def walk(receiver, path):
    """Every id of a listing in order, and how many each page had."""
    ids, sizes, cursor = [], [], ""
    while True:
        page = await receiver.api("GET", path + cursor)
        sizes.append(len(page["items"]))
        ids += [item.get("id") or item["device"] for item in page["items"]]
        if page["next"] is None:
            return ids, sizes
        cursor = f"&cursor={page['next']}"


async def test_a_report_can_be_read_as_it_was_signed_and_in_words(tmp_path):
    """The raw bytes are those that were sent; the decoded form has names instead of numbers."""
    async with running(tmp_path) as receiver:
        voice = await receiver.register()
        frame = StillFrame({0: (-1, [10, None, 30])})
        fault = voice.fault(520193, 7, channel=0, exp=-1, value=30, limit=25, frame=frame)
        message = voice.report(voice.heartbeat(), fault, dropped=2)
        await receiver.up(message)
        path = f"/devices/{voice.device}/reports"
        (report,) = (await receiver.api("GET", path))["items"]
        found = await receiver.api("GET", f"{path}/{report['id']}")
        assert base64.b64decode(found["raw"]) == message
        decoded = found["decoded"]
        assert (decoded["device"], decoded["key_epoch"], decoded["dropped"]) == (
            voice.device,
            1,
            2,
        )
        beat, told = decoded["records"]
        assert (beat["type"], beat["body"]) == ("heartbeat", {"uptime_s": 1})
        body = told["body"]
        assert (body["spn"], body["fmi"], body["severity"]) == (520193, "mechanical", "error")
        assert body["freeze"]["channels"]["0"] == {"exp": -1, "samples": [10, None, 30]}
        assert "confirmed" in body["status"]["bits"]


async def test_a_crash_is_told_with_its_fingerprint(tmp_path):
    """Crashes of one place have one fingerprint, whatever line it is on in which build."""
    async with running(tmp_path) as receiver:
        voice = await receiver.register()
        crashes = [voice.crash("OSError", [("main.py", line, "run")]) for line in (3, 4)]
        await receiver.up(voice.report(*crashes, voice.crash("OSError", [("main.py", 3, "stop")])))
        path = f"/devices/{voice.device}/reports"
        (report,) = (await receiver.api("GET", path))["items"]
        records = (await receiver.api("GET", f"{path}/{report['id']}"))["decoded"]["records"]
        first, second, other = [record["fingerprint"] for record in records]
        assert first == second != other
        assert records[0]["body"]["kind"] == "exception"


async def test_a_confirmed_fault_becomes_a_ticket_in_the_words_of_its_product(
    tmp_path, washer, blocked
):
    """Title, code and severity come from the product file, channels have names and units."""
    sensor = washer.sensors[0]
    frame = StillFrame({sensor.channel: (sensor.exp, [10, None, 30])}, period_ms=250)
    async with running(tmp_path) as receiver:
        voice = await receiver.register(label="Cellar")
        found = await receiver.open_ticket(
            voice, blocked.id, blocked.fmi, channel=sensor.channel, exp=sensor.exp, frame=frame
        )
        assert (found["code"], found["title"], found["state"]) == ("E21", blocked.title, "open")
        assert (found["severity"], found["label"]) == (blocked.severity, "Cellar")
        whole = await receiver.api("GET", f"/tickets/{found['id']}")
        first = whole["history"][0]
        assert (first["kind"], first["who"]) == ("opened", "device")
        (shown,) = whole["freeze_frames"]
        assert (shown["period_ms"], shown["trigger"]) == (250, 2)
        (channel,) = shown["channels"]
        scale = 10.0**sensor.exp
        assert (channel["name"], channel["unit"]) == (sensor.name, sensor.unit)
        assert channel["values"] == [pytest.approx(10 * scale), None, pytest.approx(30 * scale)]


async def test_a_limit_is_shown_only_where_it_is_on_the_scale_of_its_sensor(tmp_path, washer):
    """A limit in mm is a line in the chart of mm; one in mm per second would be a lie there."""
    async with running(tmp_path) as receiver:
        voice = await receiver.register()
        for kind, shown in (("range", 25.0), ("rate", None)):
            fault = next(fault for fault in washer.faults if fault.rule.kind == kind)
            frame = StillFrame({0: (0, [10, 20, 30])})
            more = {"channel": 0, "exp": 0, "value": 30, "limit": 25, "frame": frame}
            ticket = await receiver.open_ticket(voice, fault.id, fault.fmi, **more)
            whole = await receiver.api("GET", f"/tickets/{ticket['id']}")
            assert whole["freeze_frames"][0]["limit"] == shown


async def test_what_a_device_says_about_its_channels_comes_first(tmp_path):
    """A catalog from the device itself names channels that no product file has."""
    async with running(tmp_path) as receiver:
        voice = await receiver.register()
        from phonehome_wire.encoder import Encoder
        from phonehome_wire.record import put_head, put_hello

        enc = Encoder(bytearray(256), 0)
        put_head(enc, registry.RTYPE_HELLO, 1, voice._next(), 1)
        put_hello(enc, "1.0", 1, "unix", catalog=[(200, "attic_temp", "Cel")])
        hello = bytes(enc.buf[: enc.pos])
        await receiver.up(voice.report(hello, manifest=b"\x01\x02\x03\x04"))
        frame = StillFrame({200: (-1, [215])})
        record = voice.fault(520400, 31, channel=200, frame=frame)
        await receiver.up(voice.report(record, manifest=b"\x01\x02\x03\x04"))

        async def tickets():
            return (await receiver.api("GET", "/tickets"))["items"]

        (ticket,) = await receiver.eventually(tickets, lambda items: items)
        whole = await receiver.api("GET", f"/tickets/{ticket['id']}")
        (channel,) = whole["freeze_frames"][0]["channels"]
        assert (channel["name"], channel["unit"], channel["values"]) == (
            "attic_temp",
            "Cel",
            [21.5],
        )


async def test_filters_choose_tickets(tmp_path, blocked):
    """State, device, fault by code or number, and severity or worse."""
    async with running(tmp_path) as receiver:
        voice, other = await receiver.register(), await receiver.register()
        mine = await receiver.open_ticket(voice, blocked.id, blocked.fmi)
        unknown = await receiver.open_ticket(other, 520400, 31, severity=5)
        await receiver.api(
            "POST", f"/tickets/{unknown['id']}/state", json={"state": "closed", "reason": "x"}
        )

        async def ids(query):
            return [t["id"] for t in (await receiver.api("GET", f"/tickets?{query}"))["items"]]

        assert await ids("state=open") == [mine["id"]]
        assert await ids("state=resolved,closed") == [unknown["id"]]
        assert await ids(f"device={other.device}") == [unknown["id"]]
        assert await ids("fault=E21") == [mine["id"]]
        assert await ids("fault=520400.31") == [unknown["id"]]
        assert await ids("severity=error") == [mine["id"]]
        assert await ids("severity=notice") == [unknown["id"], mine["id"]]
        assert await ids("fault=E99") == []


async def test_every_change_says_who_did_it(tmp_path):
    """Comments and states carry the token's name and the reason."""
    async with running(tmp_path) as receiver:
        voice = await receiver.register()
        ticket = await receiver.open_ticket(voice)
        path = f"/tickets/{ticket['id']}"
        note = await receiver.api("POST", path + "/comments", 201, json={"text": "filter cleaned"})
        assert (note["who"], note["kind"], note["text"]) == (
            "token:configured",
            "comment",
            "filter cleaned",
        )
        body = {"state": "in_progress", "reason": "on my way"}
        changed = await receiver.api("POST", path + "/state", json=body)
        last = next(entry for entry in changed["history"] if entry["kind"] == "state")
        assert changed["state"] == "in_progress"
        assert (last["from_state"], last["to_state"], last["text"], last["who"]) == (
            "open",
            "in_progress",
            "on my way",
            "token:configured",
        )
        assert [e["n"] for e in changed["history"]] == list(range(len(changed["history"])))


async def test_an_illegal_transition_is_a_conflict(tmp_path):
    """A closed ticket stays closed; the refusal says what would be possible."""
    async with running(tmp_path) as receiver:
        ticket = await receiver.open_ticket(await receiver.register())
        path = f"/tickets/{ticket['id']}/state"
        closed = await receiver.api("POST", path, json={"state": "closed", "reason": "scrapped"})
        assert closed["next_states"] == []
        problem = await receiver.api("POST", path, 409, json={"state": "open", "reason": "no"})
        assert problem["type"] == "/problems#illegal-transition"
        assert "closed" in problem["detail"]


async def test_two_people_who_close_at_once_are_told_apart(tmp_path):
    """One succeeds, the other learns that the ticket is closed already."""
    async with running(tmp_path) as receiver:
        ticket = await receiver.open_ticket(await receiver.register())
        url = f"{receiver.url}/api/v1/tickets/{ticket['id']}/state"
        headers = {"Authorization": f"Bearer {TOKEN}"}
        body = {"state": "closed", "reason": "mine"}

        async def close():
            async with receiver.session.post(url, json=body, headers=headers) as answer:
                return answer.status

        statuses = await asyncio.gather(*(close() for _ in range(4)))
        assert sorted(statuses) == [200, 409, 409, 409]


async def test_the_api_describes_itself(tmp_path):
    """OpenAPI 3.1 without a token: every operation, its body, and the one error shape."""
    async with running(tmp_path) as receiver:
        found = await receiver.api("GET", "/openapi.json", token=None)
        assert found["openapi"] == "3.1.0"
        assert set(found["paths"]["/api/v1/tickets"]) == {"get"}
        assert set(found["paths"]["/api/v1/devices"]) == {"get", "post"}
        state = found["paths"]["/api/v1/tickets/{ticket}/state"]["post"]
        assert "409" in state["responses"]
        new = found["components"]["schemas"]["NewDevice"]
        assert set(new["required"]) == {"device", "product"}
        assert "application/problem+json" in state["responses"]["409"]["content"]


async def test_a_token_of_the_settings_replaces_the_one_before(tmp_path):
    """Changing the configured token ends the old one."""
    async with running(tmp_path) as receiver:
        await receiver.api("GET", "/devices")
    async with running(tmp_path, API_TOKEN="another-token-0123456789") as receiver:
        await receiver.api("GET", "/devices", token="another-token-0123456789")
        await receiver.api("GET", "/devices", 401)
    assert settings(tmp_path).api.token.reveal() == TOKEN
