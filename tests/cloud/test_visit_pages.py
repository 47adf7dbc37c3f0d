"""The pages behind the links in letters: an owner's choice and a technician's word, no login."""

import asyncio
import html
import re
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, update

from phonehome_cloud.clock import now_ms
from phonehome_cloud.store import care, people, tickets, visit_answers, visits
from phonehome_cloud.store.acting.letters import make_page
from phonehome_cloud.store.people_tables import desk, link, owner, technician
from phonehome_cloud.store.visit_tables import proposal, visit
from tests.cloud.remedies import TEXT
from tests.cloud.running import running
from tests.cloud.visited import BERLIN, DEVICE, KEY, OTHER, add_ticket, begin, fill, letters

pytestmark = pytest.mark.usefixtures("each_database")
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def serving(folder: Path):
    """A receiver that knows the product of the visits."""
    products = folder / "products"
    products.mkdir()
    (products / "pumper.toml").write_text(TEXT)
    return running(folder, PRODUCTS_DIRECTORY=str(products))


async def proposed(receiver):
    """A visit that was proposed just now: (visit, the path of the owner's page)."""
    await receiver.database.write(fill)
    of = await receiver.database.write(begin, now_at=now_ms())
    (told,) = await receiver.database.read(letters, "owner")
    return of, told[2]["page"]


async def page(receiver, path, expect=200, **form):
    """The text of a page, opened or sent a form."""
    method = "POST" if form else "GET"
    headers = {"Accept-Language": "de", **({} if not form else FORM)}
    body = "&".join(f"{name}={value}" for name, value in form.items()).encode() or None
    url = receiver.url + path
    async with receiver.session.request(method, url, data=body, headers=headers) as answer:
        assert answer.status == expect, await answer.text()
        assert answer.url.path.startswith("/o/") or "<script" not in await answer.text()
        return await answer.text()


def starts(text):
    """The times that a page offers."""
    return [int(found) for found in re.findall(r'name="start_at" value="(\d+)"', text)]


async def test_the_owner_chooses_moves_and_declines(tmp_path):
    """In their language, on the clock of their home; every step is a letter and a state."""
    async with serving(tmp_path) as receiver:
        of, path = await proposed(receiver)
        text = await page(receiver, path)
        assert '<html lang="de">' in text
        assert "Wann dürfen wir kommen?" in text
        assert "Europe/Berlin" in text
        assert "Pumpe für Tests, wegen: Nichts fließt (P1)" in text
        assert "Die Garantie zahlt." in text
        english = await page(receiver, path + "?lang=en")
        assert "Pump for tests, because of: No flow (P1)" in english
        offered = starts(text)
        assert offered[0] == of.start_at
        assert len(offered) == 3
        text = await page(receiver, path, do="choose", start_at=offered[1])
        assert "Ein Techniker kommt am" in text
        assert set(starts(text)) == {offered[0], offered[2]}
        others = starts(await page(receiver, path, do="others"))
        assert set(others).isdisjoint(offered)
        await page(receiver, path, do="choose", start_at=others[0])
        assert (await receiver.database.write(visits.expect, KEY)).start_at == others[0]
        text = await page(receiver, path, do="decline")
        assert "Sie haben den Besuch abgelehnt" in text
        assert starts(text) == []
        # The link is good, and nothing can be done by it any more.
        text = await page(receiver, path, 409, do="choose", start_at=others[0])
        assert "nicht mehr zu haben" in text
        assert "Sie haben den Besuch abgelehnt" in text


async def test_owner_and_technician_read_the_same_amount(tmp_path):
    """Before a time is chosen, after it, and on the job sheet; titles in the reader's language."""
    async with serving(tmp_path) as receiver:
        await receiver.database.write(fill)
        given = {"now_at": now_ms(), "payer": "owner"}
        of = await receiver.database.write(begin, **given)
        (told,) = await receiver.database.read(letters, "owner")
        text = await page(receiver, told[2]["page"])
        assert "Sie zahlen höchstens 164,50\xa0€." in text
        assert "1 x Pumpe: 38,00\xa0€" in text
        text = await page(receiver, told[2]["page"], do="choose", start_at=of.start_at)
        assert "Sie zahlen höchstens 164,50\xa0€." in text
        technician = of.technician
        (job,) = await receiver.database.read(letters, f"technician:{technician}")
        assert "The owner agreed to at most €164.50." in await page(receiver, job[2]["page"])


