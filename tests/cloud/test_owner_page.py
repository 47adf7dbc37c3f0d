"""The owner's page over HTTP: everything works by forms alone, and nothing without the link."""

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from phonehome_cloud.clock import now_ms
from phonehome_cloud.core.caring import WAITING_CONSENT
from phonehome_cloud.store.acting_tables import callback, lead, part_order, step
from phonehome_cloud.store.people_tables import appliance, desk, owner
from tests.cloud.kettle import DAY, DEVICE, OWNER, Home
from tests.cloud.running import running


@pytest.fixture
async def living(tmp_path):
    """A kettle in somebody's home, and a receiver that serves its owner."""
    home = Home(tmp_path, now_ms())
    async with running(tmp_path, PRODUCTS_DIRECTORY=str(home.products)) as receiver:
        home.receiver = receiver
        yield home
    home.close()


async def get(home, path, status=200):
    """A page as a browser without script gets it."""
    async with home.receiver.session.get(home.receiver.url + path) as answer:
        text = await answer.text()
        assert answer.status == status, text
        home.headers = answer.headers
        return text


async def get_bytes(home, path):
    """A file."""
    async with home.receiver.session.get(home.receiver.url + path) as answer:
        assert answer.status == 200
        return await answer.read()


async def post(home, path, status=200, **form):
    """A form sent, and the page behind it."""
    url = home.receiver.url + path
    async with home.receiver.session.post(url, data=form, headers={"Origin": ""}) as answer:
        text = await answer.text()
        assert answer.status == status, text
        return text


async def test_steps_are_done_one_by_one(living):
    """Tick, tick, helped: each form changes what the page shows, and the action ends."""
    living.start("descale")
    path = living.page()
    text = await get(living, path)
    assert "Essig einfüllen." in text
    assert text.count('value="step"') == 1
    text = await post(living, path, do="step", n=0, step=0)
    assert "Von Ihnen erledigt" in text
    assert "schaut zu" in text
    await post(living, path, do="step", n=0, step=1)
    assert [row["by"] for row in living.rows(step)] == ["owner", "owner"]
    await post(living, path, do="helped", n=0)
    assert living.action().state == "helped"


async def test_it_is_there_in_two_languages(living):
    """In the owner's own, and in the other one by a link; an unknown one is English."""
    living.start("descale")
    path = living.page()
    german, english = await get(living, path), await get(living, path + "?lang=en")
    assert 'lang="de"' in german
    assert "Entkalken" in german
    assert "Descale it" in english
    assert "Did it help?" in await get(living, path + "?lang=tlh")


async def test_what_is_dangerous_is_said_on_the_page_too(tmp_path):
    """The advice of a safety fault in the owner's language, and the desk's number beside it."""
    home = Home(tmp_path, now_ms())
    file = home.products / "kettle.toml"
    old = 'title = "Heats too slowly"\n'
    advice = 'safety = true\nadvice = "Pull the plug."\n'
    words = '\n[words.de]\n"Pull the plug." = "Ziehen Sie den Stecker."\n'
    words += '"Heats too slowly" = "Heizt zu langsam"\n"Kettle" = "Wasserkocher"\n'
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, old + advice) + words)
    row = {"desk": "service", "phone": "+49 30 555", "language": "de", "zone": "Europe/Berlin"}
    more = {"hours": "Mon 08:00-08:01", "holidays": [], "updated_at": home.clock()}
    home.do(lambda c: c.execute(desk.insert().values(**row, **more)))
    home.start("ask", lane="safety")
    async with running(tmp_path, PRODUCTS_DIRECTORY=str(home.products)) as receiver:
        home.receiver = receiver
        text = await get(home, home.page())
        for said in ("Ziehen Sie den Stecker.", "Benutzen Sie es nicht", "Wasserkocher"):
            assert said in text
        assert "<h1>Heizt zu langsam</h1>" in text
        assert 'href="tel:+4930555"' in text
        assert "Pull the plug." in await get(home, home.page() + "?lang=en")
    home.close()


async def test_an_owner_of_the_books_gets_at_their_data_too(living):
    """From any letter to what is known of them, and on to how they want to be written to: nobody
    needs to have claimed anything.
    """
    living.start("descale")
    text = await post(living, living.page(), do="mine")
    assert "Was wir von Ihnen wissen" in text
    mine = re.search(r'action="(/my/[\w-]+)', text)[1]
    assert (await get_bytes(living, mine + "/export"))[:2] == b"PK"
    given = {"name": "Ada King", "mail": "ada@example.org", "zone": "Europe/Berlin"}
    given |= dict.fromkeys(("phone", "street", "postcode", "city", "country"), "")
    text = await post(living, mine, do="details", language="en", **given)
    assert "What we know of you" in text
    (row,) = living.rows(owner)
    assert (row["name"], row["language"]) == ("Ada King", "en")
    wishes = await post(living, mine + "?lang=de", do="wishes")
    there = re.search(r'action="(/u/[\w-]+)', wishes)[1]
    text = await post(living, there + "?lang=de", do="leave")
    assert "Sie bekommen diese Briefe nicht mehr" in text


async def test_no_help_is_an_answer(living):
    """It did not help: the action has failed, and the page waits for what is decided."""
    living.start("descale")
    text = await post(living, living.page(), do="not_helped", n=0)
    assert living.action().state == "failed"
    assert "Hat es geholfen?" not in text


