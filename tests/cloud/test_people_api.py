"""Owners, appliances, technicians and parts on the desk API, used right and wrong."""

import pytest

from phonehome_cloud.store import people, stock
from phonehome_cloud.web.people import SHELVES
from tests.cloud.running import running

pytestmark = pytest.mark.usefixtures("each_database")
NEVER = 1_000
JANE = {
    "name": "Jane Miller",
    "zone": "Europe/Berlin",
    "number": "K-1",
    "mail": "jane@example.org",
    "phone": "+49 30 1234567",
    "language": "de",
    "street": "Weg 1",
    "postcode": "10115",
    "city": "Berlin",
    "country": "DE",
    "consents": ["visit"],
}
TOM = {
    "name": "Tom",
    "zone": "Europe/Berlin",
    "mail": "tom@example.org",
    "skills": ["pump"],
    "area": ["DE-10"],
    "leave": ["2026-12-24..2026-12-31", "2027-01-01"],
}


async def test_an_owner_and_their_appliance(tmp_path):
    """Written down, listed, found by the rest of the receiver, changed."""
    async with running(tmp_path) as receiver:
        made = await receiver.api("POST", "/owners", 201, json=JANE)
        assert receiver.headers["Location"] == f"/api/v1/owners/{made['owner']}"
        assert made["phone"] == "+49301234567"
        assert made["consents"]["visit"]["by"] == "token:configured"
        voice = await receiver.register()
        path = f"/appliances/{voice.device}"
        body = {"owner": made["owner"], "bought": "2026-05-01", "warranty_until": "2028-04-30"}
        shown = await receiver.api("PUT", path, 201, json=body | {"serial": "SN1"})
        assert (shown["product"], shown["bought"], shown["serial"]) == (
            "washer",
            "2026-05-01",
            "SN1",
        )
        found = await receiver.database.read(people.find_owner, voice.device)
        assert (found.id, found.area, found.zone) == (made["owner"], "DE-10115", "Europe/Berlin")
        assert found.address == "Weg 1\n10115 Berlin\nDE"
        appliance = await receiver.database.read(people.find_appliance, voice.device)
        assert appliance.payer(appliance.warranty_until) == "warranty"
        assert appliance.payer(appliance.warranty_until + 86_400_000) == "owner"
        for query in ("", "?number=K-1", "?mail=jane@example.org"):
            assert (await receiver.api("GET", "/owners" + query))["items"] == [made]
        assert (await receiver.api("GET", "/owners?number=K-2"))["items"] == []
        listed = await receiver.api("GET", f"/appliances?owner={made['owner']}")
        assert listed["items"] == [shown]
        changed = {**JANE, "consents": ["visit", "lead"], "mail": None}
        again = await receiver.api("PUT", f"/owners/{made['owner']}", json=changed)
        assert again["mail"] is None
        assert again["consents"]["visit"] == made["consents"]["visit"]
        assert again["created_at"] == made["created_at"]


async def test_a_technician_and_their_van(tmp_path):
    """Their leave is on their own clock; with parts in the van they cannot vanish."""
    async with running(tmp_path) as receiver:
        shown = await receiver.api("PUT", "/technicians/T-07", 201, json=TOM)
        assert shown["leave"] == ["2026-12-24..2027-01-01"]
        (tom,) = await receiver.database.read(people.technicians)
        assert tom.leave == ((1798066800000, 1798844400000),)  # 23 and 1 December, 23:00 UTC
        assert (tom.calendar, tom.hours[0]) == ("tom@example.org", ((480, 1020),))
        part = {"title": "Pump", "price": "48.90", "stock": 3, "vans": ["T-07=1"]}
        shown = await receiver.api("PUT", "/parts/WM-PUMP-01", 201, json=part)
        assert (shown["price"], shown["stock"], shown["vans"]) == ("48.90", 3, ["T-07=1"])
        problem = await receiver.api("DELETE", "/technicians/T-07", 409)
        assert "are in the van of T-07" in problem["detail"]
        await receiver.api("PUT", "/parts/WM-PUMP-01", json=part | {"vans": []})
        removed = await receiver.api("DELETE", "/technicians/T-07")
        assert removed["removed"] == {"technician": 1, "leave": 1}
        await receiver.api("GET", "/technicians/T-07", 404)


