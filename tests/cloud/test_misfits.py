"""Quarantine, dead letters and the path of a report: what an operator sees, and can do again."""

import asyncio
import base64
import json
from hashlib import sha256

import pytest

from phonehome_cloud.store import schema
from phonehome_tools.cli import main
from phonehome_wire.limits import MAX_MESSAGE_BYTES
from tests.cloud.running import TOKEN, running
from tests.fakes.appliance import encode

pytestmark = pytest.mark.usefixtures("each_database")


async def quarantined(receiver, voice, message):
    """Send something that cannot be read; returns its row."""
    before = (await receiver.api("GET", "/quarantine"))["items"]
    await receiver.up(message)
    after = (await receiver.api("GET", f"/quarantine?device={voice.device}"))["items"]
    (row,) = [item for item in after if item not in before]
    return row


async def test_the_quarantine_is_listed_and_shown(tmp_path):
    """Newest first, of all devices or of one, page by page; one with its bytes and its reason."""
    async with running(tmp_path) as receiver:
        one, other = await receiver.register(), await receiver.register()
        rows = [await quarantined(receiver, one, one.sealed(bytes([n]))) for n in (0xFF, 0xFE)]
        rows.append(await quarantined(receiver, other, other.sealed(b"\xff")))
        page = await receiver.api("GET", "/quarantine?limit=2")
        rest = await receiver.api("GET", f"/quarantine?limit=2&cursor={page['next']}")
        found = page["items"] + rest["items"]
        assert sorted(row["id"] for row in found) == sorted(row["id"] for row in rows)
        assert [r["received_at"] for r in found] == sorted(
            (r["received_at"] for r in found), reverse=True
        )
        assert rest["next"] is None
        path = f"/devices/{one.device}/quarantine/{rows[0]['id']}"
        shown = await receiver.api("GET", path)
        assert base64.b64decode(shown["raw"]) == one.sealed(b"\xff")
        assert (shown["decoded"], shown["reason"]) == (None, "type")
        assert shown["detail"]
        await receiver.api("GET", path.replace(rows[0]["id"], "0" * 32), 404)
        await receiver.api("GET", "/quarantine?device=x", 400)


async def misplaced(receiver, voice, message, reason="schema"):
    """Put a readable message where an older version would have put it."""
    row = {
        "device": voice.device,
        "hash": sha256(message).digest()[:16],
        "reason": reason,
        "detail": "from before",
        "transport": "http",
        "received_at": 5,
        "boot": None,
        "seq": None,
        "raw": message,
    }
    await receiver.database.write(lambda c: c.execute(schema.quarantine.insert().values(row)))
    return row["hash"].hex()


async def test_what_can_be_read_now_is_taken_in_and_leaves(tmp_path):
    """After an update: the message goes the whole way, once; what still cannot be read stays."""
    async with running(tmp_path) as receiver:
        voice = await receiver.register()
        item = await misplaced(receiver, voice, voice.report(voice.fault(520193, 7)))
        path = f"/devices/{voice.device}/quarantine/{item}/replay"
        done = await receiver.api("POST", path)
        assert (done["status"], done["reason"]) == (200, "accepted")
        await receiver.api("POST", path, 404)
        tickets = await receiver.eventually(
            lambda: receiver.api("GET", "/tickets"), lambda page: page["items"]
        )
        assert tickets["items"][0]["device"] == voice.device
        bad = await quarantined(receiver, voice, voice.sealed(b"\xff"))
        path = f"/devices/{voice.device}/quarantine/{bad['id']}/replay"
        problem = await receiver.api("POST", path, 409)
        assert "422 type" in problem["detail"]
        assert len((await receiver.api("GET", "/quarantine"))["items"]) == 1