async def decline(receiver):
    """The owner declines a visit; (the path of its page, what it says then)."""
    _, path = await proposed(receiver)
    return path, await page(receiver, path, do="decline")


async def test_who_declines_reads_what_happens_next(tmp_path):
    """A person gets it, and the page says so; one button leads to the page of the whole matter."""
    async with serving(tmp_path) as receiver:
        path, text = await decline(receiver)
        async with asyncio.timeout(20):
            while "Jemand von uns hat Ihren Fall" not in text:
                assert "Wie es weitergeht" in text
                await asyncio.sleep(0.05)
                text = await page(receiver, path)
        text = await page(receiver, path, do="ticket")
        assert re.search(r"<li>Besuch .* nicht getan</li>", text)
        await receiver.database.write(care.change_state, DEVICE, 1, "closed", "test", now_ms())
        text = await page(receiver, path)
        assert "die Sache ist abgeschlossen" in text
        assert 'value="call"' not in text


async def test_who_declines_can_ask_for_a_call(tmp_path):
    """At a time of their choice while the desk is open; what is wrong with a wish is told."""
    async with serving(tmp_path) as receiver:
        path, text = await decline(receiver)
        assert 'value="call"' in text
        local = datetime.now(ZoneInfo(BERLIN)) + timedelta(hours=3)
        at = f"{local:%Y-%m-%dT%H:%M}"
        call = {"do": "call", "phone": "%2B49301234567"}
        always, never = "Mon-Sun 00:00-24:00", "Mon 00:00-00:01"
        closed = never if local.weekday() else "Tue 00:00-00:01"
        await receiver.database.write(open_desk, closed)
        assert "Die nächste Zeit ist" in await page(receiver, path, 409, **call, at=at)
        await receiver.database.write(open_desk, always)
        assert "keine Telefonnummer" in await page(
            receiver, path, 409, **call | {"phone": 1}, at=at
        )
        assert "Das ist keine Zeit" in await page(receiver, path, 409, **call, at="soon")
        assert f"{local:%H:%M}" in await page(receiver, path, **call, at=at)
        rows = await receiver.database.read(letters, "desk")
        assert [row[2]["phone"] for row in rows if row[1] == "callback"] == ["+49301234567"]


def open_desk(connection, hours):
    """When somebody is at the desk."""
    connection.execute(update(desk).values(hours=hours, holidays=[]))


async def test_a_time_that_is_gone_gets_others(tmp_path):
    """A page that was open while others booked: it says so, and has new times."""
    async with serving(tmp_path) as receiver:
        _, path = await proposed(receiver)
        offered = starts(await page(receiver, path))
        await receiver.database.write(lambda c: c.execute(delete(proposal)))
        text = await page(receiver, path, 409, do="choose", start_at=offered[1])
        assert "nicht mehr zu haben" in text
        assert starts(text)
        await page(receiver, path, do="choose", start_at=starts(text)[0])
        for wish in ("2020-01-01T10:00", "9999-12-01T23:59", "2027-03-28T02:30"):
            text = await page(receiver, path, 409, do="ask", wish=wish)
            assert "niemand frei" in text


async def test_the_owners_page_of_the_ticket_leads_to_the_visit(tmp_path):
    """By a button, under a token of its own."""
    async with serving(tmp_path) as receiver:
        await proposed(receiver)

        def link_of(connection):
            known = people.find_owner(connection, DEVICE)
            return make_page(connection, known, DEVICE, 1, now_ms())

        path = await receiver.database.write(link_of)
        assert "Termin wählen oder ansehen" in await page(receiver, path)
        text = await page(receiver, path, do="visit", n=0)
        assert len(starts(text)) == 3
        await page(receiver, path, 404, do="visit", n=7)


WRONG_FORMS = (
    {"do": "burn"},
    {"do": "choose"},
    {"do": "choose", "start_at": "soon"},
    {"do": "choose", "start_at": "9" * 30},
    {"do": "ask"},
    {"do": "ask", "wish": "tomorrow"},
    {"do": "ask", "wish": "0001-01-01T00:00"},
)


async def test_forms_that_are_none_of_ours_change_nothing(tmp_path):
    """They are told what to send, in a page."""
    async with serving(tmp_path) as receiver:
        _, path = await proposed(receiver)
        for form in WRONG_FORMS:
            assert '<section class="card">' in await page(receiver, path, 422, **form)
        kept = await receiver.database.write(visits.expect, KEY)
        assert (kept.state, kept.sequence, kept.round) == ("proposed", 0, 0)


