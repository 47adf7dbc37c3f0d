"""The desk tells an appliance what to do, over both transports, whatever is lost on the way."""

import asyncio
import random
import sqlite3
from contextlib import closing

import pytest

from phonehome.core.pushed import Pushed
from phonehome.ports.files import Folder
from phonehome.ports.slots import Slots
from phonehome_wire.registry import RTYPE_RESULT
from tests.fakes.board import DEVICE, KEY
from tests.flow.conftest import WITHIN_S, until_ticket
from tests.flow.proxy import CuttingProxy

QUICK = {"heartbeat_s": 1}
GATHER, ACK = 2, 3  # keys of phonehome_wire.pushed
COMMANDS = [
    ({"code": "ping"}, "done"),
    ({"code": "send_hello"}, "done"),
    ({"code": "clear_faults"}, "done"),
    ({"code": "send_log", "args": {"lines": 4}}, "done"),
    ({"code": "resend_range", "args": {"boot": 1, "first": 0, "last": 0}}, "done"),
    ({"code": "set_log_level", "args": {"severity": "debug"}}, "done"),
    ({"code": "reboot"}, "refused"),
    ({"code": 128, "args": {"0": "leak", "1": True}}, "done"),
    ({"code": 128, "args": {}}, "failed"),
    ({"code": 129}, "done"),
    ({"code": 130}, "done"),
    ({"code": 200}, "unknown"),
]


async def order(desk, log, body):
    """Give a command; its path."""
    path = f"/api/v1/devices/{log.device}/commands"
    made = await desk._call("POST", path, json=body)
    return f"{path}/{made['id']}"


