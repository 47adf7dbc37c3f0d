"""A remote fix on the real agent: asked whether it is idle, mended by a command, compared."""

import asyncio

import pytest

from tests.flow.conftest import WITHIN_S, until_ticket

# What a maker's firmware would have: a command that works a door lock that has hung itself up.
COMMAND = """
[[command]]
name = "work_lock"
title = "Work the door lock three times"
code = 128
"""
ACTION = """
[[fault.action]]
id = "work_lock"
kind = "remote_fix"
command = "work_lock"
args = { 0 = "door_lock", 1 = false }
success = { lock_defective = 0.10 }
"""


@pytest.fixture
def quick_products(quick_products):
    """A washer whose control can work its door lock."""
    path = quick_products / "washer.toml"
    text = path.read_text()
    at = text.index("[[fault.action]]", text.index('code = "E60"'))
    path.write_text(text[:at] + ACTION.lstrip() + text[at:] + COMMAND)
    return quick_products


async def until(desk, path, is_good):
    """What the API says at a path, once it is good."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            found = await desk.get(path)
            if is_good(found):
                return found
            await asyncio.sleep(0.1)


async def choose(desk, ticket):
    """Have the machine mended by command instead of what the receiver chose; the action's path."""
    path = f"/tickets/{ticket['id']}"
    care = await until(desk, path + "/care", lambda found: found["actions"])
    chosen = {"kind": "remote_fix", "action_id": "work_lock", "reason": "try it"}
    under_way = [action["n"] for action in care["actions"] if not action["ended_at"]]
    instead = {"instead_of": under_way[0]} if under_way else {}
    made = await desk.post(path + "/actions", json=chosen | instead)
    return f"{path}/actions/{made['actions'][-1]['n']}"


async def test_an_idle_machine_is_mended_by_a_command(installation):
    """It waits for its door, the command goes out, the fault heals, and all of it is kept."""
    receiver = installation.receiver
    async with receiver.desk() as desk:
        log = await installation.add_board(desk, "washer", receiver.mqtt, heartbeat_s=1)
        await log.until("acked")
        await log.board.say(fault="door_lock", on=True)
        ticket = await until_ticket(desk, log, "E60")
        path = await choose(desk, ticket)
        await log.until("command", code=129)
        await log.until("command", code=128, status=0)
        await log.until("transition", kind="healed", code="E60")
        found = await until(desk, path + "/progress", lambda f: f["state"] != "running")
        assert found["state"] == "helped"
        rows = found["fix"]["compared"]
        compared = {row["name"]: (row["before"], row["after"]) for row in rows}
        assert compared["fault"] == ("confirmed", "healed")
        assert compared["active faults"][1] == "none"
        codes = [event.facts["code"] for event in log.events if event.name == "command"]
        assert codes[-1] == 128
        await until_ticket(desk, log, "E60", "resolved")
