"""What people, programs and calendars send that cannot be: told what is wrong, nothing half done.

A real receiver with a visit that was proposed; every table is compared before and after.
"""

import base64
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select, update

from phonehome_cloud.clock import now_ms
from phonehome_cloud.store import links, mails, visit_answers, visits
from phonehome_cloud.store.care_tables import care
from phonehome_cloud.store.columns import metadata
from phonehome_cloud.store.people_tables import desk, technician
from phonehome_cloud.store.telling_tables import effect, unreachable
from phonehome_cloud.web.forms import read_wall
from tests.cloud.running import TOKEN
from tests.cloud.test_invitations import answer
from tests.cloud.test_supplying import ordered as _ordered
from tests.cloud.test_supplying import say, send_order
from tests.cloud.test_visit_pages import serving
from tests.cloud.visited import BERLIN, DEVICE, KEY, OWNER, begin, fill

both = pytest.mark.usefixtures("each_database")
ordered = _ordered
DAY_MS = 86_400_000
PART, TOM = "/parts/PUMP-1", "/technicians/tom"
VISIT = f"/tickets/{DEVICE}-1/actions/0/visit"
PUMP = {"title": "Pump", "stock": 3}
WORKS = {"name": "Tom", "zone": BERLIN}


def stored(connection):
    """Every row of every table, but for who looks after the database."""
    tables = [table for table in metadata.sorted_tables if table.name != "receiver"]
    return {t.name: [tuple(row) for row in connection.execute(select(t))] for t in tables}


def under_way(connection):
    """How much the receiver's own loops have still to do."""
    now_at, columns = now_ms(), effect.c
    is_due = (columns.due_at <= now_at) | columns.leased_until.is_not(None)
    waits = [(effect, (columns.state == "waiting") & is_due)]
    waits += [(table, table.c.due_at <= now_at) for table in (care, unreachable)]
    queries = [select(func.count()).select_from(table).where(so) for table, so in waits]
    return sum(connection.execute(query).scalar_one() for query in queries)


async def at_rest(receiver):
    """The tables when nothing is under way any more."""
    await receiver.eventually(lambda: receiver.database.read(under_way), lambda count: not count)
    return await receiver.database.read(stored)


async def home(receiver, **more):
    """A home, its service, and a visit that was proposed just now."""
    await receiver.database.write(fill, pumps=2, **more)
    return await receiver.database.write(begin, now_at=now_ms())


def csv(text):
    """An import of parts."""
    content = base64.b64encode(text.encode()).decode()
    return {"files": [{"kind": "parts", "name": "parts.csv", "content": content}]}


BAD_FILE = csv("part,title,stock\nX,Y,1\nPUMP-1,Pump,-5\n")
# (method, path, body, the field that is named, a word of the fix).
BODIES = (
    ("PUT", PART, PUMP | {"stock": -1}, "stock", "0 or more"),
    ("PUT", PART, PUMP | {"stock": 0}, "stock", "1 are reserved: 1 or more"),
    ("PUT", PART, PUMP | {"stock": 10**30}, "stock", "whole number"),
    ("PUT", PART, PUMP | {"vans": ["tom=-2"]}, "vans", "as in T-07=2"),
    ("PUT", PART, PUMP | {"vans": ["eve=2"]}, "vans", "no technician eve"),
    ("PUT", PART, PUMP | {"price": "1e400"}, "price", "as in 48.90"),
    ("PUT", PART, PUMP | {"lead_days": -3}, "lead_days", "0 to 730"),
    ("PUT", TOM, WORKS | {"zone": "Mars/Base"}, "zone", "IANA"),
    ("PUT", TOM, WORKS | {"leave": ["2026-12-31..2026-12-24"]}, "leave", "the last one included"),
    ("PUT", TOM, WORKS | {"calendar": "t@x.y\r\nBcc: e@x.y"}, "calendar", "an address"),
    ("POST", "/people/import", BAD_FILE, "parts.csv:3:stock", "whole number of pieces"),
    ("POST", "/webhooks", {"url": "https://10.0.0.1/"}, "url", "10.0.0.1 is not on the public"),
    ("POST", "/webhooks", {"url": "https://localhost/"}, "url", "127.0.0.1 is not on the public"),
    ("POST", "/webhooks", {"url": "https://a.localhost./"}, "url", "webhooks.networks"),
    ("POST", "/webhooks", {"url": "https://0x7f.1/"}, "url", "127.0.0.1 is not on the public"),
    ("POST", "/webhooks", {"url": "https://2130706433/"}, "url", "127.0.0.1 is not on the"),
    ("POST", "/webhooks", {"url": "https://0251.0376.0251.0376/"}, "url", "169.254.169.254 is"),
    ("POST", "/webhooks", {"url": "https://[::ffff:10.0.0.1]/"}, "url", "is not on the public"),
    ("POST", VISIT + "/parts", {"parts_at": 10**30}, "parts_at", "milliseconds, within two years"),
    ("POST", VISIT + "/parts", {"parts_at": 1_796_000_000}, "parts_at", "milliseconds"),
)  # fmt: skip


