"""`phonehome broker config`: the files, their modes, and what a second run keeps."""

import asyncio
import stat
import sys

import pytest

from phonehome_tools import cli
from phonehome_tools.mosquitto.passwords import hash_password
from tests.cloud.running import TOKEN, running

ONE, OTHER = "a4cf12fffe05d3b1", "a4cf12fffe05d3b2"


def configure(folder, devices, *words):
    """Run the verb for a list of devices; returns its exit code."""
    listed = folder / "devices"
    listed.write_text("\n".join(devices))
    where = ["-o", str(folder / "out"), "--devices", str(listed)]
    return cli.main(["broker", "config", *where, *(words or ("--plain",))])


def users(folder):
    """The users in the password file, with their hashes."""
    lines = (folder / "out" / "passwords").read_text().splitlines()
    return dict(line.split(":") for line in lines)


def test_secrets_are_for_their_owner_only(tmp_path):
    """Passwords in the clear are private, hashes are the broker's to read, and the output of the
    verb has neither.
    """
    assert configure(tmp_path, [ONE]) == 0
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "out").iterdir()}
    assert modes == {
        "credentials.csv": 0o600,
        "receiver.toml": 0o600,
        "passwords": 0o640,
        "access": 0o640,
        "mosquitto.conf": 0o644,
    }


def test_who_is_known_keeps_the_password(tmp_path):
    """A board that has one needs no other; who left the list is let in no more."""
    assert configure(tmp_path, [ONE]) == 0
    before = users(tmp_path)
    credentials = (tmp_path / "out" / "credentials.csv").read_text()
    assert configure(tmp_path, [ONE, OTHER]) == 0
    after = users(tmp_path)
    assert {name: after[name] for name in before} == before
    added = (tmp_path / "out" / "credentials.csv").read_text().removeprefix(credentials)
    assert added.startswith(OTHER + ",")
    assert configure(tmp_path, [OTHER]) == 0
    assert users(tmp_path).keys() == {OTHER, "phonehome-receiver"}


def test_equal_passwords_have_different_hashes():
    """Each has a salt of its own."""
    assert hash_password("secret") != hash_password("secret")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "--certificate and --key, or --plain"),
        (("--plain", "--listen", "8883"), "--listen '8883': want HOST:PORT"),
        (("--certificate", "/nowhere", "--key", "/nowhere"), "/nowhere cannot be read"),
    ],
)
def test_options_that_do_not_fit_are_named(tmp_path, capsys, words, said):
    """Exit code 2, what is wrong and what is wanted; nothing is written."""
    assert configure(tmp_path, [ONE], *(words or ("--receivers", "127.0.0.1:1883"))) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_name_that_is_no_device_is_refused(tmp_path, capsys):
    """It could open topics in the access list."""
    assert configure(tmp_path, [ONE, "+"]) == 2
    assert "'+' is no device" in capsys.readouterr().err


async def test_the_list_comes_from_the_receiver(tmp_path):
    """Every device over all pages, without those that were revoked."""
    async with running(tmp_path) as receiver:
        voices = [await receiver.register() for _ in range(3)]
        await receiver.api("POST", f"/devices/{voices[0].device}/revoke")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "phonehome_tools.cli", "broker", "config", "--plain"),
            *("-o", str(tmp_path / "out"), "--server", receiver.url),
            env={"PHONEHOME_API_TOKEN": TOKEN},
        )
        assert await process.wait() == 0
    assert users(tmp_path).keys() == {v.device for v in voices[1:]} | {"phonehome-receiver"}
