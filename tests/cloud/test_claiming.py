"""Owners claim appliances with the code on the label, or the one that the console tells."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from phonehome_cloud import migrations
from phonehome_cloud.clock import now_ms
from phonehome_cloud.core.people.consents import CONSENTS
from phonehome_cloud.store import claiming, links, people
from phonehome_cloud.store.database import Database
from phonehome_cloud.store.people_tables import appliance, link, owner, transfer
from phonehome_cloud.store.schema import device, effect, ticket, ticket_event
from phonehome_cloud.web.persons import read_person
from phonehome_cloud.web.wording import FOLDER, languages, words
from phonehome_wire.keys import up_key
from phonehome_wire.owning import in_groups, owner_code
from tests.cloud.running import running
from tests.fakes.bases import base_url

pytestmark = pytest.mark.usefixtures("each_database")
DEVICE = "a4cf12fffe05d3b1"
JANE = {
    "name": "Jane Miller",
    "mail": "jane@example.org",
    "phone": "+49 30 1234567",
    "street": "Gartenweg 1",
    "postcode": "10115",
    "city": "Berlin",
    "country": "de",
    "zone": "Europe/Berlin",
    "consent_visit": "yes",
}
JIM = JANE | {"name": "Jim Cook", "mail": "jim@example.org", "street": "Hafen 2", "phone": ""}


async def post(receiver, path, **form):
    """Send a form as a browser does; returns (status, page)."""
    async with receiver.session.post(receiver.url + path, data=form) as answer:
        return answer.status, await answer.text()


async def get(receiver, path, **headers):
    """Open a page; returns (status, page)."""
    async with receiver.session.get(receiver.url + path, headers=headers) as answer:
        receiver.headers = answer.headers
        return answer.status, await answer.text()


async def labelled(receiver):
    """A registered washer that has spoken, and the code on its label."""
    voice = await receiver.register(label="Cellar")
    body = {"device": voice.device, "product": "washer", "key": voice.key.hex()}
    made = await receiver.api("POST", "/devices", 201, json=body)
    return voice, made["code"]


async def rows(receiver, table):
    """Every row of a table."""
    found = await receiver.database.read(lambda c: c.execute(select(table)).mappings().all())
    return [dict(row) for row in found]


async def letter(receiver, template, place=-1):
    """The path of the link in the newest letter of this template."""
    found = [row for row in await rows(receiver, effect) if row["template"] == template]
    found.sort(key=lambda row: row["created_at"])
    return found[place]["data"]["link"]


async def claim(receiver, device_id, code, who, language="en"):
    """Claim a device by the form."""
    return await post(receiver, f"/claim?lang={language}", device=device_id, code=code, **who)


async def test_a_label_makes_an_owner(tmp_path):
    """The code as people type it, and the appliance is theirs, with a letter and a page."""
    async with running(tmp_path) as receiver:
        voice, code = await labelled(receiver)
        typed = "-".join(voice.device[at : at + 4] for at in range(0, 16, 4)).upper()
        status, page = await claim(receiver, typed, code.lower(), JANE)
        assert status == 200
        assert "It is yours" in page
        found = await receiver.database.read(people.find_owner, voice.device)
        assert (found.name, found.mail, found.phone) == (
            "Jane Miller",
            "jane@example.org",
            "+49301234567",
        )
        assert (found.area, found.consents, found.language) == ("DE-10115", {"visit"}, "en")
        path = await letter(receiver, "claimed")
        assert path.startswith("/my/")
        assert (await get(receiver, path))[0] == 200
        # Once more, with the same words: nothing new, and the page goes by mail alone.
        status, page = await claim(receiver, voice.device, code, JANE)
        assert (status, "/my/" in page) == (200, False)
        assert len(await rows(receiver, owner)) == 1


async def test_the_console_proves_it_too(tmp_path):
    """A boot that the receiver has heard of, or one soon after it; not one before, nor a guess."""
    async with running(tmp_path) as receiver:
        voice, _ = await labelled(receiver)
        raw = bytes.fromhex(voice.device)

        def told(boot, key=voice.key):
            return in_groups(owner_code(up_key(key, raw), raw, voice.inc, boot))

        status, _ = await claim(receiver, voice.device, told(1), JANE)
        assert status == 422  # it has not spoken yet
        voice.boot = 5
        await receiver.up(voice.report(voice.heartbeat()))
        for wrong in (told(4), told(5 + 40), told(5, bytes(32))):
            assert (await claim(receiver, voice.device, wrong, JANE))[0] == 422
        assert (await claim(receiver, voice.device, told(6), JANE))[0] == 200


async def test_a_wrong_code_says_nothing_and_costs_a_try(tmp_path):
    """Unknown devices, wrong codes and revoked ones look the same; soon it is too many tries."""
    async with running(tmp_path) as receiver:
        voice, code = await labelled(receiver)
        wrong = in_groups(owner_code(bytes(32), bytes(8), bytes(4), 1))
        answers = []
        for device_id, typed in ((voice.device, wrong), ("00" * 8, code), (voice.device, "x")):
            status, page = await claim(receiver, device_id, typed, JANE)
            answers.append((status, re.search('id="wrong-code">([^<]*)', page)[1]))
        await receiver.api("POST", f"/devices/{voice.device}/revoke")
        status, page = await claim(receiver, voice.device, code, JANE)
        answers.append((status, re.search('id="wrong-code">([^<]*)', page)[1]))
        assert len(set(answers)) == 1
        assert answers[0][0] == 422
        assert await rows(receiver, owner) == []
        codes = [(await claim(receiver, voice.device, wrong, JANE))[0] for _ in range(8)]
        assert codes[-1] == 429


async def test_wrong_fields_are_marked_and_kept(tmp_path):
    """Every wrong field is named, in the language of the page, and what was typed stays."""
    async with running(tmp_path) as receiver:
        voice, code = await labelled(receiver)
        bad = JANE | {"mail": "jane@", "phone": "030", "name": "", "country": "Germany"}
        status, page = await claim(receiver, voice.device, code, bad, "de")
        assert status == 422
        assert set(re.findall('id="wrong-([a-z]+)"', page)) == {"mail", "phone", "name", "country"}
        assert "Das ist keine E-Mail-Adresse." in page
        assert 'value="Gartenweg 1"' in page
        assert 'value="yes" checked' in page
        assert await rows(receiver, owner) == []
        assert (await claim(receiver, voice.device, code, {}))[0] == 422


async def test_a_resale_needs_the_one_who_has_it(tmp_path):
    """With their yes it changes hands: their words go, the machine's history stays."""
    async with running(tmp_path) as receiver:
        voice, code = await labelled(receiver)
        await claim(receiver, voice.device, code, JANE)
        opened = await receiver.open_ticket(voice)
        comment = {"text": "Jane Miller called from 030 / 123 45 67, Gartenweg 1."}
        await receiver.api("POST", f"/tickets/{opened['id']}/comments", 201, json=comment)
        status, page = await claim(receiver, voice.device, code, JIM)
        assert status == 200
        assert "Somebody else has it so far" in page
        assert (
            await receiver.database.read(people.find_owner, voice.device)
        ).name == "Jane Miller"
        (waiting,) = (await receiver.api("GET", "/transfers"))["items"]
        assert waiting["device"] == voice.device
        # A third one is told to wait; the same one again changes nothing.
        assert (await claim(receiver, voice.device, code, JIM))[0] == 200
        third = JANE | {"name": "Eve", "mail": "eve@example.org"}
        assert (await claim(receiver, voice.device, code, third))[0] == 409
        assert len(await rows(receiver, owner)) == 2
        path = await letter(receiver, "hand_over")
        status, page = await get(receiver, path)
        assert status == 200
        assert voice.device in page
        assert (await post(receiver, path, do="approve"))[0] == 200
        found = await receiver.database.read(people.find_owner, voice.device)
        assert found.name == "Jim Cook"
        (left,) = await rows(receiver, owner)
        assert left["name"] == "Jim Cook"
        assert (await post(receiver, path, do="approve"))[0] == 404  # gone with everything of hers
        await assert_nothing_is_left_of_jane(receiver)
        assert len(await rows(receiver, ticket)) == 1
        texts = [row["text"] for row in await rows(receiver, ticket_event) if row["text"]]
        assert texts == ["[erased] called from [erased], [erased]."]


