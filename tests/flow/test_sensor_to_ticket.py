"""The main job: a sensor goes wrong, a ticket opens with its freeze frame, and resolves itself."""

import pytest

from tests.flow.conftest import until_ticket


def series(ticket, name):
    """The samples of one sensor in a ticket's newest freeze frame."""
    channels = ticket["freeze_frames"][0]["channels"]
    return next(channel["values"] for channel in channels if channel["name"] == name)


@pytest.mark.parametrize(
    ("product", "transport", "fault", "code", "sensor"),
    [
        ("washer", "mqtt", "leak", "E80", "pan_water"),
        ("fridge", "http", "fresh_ntc_open", "F60", "fresh_temp"),
        ("fridge", "mqtt", "ambient_lost", "F80", "ambient_temp"),
        ("washer", "http", "undervoltage", "E90", "supply_voltage"),
    ],
)
async def test_a_fault_becomes_a_ticket_and_heals(
    installation, product, transport, fault, code, sensor
):
    """A broken appliance gets one ticket with samples; mended, the ticket resolves by itself."""
    server = getattr(installation.receiver, transport)
    async with installation.receiver.desk() as desk:
        log = await installation.add_board(desk, product, server)
        await log.until("acked")
        await log.board.say(fault=fault, on=True)
        await log.until("transition", kind="confirmed", code=code)
        ticket = await until_ticket(desk, log, code)
        assert len(series(ticket, sensor)) > 1
        assert [t["code"] for t in await desk.tickets(log.device)] == [code]
        await log.board.say(fault=fault, on=False)
        await log.until("transition", kind="healed", code=code)
        resolved = await until_ticket(desk, log, code, "resolved")
        assert resolved["id"] == ticket["id"]
        ends = [h for h in resolved["history"] if h["to_state"] == "resolved"]
        assert [h["rule"] for h in ends] == ["healed long enough"]
