"""A washer on a Pico without a network: what it found survives a reset and leaves over USB."""

import asyncio
from binascii import a2b_base64, b2a_base64

import aiohttp

from phonehome_tools.pico import settings
from phonehome_tools.pico.board import PicoBoard
from phonehome_wire import registry
from phonehome_wire.envelope import unseal
from phonehome_wire.keys import up_key
from phonehome_wire.uplink import decode_uplink
from tests.flow.conftest import until_ticket
from tests.pico.conftest import last

REPORT = "PH:"
COSE = 'application/cose; cose-type="cose-mac0"'


class Gateway:
    """The computer at the other end of the cable: reports go to the receiver, acks come back."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url = f"{url}/v1/up"
        self._session = session
        self._loop = asyncio.get_running_loop()
        self.reports: list[bytes] = []

    def answer(self, line: str) -> str | None:
        """Pass a printed report on; called in the thread that listens to the board."""
        if not line.startswith(REPORT):
            return None
        report = a2b_base64(line.removeprefix(REPORT))
        self.reports.append(report)
        posting = asyncio.run_coroutine_threadsafe(self._post(report), self._loop)
        return b2a_base64(posting.result(20), newline=False).decode()

    async def _post(self, report: bytes) -> bytes:
        headers = {"Content-Type": COSE}
        async with self._session.post(self._url, data=report, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.read()


def records_of(gateway: Gateway, washer) -> list:
    """All records that came out, each report verified with the device's key."""
    key = up_key(washer.key, bytes.fromhex(washer.device))
    uplinks = [decode_uplink(unseal(report, key)) for report in gateway.reports]
    return [record for uplink in uplinks for record in uplink.records]


async def test_a_fault_survives_a_reset_and_becomes_a_ticket(receiver, washer):
    """E21 is confirmed on real firmware, lies on flash over a reset, and opens a ticket."""
    machine = settings.pico()
    image = washer.image(machine, server="http://10.0.0.1:1")
    async with aiohttp.ClientSession() as session, receiver.desk() as desk:
        gateway = Gateway(receiver.http, session)
        with PicoBoard(machine, image) as pico:
            script = "import washing; washing.wash_unplugged('drain_blocked', 'E21')"
            before = await asyncio.to_thread(pico.run_until_reset, script)
            after = await asyncio.to_thread(
                pico.converse, "import washing; washing.hand_over()", gateway.answer
            )
            again = await asyncio.to_thread(
                pico.converse, "import washing; washing.hand_over()", gateway.answer
            )
        ticket = await until_ticket(desk, washer, "E21")
    waiting = last(before, "state")["depth"]
    assert last(before, "state")["boot"] == 1
    assert last(after, "state")["boot"] == 2
    assert last(after, "end")["waited"] == waiting >= 3
    assert (last(after, "state")["depth"], last(after, "state")["dropped"]) == (0, 0)
    assert last(again, "state")["boot"] == 3
    assert last(again, "end")["waited"] == 0
    check_records(records_of(gateway, washer), waiting)
    levels = next(
        channel["values"]
        for channel in ticket["freeze_frames"][0]["channels"]
        if channel["name"] == "water_level"
    )
    assert len(levels) == 20 and min(levels) > 80


def check_records(records: list, waiting: int) -> None:
    """Both boots said hello, and the first one's fault came with its frame."""
    assert all(record.defect is None for record in records)
    assert len({(record.boot, record.seq) for record in records}) == len(records)
    boots = [record.boot for record in records if record.rtype == registry.RTYPE_HELLO]
    assert {1, 2, 3} <= set(boots)
    assert sum(record.boot == 1 for record in records) == waiting
    faults = [record.body for record in records if record.rtype == registry.RTYPE_FAULT]
    confirmed = [f for f in faults if f.get(registry.FAULT_KIND, 0) == registry.KIND_CONFIRMED]
    assert any(registry.FAULT_FREEZE in fault for fault in confirmed)
