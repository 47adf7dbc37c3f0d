"""Export and erase: everything of somebody is taken along, and nothing of them is left."""

import base64
import io
import json
import zipfile

import pytest
from sqlalchemy import insert, select

from phonehome_cloud import migrations
from phonehome_cloud.core.people.fields import span
from phonehome_cloud.core.people.kinds import TECHNICIANS
from phonehome_cloud.core.people.sheets import Row
from phonehome_cloud.errors import ConflictError
from phonehome_cloud.store import books, effects, links, people, visit_answers, visits
from phonehome_cloud.store.care_tables import action, care
from phonehome_cloud.store.columns import metadata
from phonehome_cloud.store.database import Database
from phonehome_cloud.store.directory import remove
from phonehome_cloud.store.exporting import HIDDEN_COLUMNS, HIDDEN_TABLES
from phonehome_cloud.store.handing import erase_owner
from phonehome_cloud.store.schema import effect, ticket_event
from phonehome_cloud.store.telling_tables import suppression
from phonehome_cloud.store.visit_tables import booking, presence
from tests.cloud import visited
from tests.cloud.running import running
from tests.cloud.test_people_api import JANE, TOM
from tests.cloud.test_people_import import command
from tests.fakes.bases import base_url

pytestmark = pytest.mark.usefixtures("each_database")
LATER = 2**52
WORDS = ("jane", "miller", "+4930", "weg 1", "k-1")
ICS = "BEGIN:VCALENDAR\r\nMETHOD:CANCEL\r\nLOCATION:Jane Mil\r\n ler\\, Weg 1\r\nEND:VCALENDAR\r\n"


async def rows(receiver, table):
    """Every row of a table."""
    found = await receiver.database.read(lambda c: c.execute(select(table)).mappings().all())
    return [dict(row) for row in found]


async def settle(receiver):
    """Jane, her washer with a ticket, and words about her wherever there is a place for them."""
    owner = await receiver.api("POST", "/owners", 201, json=JANE)
    voice = await receiver.register(label="Washer of Jane Miller")
    body = {"owner": owner["owner"], "contract": "C-9", "bought": "2026-05-01", "serial": "SN1"}
    await receiver.api("PUT", f"/appliances/{voice.device}", 201, json=body)
    ticket = await receiver.open_ticket(voice)
    words = {"text": "Jane Miller called from +49 30 1234567, customer K-1"}
    await receiver.api("POST", f"/tickets/{ticket['id']}/comments", 201, json=words)
    await receiver.database.write(_plant, owner["owner"], voice.device)
    return owner["owner"], voice.device, ticket["id"]


def _plant(connection, name, device):
    def letter(key, to):
        calendar = effects.Attachment("invite.ics", "text/calendar", ICS.encode(), "CANCEL")
        data = {"name": "Jane Miller", "where": ["Weg 1"]}
        made = effects.Effect(
            key,
            "mail",
            to,
            "visit_cancelled",
            data,
            device,
            1,
            LATER,
            LATER + 1,
            "service",
            (calendar,),
        )
        effects.add(connection, made, 1)

    letter("to-owner", f"owner:{name}")
    letter("to-technician", "technician:T-07")
    links.make(connection, "my", f"owner:{name}", LATER)
    links.make(connection, "owner", f"{name} {device}-1", LATER)
    row = {"address": JANE["mail"], "reason": "no such mailbox", "at": 1}
    connection.execute(insert(suppression).values(row))
    row = {"device": device, "uses": {"0": 1}, "zone": "UTC", "since_at": 1, "until_at": 2}
    names = {column.name for column in presence.c if not column.nullable}
    full = {name: row.get(name, 0) for name in names} | row
    connection.execute(insert(presence).values({n: v for n, v in full.items() if n in presence.c}))
    action_row = {
        "device": device, "ticket": 1, "n": 7, "kind": "lead", "state": "failed", "who": "rule",
        "payer": "owner", "started_at": 1, "ended_at": 2, "costs": {},
        "detail": {"note": "Jane Miller did not want it"},
    }  # fmt: skip
    connection.execute(insert(action).values(action_row))


async def find_left(receiver):
    """Tables in which one of her words still stands."""
    found = set()
    for table in metadata.sorted_tables:
        for row in await rows(receiver, table):
            files = [base64.b64decode(each["content"]) for each in row.get("attachments") or ()]
            texts = [repr(row), *(file.decode() for file in files)]
            if any(word in text.lower() for word in WORDS for text in texts):
                found.add(table.name)
    return found


