"""`phonehome provision` and `enroll-batch` against a real receiver: keys, labels, refusals."""

import asyncio
import csv
import json
import stat

import pytest

from phonehome_tools.cable.board import open_board
from phonehome_tools.cable.errors import GoneError
from phonehome_tools.cable.files import read_file, send_files
from phonehome_tools.cli import main
from phonehome_tools.fleet.children import Children
from phonehome_tools.fleet.desk import TOKEN_VARIABLE
from phonehome_tools.fleet.receiver import Receiver
from phonehome_tools.provisioning.label import Label, draw_svg, write_label
from phonehome_tools.provisioning.order import WIFI_VARIABLE, read_ca
from tests.fakes.authority import FakeAuthority
from tests.fakes.cabled import CabledBoard
from tests.tools.boards import DEVICE, write_app

SECRET = "correct horse battery"


@pytest.fixture
async def receiver(tmp_path, monkeypatch):
    """A running receiver, whose token the command finds."""
    async with Children() as children:
        made = Receiver(tmp_path / "receiver", children)
        await made.start()
        monkeypatch.setenv(TOKEN_VARIABLE, made.token)
        yield made


@pytest.fixture
def board(tmp_path):
    """A board without settings."""
    with CabledBoard(tmp_path / "flash.img", device=DEVICE) as cabled:
        yield cabled


async def run(*words):
    """The exit code of the command, which has an event loop of its own."""
    return await asyncio.to_thread(main, [str(word) for word in words])


def on_board(port, path):
    """A file of a board, or None."""
    with open_board(port) as board:
        return read_file(board, path)


async def test_a_board_becomes_a_device(receiver, board, capsys, tmp_path, monkeypatch):
    """Key, settings and registration; the label and the report have the code, nobody the key."""
    monkeypatch.setenv(WIFI_VARIABLE, SECRET)
    labels, report = tmp_path / "labels", tmp_path / "tray.csv"
    words = ["provision", board.port, "--server", receiver.http, "--product", "washer"]
    words += ["--wifi", "HOME", "--labels", labels, "--report", report, "--label", "bench 1"]
    assert await run(*words) == 0
    said = capsys.readouterr()
    key = on_board(board.port, "/phonehome.key")
    assert len(key) == 33 and key[0] == 1
    config = json.loads(on_board(board.port, "/phonehome.json"))
    assert config == {
        "server": receiver.http,
        "insecure": True,
        "wifi": {"ssid": "HOME", "password": SECRET},
    }
    async with receiver.desk() as desk:
        assert await desk.has_device(DEVICE)
    (row,) = csv.DictReader(report.read_text().splitlines())
    assert row["device"] == DEVICE and row["result"] == "registered"
    assert row["code"] in said.out and row["code"] in (labels / f"{DEVICE}.svg").read_text()
    assert (labels / f"{DEVICE}.png").read_bytes().startswith(b"\x89PNG")
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    told = said.out + said.err + report.read_text()
    assert SECRET not in told and key[1:].hex() not in told


async def test_a_tray_is_reported_board_by_board(receiver, board, capsys, tmp_path):
    """What one board lacks stops no other, and stands in its row with what to do."""
    report = tmp_path / "tray.csv"
    with CabledBoard(tmp_path / "other.img", device="e66038b713aabbdd") as other:
        words = [board.port, "/dev/ttyNONE", other.port, "--server", receiver.http]
        words += ["--product", "washer", "--report", report, "--json"]
        assert await run("provision", *words) == 4
    rows = list(csv.DictReader(report.read_text().splitlines()))
    assert [row["device"] for row in rows] == [DEVICE, "", "e66038b713aabbdd"]
    assert "no such port" in rows[1]["result"] and rows[1]["hint"]
    told = json.loads(capsys.readouterr().out)
    assert [one["code"] for one in told] == [rows[0]["code"], rows[2]["code"]]


async def test_a_key_is_not_written_over(receiver, board, capsys):
    """Without --replace nothing changes; with it the receiver knows the new key alone."""
    words = ["provision", board.port, "--server", receiver.http, "--product", "washer"]
    assert await run(*words) == 0
    first = on_board(board.port, "/phonehome.key")
    assert await run(*words) == 3
    assert "has a key already, epoch 1" in capsys.readouterr().err
    assert on_board(board.port, "/phonehome.key") == first
    assert await run(*words, "--replace") == 0
    second = on_board(board.port, "/phonehome.key")
    assert second != first and second[0] == 2