async def assert_nothing_is_left_of_jane(receiver):
    """No cell of any table says anything of her."""
    for table in device.metadata.sorted_tables:
        text = repr(await rows(receiver, table)).lower()
        for word in ("neue gasse", "jane", "miller", "gartenweg", "1234567", "123 45 67"):
            assert word not in text, table.name


async def test_the_one_who_has_it_may_say_no(tmp_path):
    """It stays theirs, and nothing is left of who claimed it; so does no answer within 14 days."""
    async with running(tmp_path) as receiver:
        voice, code = await labelled(receiver)
        await claim(receiver, voice.device, code, JIM)
        for how in ("refuse", "silence"):
            await claim(receiver, voice.device, code, JANE)
            if how == "refuse":
                path = await letter(receiver, "hand_over")
                assert (await post(receiver, path, do="refuse"))[0] == 200
                assert (await get(receiver, path))[0] == 404
            else:
                (row,) = await rows(receiver, transfer)
                late = row["expires_at"]
                assert await receiver.database.write(claiming.sweep, late - 1) == 0
                assert await receiver.database.write(claiming.sweep, late) == 1
            found = await receiver.database.read(people.find_owner, voice.device)
            assert found.name == "Jim Cook"
            assert await rows(receiver, transfer) == []
            assert [row["name"] for row in await rows(receiver, owner)] == ["Jim Cook"]