async def test_an_erased_owner_is_nowhere(tmp_path):
    """By one command: no table has a word about her, and what the machine went through stays."""
    async with running(tmp_path) as receiver:
        name, device, ticket = await settle(receiver)
        assert {"owner", "effect", "ticket_event", "suppression", "device", "action"} <= (
            await find_left(receiver)
        )  # the control: the search finds her
        code, _, err = await command(receiver, "erase", "--owner", "K-1")
        assert (code, "say --yes" in err) == (2, True)
        code, out, err = await command(receiver, "erase", "--owner", "K-1", "--yes")
        assert (code, err) == (0, "")
        assert "owner 1" in out
        assert await find_left(receiver) == set()
        assert await rows(receiver, presence) == []
        shown = await receiver.api("GET", f"/appliances/{device}")
        assert (shown["owner"], shown["contract"], shown["serial"]) == (None, None, "SN1")
        assert (await receiver.api("GET", f"/tickets/{ticket}"))["id"] == ticket
        texts = [row["text"] for row in await rows(receiver, ticket_event) if row["text"]]
        assert texts == ["[erased] called from [erased], customer [erased]"]
        states = {row["key"]: row["state"] for row in await rows(receiver, effect)}
        assert (states["to-owner"], states["to-technician"]) == ("cancelled", "waiting")
        assert (await command(receiver, "erase", "--owner", name, "--yes"))[0] == 1
        assert await receiver.database.read(people.find_owner, device) is None


async def test_everything_is_taken_along(tmp_path):
    """One ZIP of JSON lines, by id or device; reports in words; nothing that opens doors."""
    async with running(tmp_path) as receiver:
        name, device, _ = await settle(receiver)
        for row in ("--owner", name), ("--device", device):
            output = tmp_path / f"{row[1]}.zip"
            code, out, _ = await command(receiver, "export", *row, "--output", output)
            assert code == 0
            assert str(output) in out
            archive = zipfile.ZipFile(io.BytesIO(output.read_bytes()))
            assert archive.testzip() is None
            about = json.loads(archive.read("about.json"))
            tables = {n.removesuffix(".jsonl") for n in archive.namelist() if "jsonl" in n}
            assert tables == set(about["rows"])
            assert {"owner", "appliance", "ticket", "ticket_event", "effect", "reports"} <= tables
            assert not tables & HIDDEN_TABLES
            for table in tables:
                lines = [json.loads(line) for line in archive.read(f"{table}.jsonl").splitlines()]
                assert len(lines) == about["rows"][table]
                assert not any(HIDDEN_COLUMNS & set(line) for line in lines)
            reports = archive.read("reports.jsonl").decode()
            assert '"type": "fault"' in reports
            assert "token:" not in archive.read("ticket_event.jsonl").decode()
        assert (await command(receiver, "export", "--owner", name, "--output", output))[0] == 2
        assert (await command(receiver, "export", "--owner", "0" * 16))[0] == 1


async def test_what_an_owner_before_used_is_not_theirs(tmp_path):
    """The reports from before an appliance was theirs are not in an owner's archive."""
    async with running(tmp_path) as receiver:
        voice = await receiver.register()
        await receiver.up(voice.report(voice.heartbeat()))
        owner = await receiver.api("POST", "/owners", 201, json=JANE)
        body = {"owner": owner["owner"]}
        await receiver.api("PUT", f"/appliances/{voice.device}", 201, json=body)
        counts = []
        for path in (f"/owners/{owner['owner']}", f"/appliances/{voice.device}"):
            url = f"{receiver.url}/api/v1{path}/export"
            headers = {"Authorization": "Bearer a-token-for-tests-0123456789"}
            async with receiver.session.get(url, headers=headers) as answer:
                assert answer.content_type == "application/zip"
                archive = zipfile.ZipFile(io.BytesIO(await answer.read()))
                counts.append(json.loads(archive.read("about.json"))["rows"].get("message", 0))
        assert counts == [0, 1]