async def test_an_agent_without_the_way_is_not_provisioned(receiver, board, capsys, tmp_path):
    """What could not start by the new settings is refused before anything is written."""
    push = ["push", board.port, "--product", "washer", "--app", write_app(tmp_path), "--parts"]
    words = ["provision", board.port, "--server", receiver.http, "--product", "washer"]
    assert await run(*push, "base") == 0
    assert await run(*words) == 3
    said = capsys.readouterr().err
    assert f"its agent is without http, for {receiver.http}" in said
    assert f"phonehome push {board.port}" in said
    assert on_board(board.port, "/phonehome.json.new") is None
    assert await run(*push, "http") == 0
    assert await run(*words) == 0


async def test_settings_of_the_owner_stay(receiver, board):
    """What provision does not order is as it was."""
    with open_board(board.port) as cable:
        send_files(cable, {"/phonehome.json": b'{"heartbeat_s": 60, "server": "http://old"}'})
    await run("provision", board.port, "--server", receiver.http, "--product", "washer")
    config = json.loads(on_board(board.port, "/phonehome.json"))
    assert config["heartbeat_s"] == 60 and config["server"] == receiver.http


@pytest.mark.parametrize("step", ["before the registration", "behind it"])
async def test_a_pulled_cable_is_repeated(receiver, board, monkeypatch, step):
    """Cut short on either side of the registration, the same command again ends it."""
    words = ["provision", board.port, "--server", receiver.http, "--product", "washer"]

    def pull(*_):
        raise GoneError("the board stopped answering", "look at the cable")

    with monkeypatch.context() as patched:
        name = "_register" if step == "before the registration" else "activate"
        patched.setattr(f"phonehome_tools.provisioning.making.{name}", pull)
        assert await run(*words) == 4
    assert on_board(board.port, "/phonehome.key") is None
    waiting = on_board(board.port, "/phonehome.key.new")
    assert await run(*words) == 0
    assert on_board(board.port, "/phonehome.key") == waiting
    assert on_board(board.port, "/phonehome.key.new") is None


async def test_a_power_cut_at_any_point_is_repeated(receiver, tmp_path, capsys):
    """The flash loses its power at one program after the other; the second try ends it.

    Where the first one had put the key into its place already, the second says that there is one.
    """
    codes = []
    for cut_after in range(4, 40, 5):
        flash, device = tmp_path / f"{cut_after}.img", f"e66038b713aabb{cut_after:02x}"
        with CabledBoard(flash, device=device, runs_main=False) as cabled, open_board(cabled.port):
            pass  # formatted
        words = ["--server", receiver.http, "--product", "washer"]
        with CabledBoard(flash, device=device, cut_after=cut_after, runs_main=False) as cabled:
            first = await run("provision", cabled.port, *words)
        with CabledBoard(flash, device=device, runs_main=False) as cabled:
            second = await run("provision", cabled.port, *words)
            key = on_board(cabled.port, "/phonehome.key")
            assert "server" in json.loads(on_board(cabled.port, "/phonehome.json"))
        codes.append((first, second))
        async with receiver.desk() as desk:  # the same key is no conflict
            answer = await desk.register(device, "washer", "", key[1:], may_replace=False)
        assert answer["epoch"] == key[0] == 1
    assert set(codes) <= {(4, 0), (4, 3), (0, 3)} and (4, 0) in codes and (0, 3) in codes


async def test_a_receiver_that_goes_away_is_repeated(receiver, board, capsys, monkeypatch):
    """No answer leaves the key waiting, and the same key is registered by the next try."""
    words = ["provision", board.port, "--server", receiver.http, "--product", "washer"]

    async def say_nothing(_order):
        """The receiver was there a moment ago."""

    with monkeypatch.context() as patched:
        patched.setattr("phonehome_tools.provision.check_desk", say_nothing)
        await receiver.stop()
        assert await run(*words) == 1
    assert "no receiver answers there" in capsys.readouterr().err
    waiting = on_board(board.port, "/phonehome.key.new")
    await receiver.start()
    assert await run(*words) == 0
    assert on_board(board.port, "/phonehome.key") == waiting