@both
async def test_what_cannot_be_is_told_by_field_and_changes_nothing(tmp_path):
    """Negative stock, other people's addresses, inside targets, times that are none: a 422 with
    field, value and fix, and every table as it was.
    """
    async with serving(tmp_path) as receiver:
        await home(receiver)
        before = await at_rest(receiver)
        for method, path, body, field, fix in BODIES:
            problem = await receiver.api(method, path, 422, json=body)
            (error,) = problem["errors"]
            assert error["field"] == field, (body, problem)
            assert fix in error["fix"], (body, problem)
            assert error["value"] is not None, (body, problem)
            assert await receiver.database.read(stored) == before, body


@both
async def test_a_technician_with_a_visit_before_them_stays(tmp_path):
    """The refusal names the ticket and what to do; nothing of them is gone."""
    async with serving(tmp_path) as receiver:
        of = await home(receiver)
        before = await at_rest(receiver)
        problem = await receiver.api("DELETE", f"/technicians/{of.technician}", 409)
        for word in (of.technician, f"{DEVICE}-1", "write down their leave"):
            assert word in problem["detail"]
        assert await receiver.database.read(stored) == before


PAGES = {"owner": "/o/", "visit": "/v/", "job": "/j/", "unsubscribe": "/u/", "my": "/my/"}
FORM = {"do": "decline", "n": "0", "start_at": "1", "result": "fixed", "answer": "yes"}


@both
async def test_a_link_opens_one_door_until_its_hour(tmp_path):
    """Each page, by each link that there is: one for another page is none there (404), its own
    after its time is over (410), reading or sending; nothing changes behind any of them.
    """
    async with serving(tmp_path) as receiver:
        of = await home(receiver)
        ticket = f"{DEVICE}-1"
        subjects = {
            "owner": f"{OWNER} {ticket}",
            "visit": f"{OWNER} {ticket} 0",
            "job": f"{of.technician} {ticket} 0",
            "unsubscribe": f"owner:{OWNER}",
            "my": OWNER,
        }

        def make(connection):
            at = now_ms()
            return {
                (purpose, is_old): links.make(
                    connection, purpose, subject, at - 1 if is_old else at + 10**8
                )
                for purpose, subject in subjects.items()
                for is_old in (False, True)
            }

        made = await receiver.database.write(make)
        before = await at_rest(receiver)
        for mine, page in PAGES.items():
            for (purpose, is_old), token in made.items():
                if purpose == mine and not is_old:
                    continue
                want = 410 if purpose == mine else 404
                url = receiver.url + page + token
                async with receiver.session.get(url) as told:
                    assert told.status == want, (page, purpose, is_old)
                async with receiver.session.post(url, data=FORM) as told:
                    # A page that has no such button says that first.
                    assert told.status in {want, 422}, (page, purpose, is_old)
        assert await receiver.database.read(stored) == before


@both
async def test_an_answer_counts_once_and_for_its_own_visit(tmp_path):
    """The owner's own acceptance again after they moved, somebody else's for their visit, one for
    the technician's entry, and one whose UID was made out of that: each is refused, by its reason.
    """
    async with serving(tmp_path) as receiver:
        of = await home(receiver)
        stamp = {"stamp": "20260323T120000Z", "uid": of.uid, "sequence": 0}
        accepted = answer(**stamp)
        take = receiver.database.write
        assert await take(mails.take, accepted, now_ms()) == "accepted"
        await take(visit_answers.move_on, KEY, "technician_away", "rule", now_ms())
        before = await at_rest(receiver)
        assert await take(mails.take, accepted, now_ms()) is None
        replayed = await take(mails.take, answer(**stamp | {"id": "<again@x>"}), now_ms())
        assert replayed.startswith("refused: answers SEQUENCE 0")
        now = await receiver.database.read(visits.read, KEY)
        current = {**stamp, "sequence": now.sequence}
        wrong = (
            ({"sender": "eve@example.org"}, "somebody else"),
            ({"attendee": "mailto:eve@example.org", "sender": "eve@example.org"}, "invited"),
            ({"uid": of.uid + "/job"}, "no visit has this UID"),
            ({"method": "COUNTER", "extra": "DTSTART;VALUE=DATE:20261201"}, "without a time"),
            ({"method": "COUNTER", "extra": "DTSTART;TZID=Mars/X:20261201T100000"}, "a time"),
            ({"sequence": 10**30}, "SEQUENCE"),
        )
        for n, (more, why) in enumerate(wrong):
            raw = answer(**current | more | {"id": f"<{n}@x>"})
            outcome = await take(mails.take, raw, now_ms())
            assert outcome.startswith("refused: "), (more, outcome)
            assert why in outcome, (more, outcome)
        after = await receiver.database.read(stored)
        for name in ("visit", "booking", "effect", "ticket_event", "action"):
            assert after[name] == before[name], name


