"""`phonehome decode` as a user runs it."""

import base64
import json
import subprocess
import sys

import pytest

from tests.shared.golden import DEVICE_KEY, message_of, negatives, positives

KEY = ["--key", DEVICE_KEY.hex()]


def decode(*words, data=b""):
    """The finished command."""
    return subprocess.run(
        [sys.executable, "-m", "phonehome_tools.cli", "decode", *words],
        input=data,
        capture_output=True,
        timeout=60,
        check=False,
    )


def told(*words, data):
    """The JSON object of a good message."""
    done = decode(*words, data=data)
    assert (done.returncode, done.stderr) == (0, b"")
    return json.loads(done.stdout)


def test_a_fault_is_told_by_names(tmp_path):
    """A verified fault from a file: fields, names and samples, no key numbers."""
    file = tmp_path / "message.bin"
    file.write_bytes(message_of("fault+freeze frame"))
    message = told(*KEY, str(file), data=b"")
    assert message["direction"] == "up"
    assert message["verified"] is True
    assert (message["device"], message["epoch"]) == ("a4cf12fffe05d3b1", 1)
    assert message["bytes"] == 342
    (record,) = message["records"]
    assert record["type"] == "fault"
    assert record["body"]["spn"] == 520203
    assert record["body"]["severity_name"] == "error"
    assert record["body"]["status_names"][0] == "test_failed"
    assert "heap_free" in record["body"]["context"]
    assert record["body"]["freeze"]["channels"]["0"]["exp"] == -3
    assert len(record["body"]["freeze"]["channels"]["0"]["samples"]) == 16


@pytest.mark.parametrize("name", [p[0] for p in positives()])
def test_every_dress_tells_the_same(name):
    """Raw, hex with breaks, and both alphabets of base64 are one message."""
    raw = message_of(name)
    text = raw.hex().encode()
    dresses = (
        raw,
        text[:20] + b"\n  " + text[20:] + b"\n",
        base64.encodebytes(raw),
        base64.urlsafe_b64encode(raw).rstrip(b"="),
    )
    assert len({json.dumps(told(*KEY, "-", data=dress)) for dress in dresses}) == 1


def test_without_a_key_nothing_is_verified():
    """The message is shown and says that nobody vouches for it."""
    message = told(data=message_of("ack 2 ranges"))
    assert (message["direction"], message["kind"], message["verified"]) == ("dn", "ack", False)
    assert message["stored"] == [[42, 1150, 1170], [42, 1187, 1189]]


@pytest.mark.parametrize("reason", sorted({n[3] for n in negatives()} - {"kid"}))
def test_bad_messages_are_refused_in_one_line(reason):
    """Each reason ends with code 3, its name in one line on stderr, and nothing on stdout."""
    _, way, message, _ = next(n for n in negatives() if n[3] == reason)
    done = decode(*KEY, "--dir", way, data=message.hex().encode())
    assert (done.returncode, done.stdout) == (3, b"")
    assert done.stderr.startswith(b"phonehome decode: " + reason.encode())
    assert done.stderr.count(b"\n") == 1


def test_noise_is_refused():
    """Input that is no message in any dress, and input without end."""
    for data in (b"", b"hello, world", b"\xff" * 100, b"a" * 100_000):
        done = decode(data=data)
        assert done.returncode == 3
        assert done.stderr.startswith(b"phonehome decode: frame")


def test_the_direction_can_be_said():
    """An uplink read as a downlink is not authentic."""
    done = decode(*KEY, "--dir", "dn", data=message_of("heartbeat"))
    assert (done.returncode, done.stdout) == (3, b"")
    assert done.stderr == b"phonehome decode: tag: the MAC does not match\n"


def test_wrong_use_is_code_two(tmp_path):
    """A short key, an unknown direction, a file that is not there; the key is not repeated."""
    for words in (["--key", "abcd"], ["--key", "x" * 64], ["--dir", "sideways"]):
        done = decode(*words)
        assert done.returncode == 2
        assert b"x" * 64 not in done.stderr
    assert decode(str(tmp_path / "missing")).returncode == 2


def test_frames_are_placed_by_the_map_of_the_build(tmp_path):
    """With map.json the frames of a crash show modules, lines and functions of the sources."""
    name = next(p[0] for p in positives() if p[0].startswith("crash"))
    frames = told(data=message_of(name))["records"][0]["body"]["frames"]
    file, line, _ = frames[0]
    rows = {"v": 1, "units": {file.removesuffix(".py"): [[line, "core.there", 7, "Class.method"]]}}
    path = tmp_path / "map.json"
    path.write_text(json.dumps(rows))
    placed = told("--map", str(path), data=message_of(name))["records"][0]["body"]["frames"]
    assert placed[0] == ["core.there", 7, "Class.method"]
    path.write_text("[]")
    assert b"not a map of format 1" in decode("--map", str(path), data=b"").stderr