async def test_a_record_is_replayed_by_the_message_that_brought_it(tmp_path):
    """Its neighbours are duplicates then; while it breaks the schema it stays, with why."""
    async with running(tmp_path) as receiver:
        voice = await receiver.register()
        # A heartbeat whose uptime is a text: the record alone is refused, its neighbour stored.
        bad = encode([2, voice.boot, 77, 1000, {0: "long"}])
        row = await quarantined(receiver, voice, voice.report(voice.heartbeat(), bad))
        assert (row["reason"], row["seq"]) == ("record", 77)
        path = f"/devices/{voice.device}/quarantine/{row['id']}/replay"
        problem = await receiver.api("POST", path, 409)
        assert "still cannot be read" in problem["detail"]
        # Now a record that reads well, as it is after the schema has learned it.
        good = voice.heartbeat()
        message = voice.report(good)
        assert (await receiver.up(message))[0] == 200

        def forget(connection):
            sent = connection.execute(
                schema.message.select().where(schema.message.c.raw == message)
            ).one()
            connection.execute(schema.record.delete().where(schema.record.c.raw == good))
            values = {"raw": good, "received_at": sent.received_at, "seq": voice.seq - 1}
            connection.execute(schema.quarantine.update().values(values))

        await receiver.database.write(forget)
        done = await receiver.api("POST", path)
        assert done["reason"] == "accepted"
        assert (await receiver.api("GET", "/quarantine"))["items"] == []


async def dead(receiver, voice):
    """A record that the digest has set aside."""
    await receiver.open_ticket(voice)

    def spoil(connection):
        connection.execute(schema.fault_event.delete())
        connection.execute(
            schema.record.update().values(digest_failure="ValueError: x", digested_at=9)
        )

    await receiver.database.write(spoil)
    return (await receiver.api("GET", "/dead-letters"))["items"][0]


async def test_a_dead_letter_is_digested_again(tmp_path):
    """It is listed with its reason until then, and gone afterwards."""
    async with running(tmp_path) as receiver:
        voice = await receiver.register()
        letter = await dead(receiver, voice)
        assert (letter["reason"], letter["type"]) == ("ValueError: x", "fault")
        path = f"/devices/{voice.device}/dead-letters/{letter['id']}/retry"
        await receiver.api("POST", path, 202)
        await receiver.api("POST", path, 404)
        await receiver.api("POST", path.replace("-1-", f"-{'9' * 40}-"), 404)

        async def events():
            return await receiver.database.read(
                lambda c: c.execute(schema.fault_event.select()).all()
            )

        assert len(await receiver.eventually(events, bool)) == 1
        assert (await receiver.api("GET", "/dead-letters"))["items"] == []


async def journey(receiver, voice, message):
    """The path of the report with these bytes."""
    reports = (await receiver.api("GET", f"/devices/{voice.device}/reports"))["items"]
    for report in reports:
        path = f"/devices/{voice.device}/reports/{report['id']}"
        detail = await receiver.api("GET", path)
        if base64.b64decode(detail["raw"]) == message:
            return await receiver.api("GET", path + "/path")
    raise AssertionError("no such report")


async def test_the_path_of_a_report_ends_at_its_ticket_and_its_ack(tmp_path):
    """Arrived, stored, digested, fault, ticket; a retransmission names who brought the record; a
    refused record says why.
    """
    async with running(tmp_path) as receiver:
        voice = await receiver.register()
        fault = voice.fault(520193, 7)
        bad = encode([2, voice.boot, 77, 1000, {0: "long"}])
        first = voice.report(fault, voice.heartbeat(), bad)
        again = voice.report(fault)
        for message in (first, again):
            assert (await receiver.up(message))[0] == 200
        tickets = await receiver.eventually(
            lambda: receiver.api("GET", "/tickets"), lambda page: page["items"]
        )
        path = await journey(receiver, voice, first)
        assert (path["transport"], path["arrived_at"] > 0) == ("http", True)
        fault_step, beat_step, bad_step = path["records"]
        assert fault_step["ticket"] == tickets["items"][0]["id"]
        assert (fault_step["fault"], fault_step["ticket_state"]) == ("520193.7", "open")
        assert fault_step["digested_at"] >= path["arrived_at"]
        assert fault_step["ack"] == beat_step["ack"] == "stored"
        assert fault_step["stored_by"] == path["id"]
        assert (bad_step["ack"], "digested_at" in bad_step) == ("malformed", False)
        retold = await journey(receiver, voice, again)
        assert retold["records"][0]["stored_by"] == path["id"] != retold["id"]
        await receiver.api("GET", f"/devices/{voice.device}/reports/{'0' * 32}/path", 404)


async def test_the_path_of_what_is_no_report_says_where_it_is(tmp_path):
    """Who has an id out of the log is sent on to the quarantine, or to the archive."""
    async with running(tmp_path) as receiver:
        voice = await receiver.register()
        item = await quarantined(receiver, voice, voice.sealed(b"\xff"))
        path = f"/devices/{voice.device}/reports/{{}}/path"
        problem = await receiver.api("GET", path.format(item["id"]), 404)
        assert "it is in quarantine, because it cannot be read: type" in problem["detail"]
        row = {"file": "a.parquet", "week_at": 0, "rows": 1, "sha256": "", "made_at": 0}
        await receiver.database.write(lambda c: c.execute(schema.archive.insert().values(row)))
        problem = await receiver.api("GET", path.format("0" * 32), 404)
        assert "in one of the 1 files of the archive" in problem["detail"]


