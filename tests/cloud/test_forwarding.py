"""Whose request it is behind proxies: what the trusted ones say, and nobody else."""

import pytest
from aiohttp.test_utils import make_mocked_request

from phonehome_cloud.web.forwarding import client_of
from tests.cloud.running import CONTENT_TYPE, running

PROXIES = frozenset({"10.0.0.1", "10.0.0.2", "::1"})
XFF, FORWARDED = "X-Forwarded-For", "Forwarded"


@pytest.mark.parametrize(
    ("headers", "client"),
    [
        ([], None),
        ([(XFF, "192.0.2.7")], "192.0.2.7"),
        ([(XFF, "192.0.2.7:4711")], "192.0.2.7"),
        ([(XFF, "2001:db8::7")], "2001:db8::7"),
        ([(XFF, "[2001:DB8::7]:80")], "2001:db8::7"),
        ([(XFF, "192.0.2.7, 10.0.0.2")], "192.0.2.7"),
        ([(XFF, "192.0.2.7"), (XFF, "10.0.0.2")], "192.0.2.7"),
        ([(XFF, "6.6.6.6, 192.0.2.7, 10.0.0.2")], "192.0.2.7"),
        ([(XFF, "10.0.0.2, 10.0.0.1")], "10.0.0.2"),
        ([(XFF, "6.6.6.6, unknown, 10.0.0.2")], "10.0.0.2"),
        ([(XFF, "unknown")], None),
        ([(XFF, "999.0.0.1")], None),
        ([(XFF, "")], None),
        ([(FORWARDED, "for=192.0.2.7")], "192.0.2.7"),
        ([(FORWARDED, 'proto=https; FOR="[2001:db8::7]:80" ;by=10.0.0.1')], "2001:db8::7"),
        ([(FORWARDED, "for=6.6.6.6, for=192.0.2.7;proto=https, for=10.0.0.2")], "192.0.2.7"),
        ([(FORWARDED, "for=6.6.6.6, for=_hidden, for=10.0.0.2")], "10.0.0.2"),
        ([(FORWARDED, "for=192.0.2.7;for=6.6.6.6")], None),
        ([(FORWARDED, "proto=https")], None),
        ([(XFF, "192.0.2.7"), (FORWARDED, "for=6.6.6.6")], None),
    ],
)
def test_the_last_address_before_the_proxies(headers, client):
    """Read from the right, as each proxy appends; with both headers neither is believed."""
    assert client_of(make_mocked_request("GET", "/", headers), PROXIES) == client


RATE = {"INTAKE_ADDRESS_PER_S": "0.01", "INTAKE_ADDRESS_BURST": "3"}


async def ask(receiver, **headers):
    """The status of a report that nobody signed, and of its bucket when that is empty."""
    url = f"http://127.0.0.1:{receiver.port}/v1/up"
    headers = {"Content-Type": CONTENT_TYPE} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    async with receiver.session.post(url, data=b"nonsense", headers=headers) as answer:
        return answer.status


async def test_each_client_of_a_proxy_has_its_bucket(tmp_path):
    """One that asks too fast takes nothing from the others, by either header."""
    async with running(tmp_path, **RATE) as receiver:
        for _ in range(5):
            status = await ask(receiver, X_Forwarded_For="192.0.2.1")
        assert status == 429
        assert await ask(receiver, X_Forwarded_For="192.0.2.2") == 401
        assert await ask(receiver, Forwarded="for=192.0.2.3") == 401
        assert await ask(receiver, Forwarded="for=192.0.2.1") == 429
        assert await ask(receiver) == 401


@pytest.mark.parametrize("trusted", ["", "10.0.0.1"])
async def test_nobody_else_gives_himself_a_bucket(tmp_path, trusted):
    """Who is no trusted proxy may name whom he likes: it is his own bucket."""
    async with running(tmp_path, SERVER_TRUSTED_PROXIES=trusted, **RATE) as receiver:
        for number in range(5):
            status = await ask(receiver, X_Forwarded_For=f"192.0.2.{number}")
        assert status == 429
        assert await ask(receiver) == 429


async def test_logins_and_the_time_are_counted_so_too(tmp_path):
    """Whatever asks for the address hears that of the client."""
    async with running(tmp_path, **RATE) as receiver:
        url = f"http://127.0.0.1:{receiver.port}/v1/time?d={'0' * 16}&n={'0' * 16}"
        seen = []
        for address in ["192.0.2.1"] * 5 + ["192.0.2.2"]:
            headers = {"X-Forwarded-For": address}
            async with receiver.session.get(url, headers=headers) as answer:
                seen.append(answer.status)
        assert seen[3:] == [429, 429, 404]
