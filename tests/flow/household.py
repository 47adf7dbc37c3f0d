"""An owner with a washing machine: the real agent, a real receiver, a real mail server between.

The owner reads their letters there and follows the links in them, as people do.
"""

import asyncio
import re
from datetime import UTC, datetime, timedelta

import aiohttp

from tests.flow.conftest import WITHIN_S, until_ticket

PUBLIC = "https://service.example"
OWNER = {
    "number": "C-1",
    "name": "Ada Lovelace",
    "mail": "ada@example.org",
    "phone": "+4930123456",
    "language": "de",
    "street": "Kirchweg 5",
    "postcode": "10115",
    "city": "Berlin",
    "country": "DE",
    "zone": "Europe/Berlin",
}


def mail_settings(box):
    """What a receiver has to know to write letters at any hour."""
    return {
        "PHONEHOME_MAIL_URL": f"smtp://localhost:{box.port}",
        "PHONEHOME_MAIL_SENDER": "service@acme.example",
        "PHONEHOME_SERVER_PUBLIC_URL": PUBLIC,
        "PHONEHOME_TELLING_QUIET": "00:00-00:00",
        "PHONEHOME_TELLING_DAILY_CAP": "100",
    }


class Household:
    """The owner of one washer; `desk` is the API, `log` what the machine says."""

    def __init__(self, installation, desk, log, box):
        self.receiver = installation.receiver
        self.desk = desk
        self.log = log
        self.box = box

    async def move_in(self, age_days=400, consents=()):
        """Write owner, machine, desk and operator down."""
        call = self.desk._call
        owner = await call("POST", "/api/v1/owners", json={**OWNER, "consents": list(consents)})
        bought = (datetime.now(UTC) - timedelta(days=age_days)).date().isoformat()
        machine = {"owner": owner["owner"], "serial": "WM-77", "bought": bought}
        await call("PUT", f"/api/v1/appliances/{self.log.device}", json=machine)
        for name in ("service", "sales"):
            body = {"mail": f"{name}@acme.example", "language": "en", "zone": "Europe/Berlin"}
            body |= {"hours": "Mon-Sun 00:00-24:00", "holidays": []}
            await call("PUT", f"/api/v1/desks/{name}", json=body)
        operator = {"mail": "eve@acme.example", "skills": ["water"]}
        await call("PUT", "/api/v1/operators/eve", json=operator)

    async def break_machine(self, fault, code):
        """Something breaks; the ticket about it, once there is one."""
        await self.log.board.say(fault=fault, on=True)
        await self.log.until("transition", kind="confirmed", code=code)
        # Something may be done about it already.
        return await until_ticket(self.desk, self.log, code, "open", "in_progress")

    async def letter(self, to, words):
        """The newest letter to an address with these words in its text."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                for address, message in reversed(list(self.box.letters)):
                    text = message.get_body(("plain",)).get_content()
                    if address == to and words in text:
                        return text
                await asyncio.sleep(0.1)

    async def open(self, letter):
        """Follow the link in a letter; the page."""
        self.path = re.search(re.escape(PUBLIC) + r"(/o/\S+)", letter)[1]
        return await self.look()

    async def look(self):
        """The owner's page as it is now."""
        async with (
            aiohttp.ClientSession() as session,
            session.get(self.receiver.http + self.path) as answer,
        ):
            assert answer.status == 200, await answer.text()
            return await answer.text()

    async def press(self, do, **fields):
        """One button of the page, with the action that it stands under."""
        n = re.search(r'name="n" value="(\d+)"', await self.look())[1]
        async with aiohttp.ClientSession() as session:
            form = {"do": do, "n": n, **fields}
            async with session.post(self.receiver.http + self.path, data=form) as answer:
                assert answer.status == 200, await answer.text()
                return await answer.text()

    async def until_page(self, words):
        """The page, once it says so."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                text = await self.look()
                if words in text:
                    return text
                await asyncio.sleep(0.1)

    async def until_nothing_in_hand(self):
        """Wait until nobody at the desk has a ticket any more."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                found = await self.desk._call("GET", "/api/v1/assignments")
                if not found["items"]:
                    return
                await asyncio.sleep(0.1)

    async def actions(self, ticket):
        """What was done about a ticket: (kind, state), from its history."""
        found = {}
        for entry in (await self.desk.ticket(ticket["id"]))["history"]:
            evidence = entry["evidence"] or {}
            if entry["kind"] == "action" and entry["to_state"] and "n" in evidence:
                found[evidence["n"]] = (evidence["kind"], entry["to_state"])
        return [found[n] for n in sorted(found)]