async def test_what_is_needed_cannot_be_deleted(tmp_path):
    """A supplier of parts, a part that is promised; each is told, and stays."""
    async with running(tmp_path) as receiver:
        await receiver.api("PUT", "/suppliers/acme", 201, json={"name": "Acme", "lead_days": 3})
        part = {"title": "Pump", "supplier": "acme", "stock": 2}
        await receiver.api("PUT", "/parts/P-1", 201, json=part)
        problem = await receiver.api("DELETE", "/suppliers/acme", 409)
        assert "in use" in problem["detail"]
        name = await receiver.database.write(people.reserve, "P-1", 2, NEVER)
        assert (await receiver.api("GET", "/parts/P-1"))["reserved"] == 2
        await receiver.api("DELETE", "/parts/P-1", 409)
        problem = await receiver.api("PUT", "/parts/P-1", 422, json=part | {"stock": 1})
        assert problem["errors"] == [
            {"field": "stock", "value": "1", "fix": "2 are reserved: 2 or more"}
        ]
        await receiver.database.write(stock.take, name)
        await receiver.api("DELETE", "/parts/P-1")
        await receiver.api("DELETE", "/suppliers/acme")


async def test_a_desk_has_hours_and_holidays(tmp_path):
    """Until somebody says, it keeps office hours."""
    async with running(tmp_path) as receiver:
        assert (await receiver.database.read(people.find_desk)).hours[4] == ((540, 1020),)
        body = {
            "zone": "Europe/Berlin",
            "hours": "Mon-Sat 08:00-20:00",
            "holidays": ["2026-12-25"],
        }
        await receiver.api("PUT", "/desks/service", 201, json=body)
        desk = await receiver.database.read(people.find_desk)
        assert (desk.hours[5], desk.zone) == (((480, 1200),), "Europe/Berlin")
        assert [day.isoformat() for day in desk.holidays] == ["2026-12-25"]
        await receiver.api("PUT", "/desks/kitchen", 404, json=body)


WRONG = [
    ("POST", "/owners", {"name": "J"}, ["zone"]),
    ("POST", "/owners", JANE | {"zone": "Berlin", "mail": "jane"}, ["mail", "zone"]),
    ("POST", "/owners", JANE | {"consents": ["all"]}, ["consents"]),
    ("POST", "/owners", JANE | {"colour": "red"}, ["colour"]),
    ("PUT", "/appliances/00000000000000ff", {}, ["device"]),
    ("PUT", "/technicians/T-07", TOM | {"hours": "always"}, ["hours"]),
    ("PUT", "/technicians/T-07", TOM | {"leave": ["2026-13-01"]}, ["leave"]),
    ("PUT", "/parts/P-1", {"title": "Pump", "stock": -1}, ["stock"]),
    ("PUT", "/parts/P-1", {"title": "Pump", "supplier": "nobody"}, ["supplier"]),
    ("PUT", "/parts/P-1", {"title": "Pump", "vans": ["T-99=1"]}, ["vans"]),
    ("PUT", "/desks/service", {"holidays": ["Christmas"]}, ["holidays"]),
]


async def test_wrong_bodies_are_refused(tmp_path):
    """Each refusal names each field that is wrong, and nothing is written."""
    async with running(tmp_path) as receiver:
        for method, path, body, fields in WRONG:
            problem = await receiver.api(method, path, 422, json=body)
            assert sorted(error["field"] for error in problem["errors"]) == fields
        for shelf in SHELVES:
            assert (await receiver.api("GET", f"/{shelf.kind.name}"))["items"] == []


async def test_who_is_not_there(tmp_path):
    """Unknown ones are 404, and a number belongs to one owner."""
    async with running(tmp_path) as receiver:
        for path in (
            "/owners/" + "0" * 16,
            "/appliances/" + "0" * 16,
            "/technicians/T",
            "/parts/P",
        ):
            for method in ("GET", "DELETE"):
                await receiver.api(method, path, 404)
        await receiver.api("PUT", "/owners/" + "0" * 16, 404, json=JANE)
        await receiver.api("POST", "/owners", 201, json=JANE)
        problem = await receiver.api("POST", "/owners", 409, json=JANE | {"name": "Jim"})
        assert "number" in problem["detail"]
        voice = await receiver.register()
        body = {"owner": "0" * 16}
        problem = await receiver.api("PUT", f"/appliances/{voice.device}", 422, json=body)
        assert problem["errors"][0]["field"] == "owner"


async def test_listings_are_paged(tmp_path):
    """Each is there once, in the order of the keys."""
    async with running(tmp_path) as receiver:
        for number in range(5):
            await receiver.api("PUT", f"/parts/P-{number}", 201, json={"title": "x"})
        found, cursor = [], ""
        while cursor is not None:
            page = await receiver.api("GET", f"/parts?limit=2{cursor and '&cursor=' + cursor}")
            found += [item["part"] for item in page["items"]]
            cursor = page["next"]
        assert found == [f"P-{number}" for number in range(5)]
        await receiver.api("GET", "/parts?colour=red", 400)
