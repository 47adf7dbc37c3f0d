"""A dead pump: the part is kept and the visit booked when somebody is home, until it is mended.

The machine is the real agent under unix MicroPython; letters, invitations and pages are real.
"""

import contextlib
import re
import sqlite3
import time
from datetime import datetime
from zoneinfo import ZoneInfo

import aiohttp
import pytest
import vobject

from phonehome_tools.fleet.children import Children
from tests.fakes.mailbox import mailbox
from tests.flow.conftest import Installation, until_ticket
from tests.flow.household import PUBLIC, Household, mail_settings

WEEK_MS = 7 * 86_400_000
MIA = {
    "name": "Mia Monteur",
    "zone": "Europe/Berlin",
    "mail": "mia@acme.example",
    "language": "de",
    "skills": ["electric", "pump"],
    "area": ["DE-10"],
    "hours": "Mon-Fri 08:00-20:00",
}


@pytest.fixture
async def home(tmp_path, quick_products, monkeypatch):
    """A washer in a home where somebody is on workdays from 15 to 18, a technician, a pump."""
    with mailbox() as box:
        for name, value in mail_settings(box).items():
            monkeypatch.setenv(name, value)
        async with Children() as children, contextlib.AsyncExitStack() as stack:
            installation = Installation(tmp_path, children, quick_products)
            await installation.receiver.start()
            desk = await stack.enter_async_context(installation.receiver.desk())
            server = installation.receiver.mqtt
            log = await installation.add_board(desk, "washer", server, heartbeat_s=1)
            await log.until("acked")
            made = Household(installation, desk, log, box)
            await made.move_in(consents=["visit", "presence"])
            await desk._call("PUT", "/api/v1/technicians/mia", json=MIA)
            for number in ("WM-PUMP-01", "WM-BOARD-01"):
                part = {"title": number, "price": "48.90", "stock": 1}
                await desk._call("PUT", f"/api/v1/parts/{number}", json=part)
            remember_use(tmp_path, log.device)
            yield made


def remember_use(folder, device):
    """Half a year of heartbeats, as they are kept: programs were started after three o'clock."""
    (path,) = folder.rglob("*.db")
    now_at = int(time.time() * 1000)
    uses = [0] * 24
    uses[5] = 80
    with contextlib.closing(sqlite3.connect(path, timeout=20)) as connection, connection:
        connection.execute(
            "INSERT OR REPLACE INTO presence (device, uses, since_at, until_at) VALUES (?,?,?,?)",
            (device, str(uses), now_at - 26 * WEEK_MS, now_at),
        )


def entry_of(message):
    """The calendar entry of a letter, as its MIME part says that it is: (method, event)."""
    (part,) = [p for p in message.walk() if p.get_content_type() == "text/calendar"][:1]
    calendar = vobject.readOne(part.get_content())
    assert part.get_param("method") == calendar.method.value
    return calendar.method.value, calendar.vevent


def newest(box, to, words):
    """The newest letter to somebody with these words."""
    for address, message in reversed(box.letters):
        if address == to and words in message.get_body(("plain",)).get_content():
            return message
    raise AssertionError(words)


async def page(home, path, **form):
    """A page behind a link, opened or sent a form."""
    async with aiohttp.ClientSession() as session:
        method = "POST" if form else "GET"
        url = home.receiver.http + path
        async with session.request(method, url, data=form or None) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.text()


def link_in(text, kind):
    """The path of a link in a letter."""
    return re.search(re.escape(PUBLIC) + rf"(/{kind}/\S+)", text)[1]


def in_berlin(at_ms):
    """A moment on the clock of the home."""
    return datetime.fromtimestamp(at_ms / 1000, ZoneInfo("Europe/Berlin"))


async def test_a_dead_pump_is_replaced_when_somebody_is_home(home):
    """Proposed, chosen, on the technician's sheet, closed; the prior has moved, and the ticket is
    closed with everything that happened.
    """
    ticket = await home.break_machine("pump_open", "E22")
    letter = await home.letter("ada@example.org", f"{PUBLIC}/v/")
    method, event = entry_of(newest(home.box, "ada@example.org", f"{PUBLIC}/v/"))
    assert (method, event.status.value, event.sequence.value) == ("REQUEST", "TENTATIVE", "0")
    path = link_in(letter, "v")
    offered = re.findall(r'name="start_at" value="(\d+)"', await page(home, path))
    assert len(offered) == 3
    held = in_berlin(int(event.dtstart.value.timestamp() * 1000))
    assert 15 <= held.hour < 18 and held.weekday() < 5  # the best one; the others may be sooner
    text = await page(home, path, do="choose", start_at=offered[1])
    assert "Ein Techniker kommt am" in text
    await home.letter("ada@example.org", "vielen Dank")
    method, booked = entry_of(newest(home.box, "ada@example.org", "vielen Dank"))
    assert (method, booked.uid.value) == ("REQUEST", event.uid.value)
    assert booked.sequence.value == "1"
    assert int(booked.dtstart.value.timestamp() * 1000) == int(offered[1])

    job = await home.letter("mia@acme.example", f"{PUBLIC}/j/")
    sheet = await page(home, link_in(job, "j"))
    for word in ("Ada Lovelace", "WM-PUMP-01", "WM-77", "<svg", "Die Wicklung der Ablaufpumpe"):
        assert word in sheet
    await home.log.board.say(fault="pump_open", on=False)
    done = {"result": "fixed", "cause": "pump_winding_open", "part:WM-PUMP-01": "1"}
    text = await page(home, link_in(job, "j"), **done, minutes="35", text="new pump")
    assert "Der Auftrag ist abgeschlossen" in text

    closed = await until_ticket(home.desk, home.log, "E22", "closed")
    assert closed["id"] == ticket["id"]
    assert await home.actions(ticket) == [("visit", "helped")]
    kinds = [entry["kind"] for entry in closed["history"]]
    assert "visit" in kinds
    (learnt,) = [entry for entry in closed["history"] if entry["kind"] == "learnt"]
    change = learnt["evidence"]["pump_winding_open"]
    assert change["new"] > change["old"]
    stock = await home.desk._call("GET", "/api/v1/parts/WM-PUMP-01")
    assert (stock["stock"], stock["reserved"]) == (0, 0)