async def test_consent_is_given_or_not(living):
    """The price and who pays stand beside the buttons; the answer is kept."""
    living.stock_lids(2)
    living.start("new_lid", state=WAITING_CONSENT)
    path = living.page()
    text = await get(living, path)
    assert "Sie zahlen 19,00\xa0€." in text
    assert "2 x Lid: 19,00\xa0€" in text
    await post(living, path, do="agree", n=0)
    assert living.action().state in {"agreed", "running"}
    late = await post(living, path, 409, do="decline", n=0)
    assert "inzwischen geändert" in late


async def test_an_offer_can_be_declined_for_ever(living):
    """Never is an answer, and is kept without a name for anybody else."""
    living.start("new_one", state=WAITING_CONSENT)
    await post(living, living.page(), do="never", n=0)
    assert living.action().state == "cancelled"
    assert living.rows(lead)[0]["state"] == "opted_out"


async def test_an_order_is_taken_back(living):
    """Within the window by one button; the lids lie in the depot again."""
    living.stock_lids(2)
    living.start("new_lid")
    path = living.page()
    assert "Abbestellen" in await get(living, path)
    await post(living, path, do="cancel", n=0)
    assert living.rows(part_order)[0]["state"] == "cancelled"
    assert (living.action().state, living.free_lids()) == ("cancelled", 2)


def open_always(home):
    """The desk works round the clock."""
    values = {"desk": "service", "language": "de", "zone": "UTC", "holidays": []}
    more = {"hours": "Mon-Sun 00:00-24:00", "updated_at": home.clock()}
    home.do(lambda c: c.execute(desk.insert().values(**values, **more)))


async def test_a_call_is_wished_for_on_the_owners_clock(living):
    """The time in the form is Berlin's; what is no time or no number is told."""
    open_always(living)
    living.start("ask", lane="safety")
    path = living.page()
    wanted = (datetime.now(ZoneInfo("Europe/Berlin")) + timedelta(hours=2)).replace(
        second=0, microsecond=0
    )
    at = wanted.replace(tzinfo=None).isoformat(timespec="minutes")
    assert "keine Telefonnummer" in await post(living, path, 409, do="call", at=at, phone="me")
    for wrong in ("tomorrow", "2020-01-01T10:00", ""):
        text = await post(living, path, 409, do="call", at=wrong, phone="+49 30 123456")
        assert "Das ist keine Zeit" in text
    text = await post(living, path, do="call", at=at, phone="+49 30 123456")
    assert f"{wanted:%H:%M}" in text
    assert living.rows(callback)[0]["call_at"] == round(wanted.timestamp() * 1000)


async def test_out_of_hours_the_next_time_is_proposed(living):
    """A desk that is closed says when it opens."""
    values = {"desk": "service", "language": "de", "zone": "Europe/Berlin", "holidays": []}
    more = {"hours": "Mon 08:00-08:01", "updated_at": living.clock()}
    living.do(lambda c: c.execute(desk.insert().values(**values, **more)))
    living.start("ask", lane="safety")
    at = datetime.now(ZoneInfo("Europe/Berlin")) + timedelta(hours=2)
    form = {"at": at.strftime("%Y-%m-%dT%H:%M"), "phone": "+49 30 123456"}
    text = await post(living, living.page(), 409, do="call", **form)
    assert re.search(r"Die nächste Zeit ist Montag, .*, 08:00", text)
    assert living.rows(callback) == []


async def test_without_the_link_there_is_nothing(living):
    """A wrong token, a purpose that is another, an old link and a sold appliance: refused."""
    from phonehome_cloud.store import links

    living.start("descale")
    path = living.page()
    await get(living, "/o/" + "x" * 43, 404)
    other = living.do(links.make, "visit", f"{OWNER} {DEVICE}-1", living.clock() + DAY)
    await get(living, f"/o/{other}", 404)
    old = living.do(links.make, "owner", f"{OWNER} {DEVICE}-1", living.clock() - 1)
    await get(living, f"/o/{old}", 410)
    living.do(lambda c: c.execute(appliance.update().values(owner=None)))
    await get(living, path, 410)
    await post(living, path, 410, do="helped", n=0)
    assert living.action().state == "running"


async def test_a_form_of_another_site_is_refused(living):
    """Who knows the link by accident cannot send its forms from elsewhere."""
    living.start("descale")
    url = living.receiver.url + living.page()
    headers = {"Sec-Fetch-Site": "cross-site"}
    async with living.receiver.session.post(url, data={"do": "helped"}, headers=headers) as answer:
        assert answer.status == 403


@pytest.mark.parametrize(
    "form", [{}, {"do": "sing"}, {"do": "step"}, {"do": "step", "n": "0", "step": "-1"}]
)
async def test_what_is_no_form_of_this_page_is_refused(living, form):
    """A button that is not there, and a number that is none."""
    living.start("descale")
    await post(living, living.page(), 422, **form)


async def test_the_page_keeps_its_address_to_itself(living):
    """No referrer, no cache, no frame, and scripts only of our own."""
    living.start("descale")
    await get(living, living.page())
    assert living.headers["Referrer-Policy"] == "no-referrer"
    assert living.headers["Cache-Control"] == "no-store"
    policy = living.headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