async def until(desk, path, good):
    """What a page of the API says, once it is good."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            found = await desk._call("GET", path)
            if good(found):
                return found
            await asyncio.sleep(0.05)


async def until_ended(desk, path):
    """A command that has ended."""
    return await until(desk, path, lambda found: found["ended_at"])


async def wish(desk, log, values):
    """Wish for a configuration; its path."""
    path = f"/api/v1/devices/{log.device}/config"
    await desk._call("PUT", path, json={"values": values})
    return path


def count_results(installation):
    """How many results of commands are stored."""
    database = installation.receiver.folder / "receiver.db"
    with closing(sqlite3.connect(database)) as connection:
        statement = f"SELECT count(*) FROM record WHERE rtype = {RTYPE_RESULT}"
        return connection.execute(statement).fetchone()[0]


@pytest.mark.parametrize("transport", ["http", "mqtt"])
async def test_every_command_has_its_result(installation, transport):
    """Each command of the table comes back with its result, in the order they were given."""
    async with installation.receiver.desk() as desk:
        server = getattr(installation.receiver, transport)
        log = await installation.add_board(desk, "washer", server, **QUICK)
        await log.until("acked")
        paths = [await order(desk, log, body) for body, _ in COMMANDS]
        found = [await until_ended(desk, path) for path in paths]
        assert [one["state"] for one in found] == [state for _, state in COMMANDS]
        assert found[0]["value"] > 0
        assert found[3]["value"] == 4
        assert found[9]["value"] in {0, 1}
        assert len(found[10]["value"]) == 16
        assert [event.facts["code"] for event in log.events if event.name == "command"] == [
            one["code"] for one in found
        ]
        await until_ticket(desk, log, "E80")


@pytest.mark.parametrize("transport", ["http", "mqtt"])
@pytest.mark.parametrize("lost", [(1,), (2,), (3,), (4,), (1, 2, 3), (2, 4)])
async def test_done_once_whatever_is_lost(installation, transport, lost):
    """Whichever answer is lost, the ack, the command or what follows: done once, answered once."""
    receiver = installation.receiver
    async with receiver.desk() as desk, CuttingProxy(getattr(receiver, transport)) as proxy:
        log = await installation.add_board(desk, "washer", proxy.address, **QUICK)
        await log.until("acked")
        proxy.lose_answers(*lost)
        body = {"code": 128, "args": {"0": "leak", "1": False}}
        found = await until_ended(desk, await order(desk, log, body))
        assert found["state"] == "done"
        await proxy.until_answers(max(lost) + 1)
        assert proxy.cuts == len(lost)
        assert (log.count("command"), count_results(installation)) == (1, 1)


async def test_a_command_outlives_the_receiver(installation):
    """Killed between order and device, the receiver still knows what it was asked."""
    receiver = installation.receiver
    async with receiver.desk() as desk:
        log = await installation.add_board(desk, "washer", receiver.http, heartbeat_s=3)
        await log.until("acked")
        path = await order(desk, log, {"code": "ping"})
        await receiver.kill()
        await receiver.start()
        assert (await until_ended(desk, path))["state"] == "done"
        assert log.count("command") == 1


@pytest.mark.parametrize("transport", ["http", "mqtt"])
async def test_a_configuration_is_applied_and_stays(installation, transport):
    """Pushed, applied, acknowledged, kept: after a power cut the next boot still has it."""
    async with installation.receiver.desk() as desk:
        server = getattr(installation.receiver, transport)
        log = await installation.add_board(desk, "washer", server, trial_s=4, **QUICK)
        await log.until("acked")
        path = await wish(desk, log, {"heartbeat_s": 2, "E80.on_delay_ms": 400})
        await log.until("config", state="kept", version=1)
        found = await until(desk, path, lambda c: c["state"] == "applied")
        assert {s["status"] for s in found["statuses"]} == {"ok"}
        await log.power_cut()
        await log.power_on()
        await log.until("boot", 2)
        await log.until_empty()
        found = await until(desk, path, lambda c: c["reported"] == 1)
        assert (found["state"], log.count("config", state="reverted")) == ("applied", 0)
        assert log.count("command") == 1


async def test_a_receiver_that_goes_silent(installation):
    """When nothing answers after it was applied, the device goes back, and the desk hears it."""
    receiver = installation.receiver
    async with receiver.desk() as desk, CuttingProxy(receiver.http) as proxy:
        log = await installation.add_board(desk, "washer", proxy.address, trial_s=3, **QUICK)
        await log.until("acked")
        path = await wish(desk, log, {"gather_ms": 20})
        await log.until("config", state="trial")
        proxy.lose_answers(*range(1, 1000))
        await log.until("config", state="reverted", version=0)
        proxy.lose_answers()
        found = await until(desk, path, lambda c: c["state"] == "reverted")
        assert (found["reported"], found["tries"]) == (0, 1)
        assert found["next_try_at"]


async def test_bad_values_are_refused_one_by_one(installation):
    """A device whose product is another than the desk believes says which values are none."""
    async with installation.receiver.desk() as desk:
        log = await installation.add_board(desk, "fridge", installation.receiver.http, **QUICK)
        database = installation.receiver.folder / "receiver.db"
        with closing(sqlite3.connect(database)) as connection:
            connection.execute("UPDATE device SET product = 'washer'")
            connection.commit()
        await log.until("acked")
        path = await wish(desk, log, {"ack_s": 7, "E80.on_delay_ms": 400})
        found = await until(desk, path, lambda c: c["state"] == "refused")
        assert found["statuses"] == [
            {"name": "E80.on_delay_ms", "status": "unknown"},
            {"name": "ack_s", "status": "ok"},
        ]
        assert (found["reported"], log.count("config")) == (0, 0)


async def test_killed_while_applying(installation):
    """Killed at any moment around it, the device has the old or the new one, and gets there."""
    draw = random.Random(3)
    async with installation.receiver.desk() as desk:
        server = installation.receiver.mqtt
        log = await installation.add_board(desk, "washer", server, trial_s=60, **QUICK)
        await log.until("acked")
        for number in range(1, 9):
            seen = log.count("config", state="trial")
            path = await wish(desk, log, {"ack_s": number, "gather_ms": number})
            if number % 2:
                await log.until("config", seen + 1, state="trial")
            else:
                await asyncio.sleep(draw.random() * 0.1)
            await log.power_cut()
            slots = Slots(Folder(str(log.board.home.path / "flash")), "config")
            version, values = Pushed(slots).current
            assert version in ({number} if number % 2 else {number - 1, number})
            assert values == {GATHER: version, ACK: version}
            await log.power_on()
            found = await until(desk, path, lambda c, v=number: c["reported"] == v)
            assert found["version"] == number


async def die(board):
    """Start a boot and see it end by itself."""
    await board.start()
    await board.process.wait()
    await board.kill()


async def test_a_boot_loop_under_it_heals(installation, make_board):
    """Kept, then deadly: the safe start goes back, is killed again and again, and the desk hears.

    The reboot that it orders then finds the application alive under the configuration before; the
    one that killed is refused when it is pushed again, with a status for each key.
    """
    receiver, device = installation.receiver, DEVICE.hex()
    body = {"device": device, "product": "washer", "key": KEY.hex()}
    async with receiver.desk() as desk:
        await desk._call("POST", "/api/v1/devices", json=body)
        board = make_board(receiver.http)
        board.settings.update(dog=True, watchdog_ms=5000, heartbeat_s=1, trial_s=4, dislikes=77)
        path = f"/api/v1/devices/{device}/config"
        await board.start()
        for version, gather_ms in ((1, 33), (2, 77)):
            await desk._call("PUT", path, json={"values": {"gather_ms": gather_ms}})
            await board.event("config", state="kept", version=version)
            await until(desk, path, lambda c: c["state"] == "applied")
        await board.kill()  # young: the first of three
        for _ in range(2):
            await die(board)
        draw = random.Random(5)
        for _ in range(6):
            await board.start()
            await asyncio.sleep(draw.random() * 0.3)
            await board.kill()
        await board.start()
        await board.event("safe")
        found = await until(desk, path, lambda c: c["state"] == "reverted")
        assert found["reported"] == 1
        assert len([e for e in board.events if e.get("state") == "reverted"]) <= 1
        await desk._call("POST", f"/api/v1/devices/{device}/commands", json={"code": "reboot"})
        await board.process.wait()
        await board.kill()
        alive = len([e for e in board.events if e["event"] == "transition"])
        await board.start()
        board.break_flow()
        await board.event("transition", count=alive + 1)
        with closing(sqlite3.connect(receiver.folder / "receiver.db")) as connection:
            connection.execute("UPDATE device_config SET due_at = 0")
            connection.commit()
        found = await until(desk, path, lambda c: c["state"] == "refused")
        assert found["statuses"] == [{"name": "gather_ms", "status": "boot_loop"}]
        assert (found["reported"], board.process.returncode) == (1, None)