async def test_what_the_receiver_refuses_is_undone(receiver, board, capsys):
    """A device that it knows under another key is no accident: the board is as it was."""
    async with receiver.desk() as desk:
        await desk.add_device(DEVICE, "washer", "another bench")
    words = ["provision", board.port, "--server", receiver.http, "--product", "washer"]
    assert await run(*words) == 3
    assert "knows this device under another key" in capsys.readouterr().err
    for name in ("/phonehome.key", "/phonehome.json"):
        assert on_board(board.port, name) is None
        assert on_board(board.port, name + ".new") is None
    assert await run(*words, "--replace") == 0
    assert on_board(board.port, "/phonehome.key")[0] == 2


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["--server", "ftp://x"], 2, "want https://"),
        (["--server", "https://x"], 2, "nothing would verify it"),
        (["--server", "mqtt://x"], 2, "has no API beside it"),
        (["--server", "http://127.0.0.1:1"], 1, "no receiver answers there"),
        (["--server", "HTTP", "--device", "1234"], 2, "want an EUI-64"),
        (["--server", "HTTP", "--device", "00" * 8], 3, f"this board is {DEVICE}"),
        (["--server", "HTTP", "--wifi", "HOME"], 2, "no password for the Wi-Fi HOME"),
        (["--server", "HTTP", "--ca", "/dev/null"], 2, "no certificate"),
        (["--server", "HTTP", "--product", "toaster"], 1, "there is no such product"),
    ],
)
async def test_wrong_words_change_nothing(receiver, board, capsys, monkeypatch, words, code, text):
    """Each mistake has its line, its hint and its code, and the board stays blank."""
    monkeypatch.delenv(WIFI_VARIABLE, raising=False)
    words = [receiver.http if word == "HTTP" else word for word in words]
    product = [] if "--product" in words else ["--product", "washer"]
    assert await run("provision", board.port, *words, *product) == code
    assert text in capsys.readouterr().err
    with open_board(board.port) as cable:
        assert "phonehome" not in cable.run("import os\nprint(os.listdir('/'))")


async def test_a_wrong_token_is_told_before_any_board(receiver, board, capsys, monkeypatch):
    """An expired token is refused by the desk, and nothing was typed to the board."""
    monkeypatch.setenv(TOKEN_VARIABLE, "expired")
    words = ["provision", board.port, "--server", receiver.http, "--product", "washer"]
    assert await run(*words) == 3
    assert "does not take the token: HTTP 401" in capsys.readouterr().err
    assert board.bytes_to_board == 0


async def test_a_claim_for_a_batch(receiver, capsys, tmp_path):
    """40 bytes for the owner only, which no output shows, and codes for installers."""
    devices, claim = tmp_path / "devices", tmp_path / "phonehome.claim"
    devices.write_text("a4-cf-12-ff-fe-05-d3-b1\n")
    words = ["enroll-batch", "--server", receiver.http, "--product", "washer", "--count", "5"]
    words += ["--devices", devices, "--codes", "2", "-o", claim, "--json"]
    assert await run(*words) == 0
    told = json.loads(capsys.readouterr().out)
    data = claim.read_bytes()
    assert len(data) == 40 and data[:8].hex() == told["claim"]
    assert told["devices"] == ["a4cf12fffe05d3b1"] and len(told["codes"]) == 2
    assert data[8:].hex() not in json.dumps(told)
    assert stat.S_IMODE(claim.stat().st_mode) == 0o600
    assert await run(*words) == 2
    assert "is there already" in capsys.readouterr().err


def test_an_authority_is_read_in_both_forms(tmp_path):
    """Boards take DER only; what people have is PEM."""
    authority = FakeAuthority(tmp_path)
    assert read_ca(authority.ca_pem) == authority.ca_der.read_bytes()
    assert read_ca(authority.ca_der) == authority.ca_der.read_bytes()


def test_a_label_says_the_same_to_people_and_to_cameras(tmp_path):
    """The code is in the part of the address that no server sees; names are escaped."""
    label = Label(DEVICE, "a<b", "2345-6789-ABCD", "https://desk.example/")
    assert label.url == f"https://desk.example/claim#{DEVICE}.2345-6789-ABCD"
    assert "a&lt;b" in draw_svg(label) and "2345-6789-ABCD" in draw_svg(label)
    assert all(path.stat().st_size for path in write_label(tmp_path, label))
