"""A board as it comes out of its box: a clock that says 2021, and perhaps no key."""

import asyncio
from pathlib import Path

from phonehome_tools.fleet.catalog import find_product
from phonehome_tools.fleet.home import draw_device
from phonehome_tools.pico import settings
from phonehome_tools.pico.board import PicoBoard
from phonehome_tools.pico.image import Flash
from tests.fakes.authority import FakeAuthority
from tests.flow.conftest import until_ticket
from tests.pico.conftest import HOST, last
from tests.pico.test_network import SCRIPT, port_of, refuse, wash

YESTERDAY = {"days": 30, "lasts": 31}


def told(lines, name):
    """How often a board told of something."""
    return sum(f'"event": "{name}"' in line for line in lines)


async def test_the_ca_says_that_it_cannot_be_2021(tmp_path, receiver, washer, tls_front):
    """A certificate as old as its CA is believed without asking anybody for the time."""
    authority = FakeAuthority(tmp_path, "appliances")
    port = await tls_front(authority.server_context(HOST), port_of(receiver.http))
    config = {
        "server": f"https://{HOST}:{port}",
        "ca": f"/{authority.ca_der.name}",
        "insecure": False,
    }
    lines = await wash(settings.pico_w(), washer, receiver, **config)
    assert last(lines, "state")["depth"] == 0
    assert told(lines, "time") == 0


async def test_a_newer_certificate_is_believed_once_the_time_is_signed(
    tmp_path, receiver, washer, tls_front
):
    """The handshake fails on the date, the receiver's signed word moves the clock, it succeeds."""
    authority = FakeAuthority(tmp_path, "appliances")
    context = authority.server_context(HOST, **YESTERDAY)
    port = await tls_front(context, port_of(receiver.http))
    config = {
        "server": f"https://{HOST}:{port}",
        "ca": f"/{authority.ca_der.name}",
        "insecure": False,
        "time": f"http://{HOST}:{port_of(receiver.http)}",
    }
    lines = await wash(settings.pico_w(), washer, receiver, **config)
    assert last(lines, "time")["is_moved"] is True
    assert told(lines, "backoff") == 0
    assert last(lines, "state")["depth"] == 0


async def test_without_a_signed_time_nothing_is_sent(tmp_path, receiver, washer, tls_front):
    """Where nobody tells the time, a certificate that seems to be of the future is refused."""
    authority = FakeAuthority(tmp_path, "appliances")
    context = authority.server_context(HOST, **YESTERDAY)
    port = await tls_front(context, port_of(receiver.http))
    lines = await refuse(washer, port, authority, time=f"http://{HOST}:1")
    assert last(lines, "time")["is_moved"] is False
    assert last(lines, "backoff")["phase"] == "tls"


async def test_a_board_without_key_and_clock_enrolls_over_tls(
    tmp_path, receiver, modules, tls_front
):
    """Time by its claim, key by its claim, and its first leak becomes a ticket."""
    await receiver.stop()
    await receiver.start("[enroll]\nplain = true\n")  # the front does not say that it spoke TLS
    authority = FakeAuthority(tmp_path, "appliances")
    context = authority.server_context(HOST, **YESTERDAY)
    port = await tls_front(context, port_of(receiver.http))
    device = draw_device()
    async with receiver.desk() as desk:
        body = {"product": "washer", "devices": [device]}
        claim = await desk._call("POST", "/api/v1/claims", json=body)
        config = {
            "wifi": settings.wifi(),
            "settle_ms": 500,
            "server": f"https://{HOST}:{port}",
            "ca": "/ca.der",
            "insecure": False,
            "time": f"http://{HOST}:{port_of(receiver.http)}",
            "claim": "/claim",
        }
        image = newcomer(tmp_path, device, modules, config, authority, claim)
        with PicoBoard(settings.pico_w(), image, is_paced=True) as pico:
            lines = await asyncio.to_thread(pico.run, SCRIPT, 180.0)
        await until_ticket(desk, Who(device), "E80")
        found = await desk._call("GET", f"/api/v1/claims/{claim['claim']}")
    assert found["used"] == 1
    assert last(lines, "key") == {"event": "key", "state": "active", "epoch": 1}
    assert last(lines, "state")["depth"] == 0


class Who:
    """A device by its id."""

    def __init__(self, device: str) -> None:
        self.device = device


def newcomer(folder, device, modules, config, authority, claim) -> Path:
    """The flash of a board with a claim and an empty key file."""
    files = {
        "/ca.der": authority.ca_der.read_bytes(),
        "/claim": bytes.fromhex(claim["claim"]) + bytes.fromhex(claim["secret"]),
        "/phonehome.key": b"",
    }
    product = find_product("washer").device_half
    flash = Flash(device, bytes(32), product, modules, config, files)
    return flash.write(folder / "flash.img", settings.pico_w())
