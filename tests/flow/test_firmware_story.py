"""A firmware bug on 500 devices: one incident, and one decision for all their tickets.

The receiver is a process of its own; one washer is the real agent under unix MicroPython, the
other 499 speak its wire over HTTP with signed reports of the same build.
"""

import asyncio
import contextlib
import time

import aiohttp
import pytest

from phonehome_tools.fleet.children import Children
from tests.cloud.running import CONTENT_TYPE
from tests.cloud.voice import Voice
from tests.fakes.mailbox import mailbox
from tests.flow.conftest import Installation, until_ticket
from tests.flow.household import Household, mail_settings

OTHERS = 499
E90 = (520203, 18)
WITHIN_S = 90
OPEN_GATES = {
    f"PHONEHOME_INTAKE_{name}": "1000000"
    for name in ("ADDRESS_PER_S", "ADDRESS_BURST", "KEY_PER_S", "KEY_BURST")
}


@pytest.fixture
async def home(tmp_path, quick_products, monkeypatch):
    """A receiver that writes letters, and one washer in a home."""
    with mailbox() as box:
        for name, value in (mail_settings(box) | OPEN_GATES).items():
            monkeypatch.setenv(name, value)
        async with Children() as children, contextlib.AsyncExitStack() as stack:
            installation = Installation(tmp_path, children, quick_products)
            await installation.receiver.start()
            desk = await stack.enter_async_context(installation.receiver.desk())
            log = await installation.add_board(desk, "washer", installation.receiver.mqtt)
            await log.until("acked")
            made = Household(installation, desk, log, box)
            await made.move_in(consents=["visit", "part"])
            yield made


class Others:
    """Washers of the same build somewhere else."""

    def __init__(self, home, build):
        self._home = home
        self._build = build
        self.voices = [Voice() for _ in range(OTHERS)]

    async def say_it(self):
        """All are registered and confirm the same fault."""
        turns = asyncio.Semaphore(20)
        async with aiohttp.ClientSession() as session:
            await asyncio.gather(*(self._one(voice, session, turns) for voice in self.voices))

    async def _one(self, voice, session, turns):
        async with turns:
            body = {"device": voice.device, "product": "washer", "key": voice.key.hex()}
            await self._home.desk.post("/devices", json=body)
            report = voice.report(voice.fault(*E90), build=self._build)
            url = self._home.receiver.http + "/v1/up"
            headers = {"Content-Type": CONTENT_TYPE}
            async with session.post(url, data=report, headers=headers) as answer:
                assert answer.status == 200
                voice.hear(await answer.read())


async def until(ask, is_so):
    """What was asked for, as soon as it is like that."""
    end_s = time.monotonic() + WITHIN_S
    while not is_so(found := await ask()):
        assert time.monotonic() < end_s, found
        await asyncio.sleep(0.2)
    return found


async def test_a_firmware_bug_is_one_incident(home):
    """500 tickets, one incident by their build, one letter to the desk; resolved once, all are."""
    desk, device = home.desk, home.log.device
    ticket = await home.break_machine("undervoltage", "E90")
    build = (await desk.get(f"/devices/{device}"))["presence"]["build"]
    await Others(home, bytes.fromhex(build)).say_it()

    items = (await until(lambda: desk.get("/incidents"), lambda p: p["items"]))["items"]
    path = f"/incidents/{items[0]['id']}"
    incident = await until(lambda: desk.get(path), lambda i: i["ticket_count"] == OTHERS + 1)
    assert (incident["trait"], incident["value"], incident["state"]) == (
        "build",
        build,
        "suspected",
    )
    assert len((await desk.get("/incidents"))["items"]) == 1
    cared = await desk.get(f"/tickets/{ticket['id']}/care")
    assert cared["incident"] == incident["id"]
    assert not [
        a for a in cared["actions"] if a["kind"] in ("visit", "part") and not a["ended_at"]
    ]

    await home.letter("service@acme.example", incident["value"])
    alerts = [to for to, letter in home.box.letters if "many devices" in str(letter["Subject"])]
    assert alerts == ["service@acme.example"]

    await home.log.board.say(fault="undervoltage", on=False)
    wish = {"state": "resolved", "reason": "2.3.2 is out"}
    await desk.post(path + "/state", json=wish)
    await until(lambda: desk.get(path), lambda i: not i["is_following"])
    open_now = {"state": "open,acknowledged,in_progress", "fault": "E90"}
    await until(lambda: desk.get("/tickets", **open_now), lambda p: not p["items"])
    whole = await until_ticket(desk, home.log, "E90", "resolved")
    assert whole["id"] == ticket["id"]