def next_night(month):
    """The Sunday of the next change of clocks in Berlin in a month, at least two days away."""
    year = datetime.now(UTC).year
    for here in (year, year + 1):
        day = max(d for d in range(25, 32) if datetime(here, month, d, tzinfo=UTC).weekday() == 6)
        found = datetime(here, month, day, tzinfo=UTC)
        if (found - datetime.now(UTC)).days > 1:
            return f"{found:%Y-%m-%d}"
    raise AssertionError


@both
async def test_an_hour_that_the_clock_skips_or_shows_twice(tmp_path):
    """In the night when it is put forward 02:30 is no time, and nothing is booked; when it is put
    back the first 02:30 is meant.
    """
    async with serving(tmp_path) as receiver:
        await home(receiver)
        always = {"hours": "Mon-Sun 00:00-24:00"}
        await receiver.database.write(lambda c: c.execute(update(technician).values(**always)))
        none = {"holidays": []}
        await receiver.database.write(lambda c: c.execute(update(desk).values(**always, **none)))
        subject = f"{OWNER} {DEVICE}-1 0"
        given = links.make, "visit", subject, now_ms() + 10**8
        url = f"{receiver.url}/v/{await receiver.database.write(*given)}"
        before = await at_rest(receiver)

        async def wish(text, status):
            form = {"do": "ask", "wish": text}
            async with receiver.session.post(url, data=form, allow_redirects=False) as told:
                assert told.status == status, await told.text()

        await wish(f"{next_night(3)}T02:30", 409)
        for wrong in ("2026-12-10", "2026-12-10T10:00+09:00", "2026-12-10T10:00:00.5", ""):
            await wish(wrong, 422)
        after = await receiver.database.read(stored)
        assert {n for n in after if after[n] != before[n]} <= {"care"}
        autumn = f"{next_night(10)}T02:30"
        await wish(autumn, 303)
        of = await receiver.database.read(visits.read, KEY)
        first = datetime.fromisoformat(autumn).replace(tzinfo=ZoneInfo(BERLIN), fold=0)
        assert of.start_at == first.timestamp() * 1000


def test_times_of_forms_are_those_of_browsers_and_no_others():
    """A zone or a fraction in them, a day alone, a year that no clock shows."""
    zone = ZoneInfo(BERLIN)
    assert read_wall("2026-03-29T02:30", zone) is None
    twice = read_wall("2026-10-25T02:30", zone)
    assert datetime.fromtimestamp(twice / 1000, UTC).hour == 0
    for wrong in (
        "2026-03-29",
        "2026-03-29T02:30Z",
        "2026-13-01T00:00",
        "0001-01-01T00:00",
        "\u0662",
    ):
        with pytest.raises(ValueError):  # noqa: PT011 - its words are asserted below
            read_wall(wrong, zone)
    with pytest.raises(ValueError, match="'soon': want a time as in"):
        read_wall("soon", zone)


async def test_a_supplier_says_a_time_that_can_be(ordered):
    """Seconds for milliseconds, and a day in the year 285,200,616: refused, and not written down
    as heard, so that the right one counts under the same id.
    """
    send_order(ordered)
    for at in (1_796_000_000, 9 * 10**18, 10**30):
        told = await say(ordered, f'{{"state": "back_ordered", "expected_at": {at}}}', 422)
        assert told["errors"][0]["field"] == "expected_at"
        assert "milliseconds" in told["errors"][0]["fix"]
    right = f'{{"state": "back_ordered", "expected_at": {now_ms() + DAY_MS}}}'
    assert (await say(ordered, right))["state"] == "back_ordered"


async def test_a_token_of_the_desk_opens_no_page_of_an_owner(tmp_path):
    """Nor the other way round: a link is no token of the API."""
    async with serving(tmp_path) as receiver:
        await home(receiver)
        given = links.make, "owner", f"{OWNER} {DEVICE}-1", now_ms() + 10**8
        link = await receiver.database.write(*given)
        async with receiver.session.get(f"{receiver.url}/o/{TOKEN}") as told:
            assert told.status == 404
        await receiver.api("GET", f"/tickets/{DEVICE}-1", 401, token=link)