async def test_links_of_others_and_of_yesterday(tmp_path):
    """Unknown, made for another purpose, expired, or of an owner who sold the appliance."""
    async with serving(tmp_path) as receiver:
        _, path = await proposed(receiver)
        for wrong in ("/v/nothing", path.replace("/v/", "/j/"), path + "x"):
            assert "Dieser Link gilt nicht mehr" in await page(receiver, wrong, 404)
            await page(receiver, wrong, 404, do="decline")
        await receiver.database.write(lambda c: c.execute(update(link).values(expires_at=5)))
        assert "Dieser Link gilt nicht mehr" in await page(receiver, path, 410)
        await page(receiver, path, 410, do="decline")
        await receiver.database.write(
            lambda c: c.execute(update(link).values(expires_at=now_ms() + 10**9))
        )
        assert "Wann" in await page(receiver, path)

        def sell(connection):
            row = connection.execute(owner.select()).mappings().one()
            connection.execute(owner.insert().values({**row, "owner": "f" * 16}))
            connection.exec_driver_sql(f"UPDATE appliance SET owner = '{'f' * 16}'")

        await receiver.database.write(sell)
        await page(receiver, path, 410)
        await page(receiver, path, 410, do="decline")
        assert (await receiver.database.write(visits.expect, KEY)).state == "proposed"


async def job_of(receiver):
    """A booked visit: (visit, path of the technician's page)."""
    await proposed(receiver)
    of = await receiver.database.write(visit_answers.confirm, KEY, "owner", now_ms())
    (told,) = await receiver.database.read(letters, "technician")
    return of, told[2]["page"]


async def test_the_technician_reads_and_closes(tmp_path):
    """The sheet as a page and for paper; a close code that closes the ticket."""
    async with serving(tmp_path) as receiver:
        _, path = await job_of(receiver)
        text = await page(receiver, path)
        for word in ("Ada Lovelace", "Lange Straße 5", "PUMP-1", "No flow", 'value="dead"'):
            assert word in text
        sheet = await page(receiver, path + "/sheet.txt")
        assert "JOB " in sheet
        form = {"result": "fixed", "cause": "dead", "part:PUMP-1": "1", "minutes": "35"}
        bad = await page(receiver, path, 422, **form | {"cause": "moths"})
        assert "want one of" in bad
        await page(receiver, path, 422, **form | {"minutes": "many"})
        await page(receiver, path, 422, **form | {"part:X": "1"})
        assert "The job is closed" in await page(receiver, path, **form)
        await page(receiver, path, 409, **form)
        found = await receiver.database.write(tickets.expect, KEY[0], 1)
        assert found.state == "closed"


async def test_the_history_is_in_the_technicians_language(tmp_path):
    """Of an appliance with more of it than fits: the same words on the page and on paper, none in
    English, and how many are left out.
    """

    def remember(connection):
        connection.execute(update(technician).values(language="de"))
        said = {"is_fixed": True, "cause": "moths", "parts": {"PUMP-1": 1}, "minutes": 9}
        said |= {"text": "Blende klemmt", "nobody_home": False}
        connection.execute(update(visit).values(closing=said))
        for number in range(2, 32):
            add_ticket(connection, DEVICE, number)

    async with serving(tmp_path) as receiver:
        _, path = await job_of(receiver)
        await receiver.database.write(remember)
        for end in ("", "/sheet.txt"):
            text = " ".join(html.unescape(await page(receiver, path + end)).split())
            for word in (
                "Vorgeschichte",
                'Besuch: moths, repariert; 1 x PUMP-1; "Blende klemmt"',
                "Nichts fließt (offen)",
                "und 19 ältere",
            ):
                assert word in text
            assert "(open)" not in text


async def test_a_job_that_went_to_somebody_else_is_not_shown(tmp_path):
    """The link of the technician before shows nothing of the home any more."""
    async with serving(tmp_path) as receiver:
        of, path = await job_of(receiver)
        now_at = now_ms()
        away = of.technician, now_at, now_at + 40 * 86_400_000
        await receiver.database.write(
            lambda c: c.exec_driver_sql(
                "INSERT INTO leave (technician, from_at, until_at) "
                f"VALUES ('{away[0]}', {away[1]}, {away[2]})"
            )
        )
        await receiver.database.write(visit_answers.clear_technician, *away, "token:x", now_at)
        text = await page(receiver, path, 410)
        assert "Ada" not in text
        assert OTHER not in text