async def test_a_technician_is_exported_and_wiped(tmp_path):
    """What is known of somebody who works here is theirs, too."""
    async with running(tmp_path) as receiver:
        await receiver.api("PUT", "/technicians/T-07", 201, json=TOM)
        output = tmp_path / "t.zip"
        words = ("--technician", "T-07", "--output", output)
        assert (await command(receiver, "export", *words))[0] == 0
        rows_of = json.loads(zipfile.ZipFile(output).read("about.json"))["rows"]
        assert rows_of == {"leave": 1, "technician": 1}
        assert (await command(receiver, "erase", "--technician", "T-07", "--yes"))[0] == 0
        assert await receiver.database.read(people.technicians) == []


async def test_what_is_under_way_ends_with_its_owner(tmp_path):
    """An action of somebody who is erased is cancelled, and the ticket is considered again."""
    async with running(tmp_path) as receiver:
        name, device, ticket = await settle(receiver)
        await receiver.database.write(_begin, device)
        await receiver.api("DELETE", f"/owners/{name}")
        ended = {row["n"]: row["state"] for row in await rows(receiver, action)}
        assert ended[8] == "cancelled"
        detail = await receiver.api("GET", f"/tickets/{ticket}")
        last = [e for e in detail["history"] if e["to_state"] == "cancelled"][-1]
        assert last["evidence"]["owner"] == "gone"


def _begin(connection, device):
    """Somebody offers a replacement."""
    connection.execute(
        action.update().where(action.c.device == device).values(ended_at=2, state="failed")
    )
    row = {
        "device": device, "ticket": 1, "n": 8, "kind": "wait", "state": "running", "who": "rule",
        "payer": "owner", "started_at": 1, "costs": {}, "detail": {},
    }  # fmt: skip
    connection.execute(insert(action).values(row))
    running = {"running": 8, "actions": 9}
    of_device = care.c.device == device
    if not connection.execute(care.update().where(of_device).values(running)).rowcount:
        connection.execute(insert(care).values(device=device, ticket=1, asked=1, **running))


@pytest.fixture
def home(tmp_path):
    """A database with a home whose visit by mia is booked."""
    made = Database(base_url(tmp_path))
    made.open()
    migrations.prepare(made)
    made.write_now(visited.fill)
    made.write_now(visited.begin)
    first = made.write_now(lambda c: visits.list_proposals(c, visits.expect(c, visited.KEY)))[0]
    made.write_now(visit_answers.choose, visited.KEY, first.start_at, "owner", visited.NOW)
    yield made
    made.close()


def test_a_technician_with_open_visits_cannot_vanish(home):
    """The refusal names the tickets; when leave has moved the visits, they may go."""
    booked = home.write_now(visits.expect, visited.KEY)
    with pytest.raises(ConflictError, match=f"1 open visits .{visited.DEVICE}-1.: write down"):
        home.write_now(remove, TECHNICIANS, booked.technician, visited.NOW)
    assert home.read_now(people.find_technician, booked.technician) is not None
    row = {"technician": booked.technician, "leave": (span("2026-03-01..2026-12-31"),)}
    entry = books.Entry("token:x", visited.NOW, {})
    home.write_now(books.write, TECHNICIANS, [Row("", 0, row, {})], entry)
    moved = home.write_now(visits.expect, visited.KEY)
    assert moved.technician != booked.technician
    home.write_now(remove, TECHNICIANS, booked.technician, visited.NOW)
    assert home.read_now(people.find_technician, booked.technician) is None


def test_nobody_drives_to_who_is_gone(home):
    """The visit is off, its time is free, and the technician is told without the owner's words."""
    technician = home.write_now(visits.expect, visited.KEY).technician
    home.write_now(erase_owner, visited.OWNER, visited.NOW + 1)
    left = home.write_now(visits.expect, visited.KEY)
    assert (left.state, left.area) == ("cancelled", "")
    assert home.read_now(lambda c: c.execute(select(booking)).all()) == []
    query = select(effect).where(effect.c.state == "waiting")
    waiting = home.read_now(lambda c: c.execute(query).mappings().all())
    told = [row for row in waiting if row["recipient"] == f"technician:{technician}"]
    assert "visit_job_cancelled" in {row["template"] for row in told}
    assert not [row for row in waiting if row["recipient"].startswith("owner:")]
    for row in home.read_now(lambda c: c.execute(select(effect)).mappings().all()):
        files = [base64.b64decode(each["content"]).decode() for each in row["attachments"]]
        for text in (repr(dict(row)), *files):
            assert "lovelace" not in text.lower()
            assert "lange straße" not in text.lower()
            assert "ada@" not in text.lower()