async def test_the_desk_answers_for_who_has_no_mail(tmp_path):
    """An owner from the books without an address is not asked; the desk says yes or no."""
    async with running(tmp_path) as receiver:
        voice, code = await labelled(receiver)
        made = await receiver.api("POST", "/owners", 201, json={"name": "Old", "zone": "UTC"})
        path = f"/appliances/{voice.device}"
        await receiver.api("PUT", path, 201, json={"owner": made["owner"], "serial": "SN1"})
        await claim(receiver, voice.device, code, JANE)
        shown = await receiver.api("POST", f"/transfers/{voice.device}/approve")
        assert shown["owner"] != made["owner"]
        assert shown["serial"] == "SN1"
        await receiver.api("POST", f"/transfers/{voice.device}/refuse", 404)
        await receiver.api("GET", f"/owners/{made['owner']}", 404)


async def test_links_that_are_over(tmp_path):
    """Expired, forged, or for something else: a page says so, in the reader's language."""
    async with running(tmp_path) as receiver:
        over_at = now_ms() - 1000  # not so long ago that it is forgotten
        old = await receiver.database.write(links.make, claiming.HAND_OVER, "00" * 8, over_at)
        other = await receiver.database.write(links.make, "visit", "x", 2**52)
        german = {"Accept-Language": "fr;q=0.3, de-AT, en;q=0.5"}
        status, page = await get(receiver, f"/claim/hand-over/{old}", **german)
        assert (status, "Dieser Link gilt nicht mehr" in page) == (410, True)
        for path in (f"/claim/hand-over/{other}", f"/my/{other}", f"/my/{'A' * 43}"):
            status, page = await get(receiver, path)
            assert (status, "There is nothing here" in page) == (404, True)
        assert receiver.headers["Referrer-Policy"] == "no-referrer"
        assert (await post(receiver, f"/claim/hand-over/{old}", do="perhaps"))[0] == 422


async def test_an_owner_has_their_own_page(tmp_path):
    """Consents, export, giving away and erasing, without asking anybody."""
    async with running(tmp_path) as receiver:
        voice, code = await labelled(receiver)
        await claim(receiver, voice.device, code, JANE, "de")
        path = await letter(receiver, "claimed")
        status, page = await get(receiver, path)
        assert (status, "Sie und Ihre Geräte" in page, voice.device in page) == (200, True, True)
        moved = JANE | {"street": "Neue Gasse 3", "postcode": "1010", "country": "at"}
        moved |= {"zone": "Europe/Vienna", "do": "details"}
        status, page = await post(receiver, path, **moved | {"mail": "jane@"})
        assert (status, 'id="wrong-mail"' in page, "Neue Gasse 3" in page) == (422, True, True)
        status, page = await post(receiver, path, **moved)
        assert (status, "Gespeichert" in page, "Neue Gasse 3" in page) == (200, True, True)
        found = await receiver.database.read(people.find_owner, voice.device)
        assert (found.area, found.zone, found.consents) == ("AT-1010", "Europe/Vienna", {"visit"})
        assert (await post(receiver, path, do="consents", consent_lead="yes"))[0] == 200
        found = await receiver.database.read(people.find_owner, voice.device)
        assert found.consents == {"lead"}
        async with receiver.session.get(receiver.url + path + "/export") as answer:
            assert answer.content_type == "application/zip"
            assert (await answer.read())[:2] == b"PK"
        assert (await post(receiver, path, do="erase"))[0] == 422  # not sure
        other = await receiver.register()
        assert (await post(receiver, path, do="release", sure="yes", device=other.device))[
            0
        ] == 404
        status, page = await post(receiver, path, do="release", sure="yes", device=voice.device)
        assert (status, "Gelöscht" in page) == (200, True)
        assert await receiver.database.read(people.find_owner, voice.device) is None
        assert (await get(receiver, path))[0] == 404
        await assert_nothing_is_left_of_jane(receiver)
        assert [row["device"] for row in await rows(receiver, appliance)] == [voice.device]
        assert await rows(receiver, link) == []


