"""Homes, children and the lines of a board, without a receiver."""

import asyncio
import stat
import sys

import pytest

from phonehome_tools.fleet.board import parse_event
from phonehome_tools.fleet.children import Children
from phonehome_tools.fleet.errors import SetupError
from phonehome_tools.fleet.home import Home, Link, draw_device, write_secret
from phonehome_tools.fleet.interpreter import python_environment
from phonehome_tools.fleet.telling import line_of, values_text

SLEEPER = "import time\nprint('up', flush=True)\ntime.sleep(60)"


class DeskFake:
    """A desk that remembers devices and draws the same key for each."""

    def __init__(self):
        self.keys = {}

    async def has_device(self, device):
        """Whether it was added."""
        return device in self.keys

    async def add_device(self, device, product, label, key=None):
        """Remember it."""
        self.keys[device] = key or bytes(range(32))
        return self.keys[device]


def test_device_ids_are_local_eui64():
    """A drawn id is a locally administered unicast MAC with ff-fe inside."""
    device = bytes.fromhex(draw_device())
    assert (len(device), device[3:5], device[0] & 3) == (8, b"\xff\xfe", 2)


async def test_a_home_keeps_identity_and_key(tmp_path):
    """A second start with the same folder is the same device with the same key."""
    desk = DeskFake()
    home = Home(tmp_path / "washer-1")
    await home.register(desk, "washer", "washer-1")
    home.write_config(Link("http://127.0.0.1:1"))
    again = Home(tmp_path / "washer-1")
    other_desk = DeskFake()
    await again.register(other_desk, "washer", "washer-1")
    assert again.device == home.device
    assert other_desk.keys == desk.keys
    assert home.key_file.read_bytes() == b"\x01" + bytes(range(32))


def test_secrets_are_for_their_owner_only(tmp_path):
    """A key file can be read by nobody else."""
    write_secret(tmp_path / "device.key", b"secret")
    assert stat.S_IMODE((tmp_path / "device.key").stat().st_mode) == 0o600


@pytest.mark.parametrize("server", ["ftp://x", "127.0.0.1:80", "https://x"])
def test_link_wants_a_known_scheme_and_an_authority(server):
    """A URL that cannot be phoned, or not be verified, is refused."""
    with pytest.raises(SetupError, match="server '"):
        Link(server).settings()


def test_only_plain_schemes_are_marked_insecure(tmp_path):
    """A verified link never carries the word insecure."""
    assert Link("mqtt://h:1").settings()["insecure"] is True
    assert "insecure" not in Link("mqtts://h:1", tmp_path / "ca.der").settings()


async def test_children_end_with_their_context():
    """Leaving the context ends what was started, by its id."""
    async with Children() as children:
        process = await children.start([sys.executable, "-c", SLEEPER], python_environment())
        assert await process.stdout.readline() == b"up\n"
    assert process.returncode is not None


async def test_children_end_when_their_parent_is_killed(tmp_path):
    """A killed parent takes its children with it."""
    text = (
        "import asyncio, sys, os\n"
        "from phonehome_tools.fleet.children import Children\n"
        "async def main():\n"
        "    async with Children() as c:\n"
        f"        p = await c.start([sys.executable, '-c', {SLEEPER!r}], dict(os.environ))\n"
        "        await p.stdout.readline()\n"
        "        print(p.pid, flush=True)\n"
        "        await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", text, stdout=asyncio.subprocess.PIPE
    )
    child = int(await parent.stdout.readline())
    parent.kill()
    await parent.wait()
    async with asyncio.timeout(10):
        while is_running(child):  # noqa: ASYNC110 - the kernel sends no event for it
            await asyncio.sleep(0.01)


def is_running(pid):
    """Whether a process exists and is not a zombie."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_a_line_of_a_board_becomes_an_event():
    """Name and uptime are taken out, everything else is a fact."""
    event = parse_event("w", b'{"event": "sent", "at_ms": 1500, "bytes": 99}')
    assert (event.name, event.at_ms, event.facts) == ("sent", 1500, {"bytes": 99})
    assert event.as_dict() == {"board": "w", "at_ms": 1500, "event": "sent", "bytes": 99}
    assert "1.5 s" in line_of(event)
    with pytest.raises(TypeError):
        parse_event("w", b"[]")


def test_values_are_short_and_missing_samples_show():
    """A missing sample is a dash, not a zero."""
    assert values_text({"a": 1.23456, "b": None, "c": 3}, limit=2) == "a 1.235  b -"