async def test_another_record_under_a_known_id_is_told_as_a_collision(tmp_path):
    """The ack refuses it, and the path says so."""
    async with running(tmp_path) as receiver:
        voice = await receiver.register()
        await receiver.up(voice.report(voice.heartbeat()))
        voice.seq -= 1
        second = voice.report(voice.fault(520193, 7))
        await receiver.up(second)
        path = await journey(receiver, voice, second)
        assert [step["ack"] for step in path["records"]] == ["collision"]


async def told(capsys, receiver, *words):
    """What `phonehome admin` prints, and its exit code."""
    code = await asyncio.to_thread(main, ["admin", *words, "--server", receiver.url])
    said = capsys.readouterr()
    return code, said.out, said.err


async def test_the_command_does_all_of_it(tmp_path, monkeypatch, capsys):
    """Devices, receivers, quarantine, dead letters and paths; its exit code says what happened."""
    monkeypatch.setenv("PHONEHOME_API_TOKEN", TOKEN)
    async with running(tmp_path) as receiver:
        voice = await receiver.register(label="cellar")
        letter = await dead(receiver, voice)
        bad = await quarantined(receiver, voice, voice.sealed(b"\xff"))
        good = await misplaced(receiver, voice, voice.report(voice.heartbeat()))
        code, out, _ = await told(capsys, receiver, "devices")
        assert (code, voice.device in out, "cellar" in out, "tickets=1" in out) == (0, *[True] * 3)
        await receiver.eventually(
            lambda: receiver.api("GET", "/receivers"), lambda page: page["items"]
        )
        assert (await told(capsys, receiver, "devices", "--dropping"))[1] == ""
        await receiver.up(voice.report(dropped=3))
        assert "dropped=3" in (await told(capsys, receiver, "devices", "--dropping"))[1]
        await receiver.api("GET", "/devices?dropping=perhaps", 400)
        assert "wrote" in (await told(capsys, receiver, "receivers"))[1]
        _, out, _ = await told(capsys, receiver, "quarantine", "list", "--json")
        assert {json.loads(line)["id"] for line in out.splitlines()} == {bad["id"], good}
        raw = str(tmp_path / "raw.bin")
        show = ("quarantine", "show", voice.device, bad["id"], "--raw", raw)
        code, out, _ = await told(capsys, receiver, *show)
        assert (code, json.loads(out)["decode"].split(":")[0]) == (0, "indefinite")
        assert len((tmp_path / "raw.bin").read_bytes()) < MAX_MESSAGE_BYTES
        replay = ("quarantine", "replay", voice.device)
        assert (await told(capsys, receiver, *replay, good))[0] == 0
        code, _, errors = await told(capsys, receiver, *replay, bad["id"])
        assert (code, "refused again" in errors) == (3, True)
        _, out, _ = await told(capsys, receiver, "dead", "list")
        assert letter["id"] in out
        assert (await told(capsys, receiver, "dead", "retry"))[0] == 0
        reports = (await receiver.api("GET", f"/devices/{voice.device}/reports"))["items"]
        _, out, _ = await told(capsys, receiver, "report", voice.device)
        assert [line.split()[1] for line in out.splitlines()] == [r["id"] for r in reports]
        code, _, errors = await told(capsys, receiver, "report", voice.device, "12ab")
        assert (code, "want 32 hex digits" in errors) == (2, True)
        code, _, errors = await told(capsys, receiver, "dead", "list", "--device", "kitchen")
        assert (code, "device: 16 lower-case hex digits" in errors) == (1, True), errors
        path = ("report", voice.device, reports[-1]["id"])
        _, out, _ = await receiver.eventually(
            lambda: told(capsys, receiver, *path), lambda answer: "ticket" in answer[1]
        )
        assert "ack: stored  digested 20" in out
        assert f"ticket {voice.device}-1 open" in out
        monkeypatch.setenv("PHONEHOME_API_TOKEN", "wrong")
        assert (await told(capsys, receiver, "devices"))[0] == 1