def test_two_who_claim_at_once(tmp_path, each_database):
    """Of receivers on one database each takes a claim: one has it, the other one asks that one."""
    bases = [Database(base_url(tmp_path)) for _ in range(2)]
    for base in bases:
        base.open()
        migrations.prepare(base)
    row = {"device": DEVICE, "product": "washer", "created_at": 1}
    bases[0].write_now(lambda connection: connection.execute(device.insert().values(row)))
    start = threading.Barrier(len(bases))

    def ask(base, who):
        values, wrong = read_person(who)
        assert wrong == set()
        start.wait()
        return base.write_now(claiming.claim, DEVICE, values, 1_000).state

    with ThreadPoolExecutor(len(bases)) as pool:
        states = list(pool.map(ask, bases, (JANE, JIM)))
    assert sorted(states) == [claiming.ASKED, claiming.YOURS]
    held = bases[0].read_now(people.find_owner, DEVICE)
    assert held.name == (JANE, JIM)[states.index(claiming.YOURS)]["name"]
    for base in bases:
        base.close()


def test_every_language_has_the_same_words():
    """No page lacks a word in any language, and every consent is explained."""
    assert set(languages()) >= {"de", "en"}

    def names(table, start=""):
        for key, value in table.items():
            yield from names(value, f"{start}{key}.") if isinstance(value, dict) else [start + key]

    for page in (path.stem for path in (FOLDER / "en").glob("*.toml")):
        keys = {language: set(names(words(language, page))) for language in languages()}
        assert len({frozenset(found) for found in keys.values()}) == 1, (page, keys)
        assert set(words("en", page)["consents"]) == set(CONSENTS)


async def test_who_lets_go_gives_it_to_who_waits(tmp_path):
    """An owner who erases themselves, or gives it away unasked, is an answer as well."""
    async with running(tmp_path) as receiver:
        voice, code = await labelled(receiver)
        await claim(receiver, voice.device, code, JANE)
        path = await letter(receiver, "claimed")
        await claim(receiver, voice.device, code, JIM)
        assert (await post(receiver, path, do="erase", sure="yes"))[0] == 200
        assert [row["name"] for row in await rows(receiver, owner)] == ["Jim Cook"]
        found = await receiver.database.read(people.find_owner, voice.device)
        assert found.name == "Jim Cook"
        await assert_nothing_is_left_of_jane(receiver)


async def test_the_desk_takes_it_from_everybody(tmp_path):
    """When the books say whose it is, who waited has no claim, and nothing of them stays."""
    async with running(tmp_path) as receiver:
        voice, code = await labelled(receiver)
        await claim(receiver, voice.device, code, JANE)
        await claim(receiver, voice.device, code, JIM)
        made = await receiver.api("POST", "/owners", 201, json={"name": "New", "zone": "UTC"})
        body = {"owner": made["owner"]}
        shown = await receiver.api("PUT", f"/appliances/{voice.device}", json=body)
        assert shown["owner"] == made["owner"]
        assert [row["name"] for row in await rows(receiver, owner)] == ["New"]
        assert await rows(receiver, transfer) == []
        await receiver.api("DELETE", f"/appliances/{voice.device}")
        assert await rows(receiver, owner) == []
