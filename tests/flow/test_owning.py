"""From the console of the real agent to an owner: the code that a board tells counts."""

import asyncio

from phonehome_cloud.store import people
from tests.cloud.running import running
from tests.cloud.test_claiming import JANE, claim
from tests.fakes.board import DEVICE, KEY
from tests.fakes.typing_board import TypingBoard


async def test_the_console_tells_a_good_code(micropython, micropython_environment, tmp_path):
    """Asked twice it is the same; it makes an owner; after a restart it is another one."""
    async with running(tmp_path) as receiver:
        body = {"device": DEVICE.hex(), "product": "washer", "key": KEY.hex()}
        await receiver.api("POST", "/devices", 201, json=body)
        parts = micropython, micropython_environment, tmp_path
        told = []
        for _ in range(2):
            board = TypingBoard(*parts, server=receiver.url)
            await asyncio.to_thread(board.__enter__)
            try:
                told.append(await asyncio.to_thread(board.ask, "claim"))
                assert await asyncio.to_thread(board.ask, "claim") == told[-1]
                heard = await receiver.eventually(
                    lambda: receiver.api("GET", f"/devices/{DEVICE.hex()}"),
                    lambda found: (found["presence"] or {}).get("boot") == len(told),
                )
                assert heard["presence"]
            finally:
                board.__exit__()
        first, second = (each["code"] for each in told)
        assert first != second
        assert told[0]["device"] == DEVICE.hex()
        assert (await claim(receiver, DEVICE.hex(), first, JANE))[0] == 422
        assert (await claim(receiver, DEVICE.hex(), second, JANE))[0] == 200
        assert (await receiver.database.read(people.find_owner, DEVICE.hex())).name == JANE["name"]
