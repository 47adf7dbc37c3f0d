"""The second act of the demo: a pump dies, and is replaced when somebody is home.

Owner and technician are played here: they read real letters and press the buttons of the pages
that those lead to. Everything else is decided by the receiver.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import aiohttp

from .board import Board
from .desk import Desk
from .errors import ChildError
from .letterbox import Letterbox

PRODUCT: Final = "washer"
FAULT, CODE = "pump_open", "E22"
PART, CAUSE = "WM-PUMP-01", "pump_winding_open"
PUBLIC: Final = "https://service.example"

MILESTONES: Final = (
    ("pump_dead", "Ada's washer: the winding of the drain pump opens"),
    ("diagnosed", "the receiver ranks the causes"),
    ("asked", "Ada gets a letter with three times for a visit"),
    ("booked", "she chooses the one that suits her"),
    ("sheet", "the technician has the job sheet, and a pump in the van"),
    ("replaced", "the pump is replaced, the job is closed"),
    ("learnt", "the receiver has learnt what it was"),
    ("closed", "the ticket is closed"),
)
ADAS_MAIL, MIAS_MAIL = "ada@example.org", "mia@acme.example"
ADA: Final = {
    "number": "C-1",
    "name": "Ada Lovelace",
    "mail": ADAS_MAIL,
    "language": "en",
    "street": "Kirchweg 5",
    "postcode": "10115",
    "city": "Berlin",
    "country": "DE",
    "zone": "Europe/Berlin",
    "consents": ["visit"],
}
MIA: Final = {
    "name": "Mia",
    "mail": MIAS_MAIL,
    "zone": "Europe/Berlin",
    "language": "en",
    "skills": ["electric", "pump"],
    "area": ["DE-10"],
    "hours": "Mon-Sun 08:00-20:00",
}

Reach = Callable[[str, str], None]


def mail_environment(box: Letterbox) -> Mapping[str, str]:
    """What a receiver has to know to write letters to this box, at any hour."""
    return {
        "PHONEHOME_MAIL_URL": f"smtp://localhost:{box.port}",
        "PHONEHOME_MAIL_SENDER": "service@acme.example",
        "PHONEHOME_SERVER_PUBLIC_URL": PUBLIC,
        "PHONEHOME_TELLING_QUIET": "00:00-00:00",
    }


class ServiceAct:
    """Plays owner and technician of one washer; `reach` hears of each milestone."""

    def __init__(self, desk: Desk, url: str, board: Board, box: Letterbox, reach: Reach) -> None:
        self._desk = desk
        self._url = url
        self._board = board
        self._box = box
        self._reach = reach

    async def move_in(self) -> None:
        """Write down who lives there, who drives, and what lies in the depot."""
        owner = await self._desk.post("/owners", json=ADA)
        machine = {"owner": owner["owner"], "serial": "WM-77", "bought": "2023-05-02"}
        await self._desk.put(f"/appliances/{self._board.home.device}", json=machine)
        await self._desk.put("/technicians/mia", json=MIA)
        for number in (PART, "WM-BOARD-01"):
            part = {"title": number, "price": "48.90", "stock": 1}
            await self._desk.put(f"/parts/{number}", json=part)

    async def play(self) -> None:
        """From the dead pump to the closed ticket."""
        await self._board.say(fault=FAULT, on=True)
        self._reach("pump_dead", "")
        subject, letter = await self._box.wait_for(ADAS_MAIL, f"{PUBLIC}/v/")
        await self._tell_diagnosis()
        self._reach("asked", subject)
        await self._choose(letter)
        subject, job = await self._box.wait_for(MIAS_MAIL, f"{PUBLIC}/j/")
        self._reach("sheet", subject)
        await self._replace(job)

    async def _tell_diagnosis(self) -> None:
        ticket = await self._ticket()
        found = await self._desk.get(f"/tickets/{ticket['id']}/diagnoses")
        best = found["items"][0]["causes"][0]
        self._reach("diagnosed", f"{best['title']}, {best['probability']:.0%}")

    async def _choose(self, letter: str) -> None:
        path = _link(letter, "v")
        offered = re.findall(r'name="start_at" value="(\d+)"', await self._page(path))
        if not offered:
            raise ChildError("the letter proposes no time for a visit")
        await self._page(path, do="choose", start_at=offered[0])
        subject, _ = await self._box.wait_for(ADAS_MAIL, "thank you")
        self._reach("booked", subject)

    async def _replace(self, job: str) -> None:
        await self._board.say(fault=FAULT, on=False)
        done = {"result": "fixed", "cause": CAUSE, f"part:{PART}": "1"}
        await self._page(_link(job, "j"), **done, minutes="35", text="new pump")
        self._reach("replaced", "")

    async def learn_ticket(self, ticket: Mapping[str, Any]) -> None:
        """What the desk tells of the ticket, once it is closed."""
        if ticket["code"] != CODE or ticket["state"] != "closed":
            return
        whole = await self._desk.ticket(ticket["id"])
        learnt = [entry for entry in whole["history"] if entry["kind"] == "learnt"]
        if learnt:
            self._reach("learnt", str(learnt[-1]["text"] or ""))
            self._reach("closed", "")

    async def _ticket(self) -> Mapping[str, Any]:
        for ticket in await self._desk.tickets(self._board.home.device):
            if ticket["code"] == CODE:
                return ticket
        raise ChildError(f"there is no ticket {CODE}")

    async def _page(self, path: str, **form: str) -> str:
        """A page behind a link, opened or sent a form."""
        method = "POST" if form else "GET"
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, self._url + path, data=form or None) as answer,
        ):
            text = await answer.text()
            if answer.status != 200:
                raise ChildError(f"{method} {path.rpartition('/')[0]}: HTTP {answer.status}")
            return text


def _link(letter: str, kind: str) -> str:
    """The path of a link in a letter."""
    found = re.search(re.escape(PUBLIC) + rf"(/{kind}/\S+)", letter)
    if found is None:
        raise ChildError("the letter has no link")
    return found[1]
