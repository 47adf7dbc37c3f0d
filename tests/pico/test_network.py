"""A washer on a board with Wi-Fi phones the real receiver."""

import asyncio
from urllib.parse import urlsplit

import pytest

from phonehome_tools.pico import settings
from phonehome_tools.pico.board import PicoBoard
from tests.fakes.authority import FakeAuthority
from tests.flow.conftest import until_ticket
from tests.pico.conftest import HOST, last

MAIN = b"import phonehome; phonehome.start('app', 'phonehome.json', 'product.ph')\n"
SCRIPT = "import washing; washing.wash_connected('leak', 'E80')"
# What `mpremote rtc --set` does: certificates of today are not valid in 2021, where a board wakes.
SET_CLOCK = "import machine; machine.RTC().datetime((2026, 11, 23, 0, 12, 0, 0, 0))\n"


def port_of(url: str) -> int:
    """The port of an address."""
    port = urlsplit(url).port
    assert port is not None
    return port


async def wash(machine, washer, receiver, script=SCRIPT, **config):
    """Let the washer leak and phone home; return what the board told."""
    image = washer.image(machine, wifi=settings.wifi(), settle_ms=500, **config)
    with PicoBoard(machine, image, is_paced=True) as pico:
        lines = await asyncio.to_thread(pico.run, script)
    async with receiver.desk() as desk:
        await until_ticket(desk, washer, "E80")
    return lines


async def refuse(washer, port, authority, before="", **config):
    """Let the washer try a server with TLS until that fails; return what the board told."""
    config |= {"server": f"https://{HOST}:{port}", "ca": f"/{authority.ca_der.name}"}
    image = washer.image(
        settings.pico_w(), wifi=settings.wifi(), settle_ms=500, insecure=False, **config
    )
    with PicoBoard(settings.pico_w(), image, is_paced=True) as pico:
        script = before + "import washing; washing.be_refused()"
        return await asyncio.to_thread(pico.run, script)


@pytest.mark.parametrize("transport", ["http", "mqtt"])
async def test_a_leak_becomes_a_ticket(receiver, washer, transport):
    """Over emulated Wi-Fi a confirmed fault reaches the receiver and is acknowledged."""
    port = port_of(getattr(receiver, transport))
    server = f"{transport}://{HOST}:{port}"
    lines = await wash(settings.pico_w(), washer, receiver, server=server)
    assert (last(lines, "state")["depth"], last(lines, "state")["dropped"]) == (0, 0)


async def test_an_application_that_cannot_be_imported_phones_home(receiver, washer):
    """Left alone with a broken app.py, the board boots four times and says what is wrong."""
    files = {"/main.py": MAIN, "/app.py": b"raise ValueError('no such pump')\n"}
    server = f"http://{HOST}:{port_of(receiver.http)}"
    config = {"wifi": settings.wifi(), "settle_ms": 500, "server": server}
    image = washer.image(settings.pico_w(), files, **config)
    with PicoBoard(settings.pico_w(), image, is_paced=True, is_left_alone=True):
        async with receiver.desk() as desk, asyncio.timeout(120):
            crashes = []
            while len(crashes) < 2:
                records = await desk.records(washer.device)
                crashes = [r["body"] for r in records if r["type"] == "crash"]
    assert [crash["kind"] for crash in crashes] == ["exception", "boot_loop"]
    assert {crash["exception"] for crash in crashes} == {"ValueError"}


@pytest.mark.parametrize(("scheme", "plain"), [("https", "http"), ("mqtts", "mqtt")])
async def test_tls_is_verified(tmp_path, receiver, washer, tls_front, scheme, plain):
    """With a private CA as DER the same goes through TLS that verifies name and issuer."""
    authority = FakeAuthority(tmp_path, "appliances")
    port = await tls_front(authority.server_context(HOST), port_of(getattr(receiver, plain)))
    config = {
        "server": f"{scheme}://{HOST}:{port}",
        "ca": f"/{authority.ca_der.name}",
        "insecure": False,
    }
    lines = await wash(settings.pico_w(), washer, receiver, SET_CLOCK + SCRIPT, **config)
    assert last(lines, "state")["depth"] == 0


async def test_a_stranger_is_refused(tmp_path, receiver, washer, tls_front):
    """A server whose certificate another authority signed gets nothing."""
    authority = FakeAuthority(tmp_path, "appliances")
    stranger = FakeAuthority(tmp_path, "somebody else")
    port = await tls_front(stranger.server_context(HOST), port_of(receiver.http))
    lines = await refuse(washer, port, authority, SET_CLOCK)
    assert last(lines, "backoff")["phase"] == "tls"
