"""A device without a network, a laptop on its cable, the receiver at home: nothing is lost.

The real agent (unix MicroPython behind a pseudo-terminal), the real command, the real receiver.
"""

import asyncio
import json
import random
import re
import time

import pytest

from phonehome_tools.cable.errors import GoneError, NoBoardError
from phonehome_tools.cable.line import Line, open_line
from phonehome_tools.cli import main
from phonehome_tools.courier.capture import Capture, read_report
from phonehome_tools.courier.dialogue import Dialogue
from phonehome_tools.courier.store import ACK, Store
from phonehome_tools.courier.uploading import Uploader
from phonehome_tools.courier.visit import Courier
from phonehome_wire import registry
from tests.cloud.running import TOKEN, running
from tests.fakes.plugged import DEVICE, KEY, PluggedBoard

NOWHERE = "http://127.0.0.1:1"
PATIENCE_S = 20
DEV = DEVICE.hex()


@pytest.fixture
def make_plugged(micropython, micropython_environment, tmp_path):
    """Boards on cables; they are powered off at the end."""
    boards = []

    def make(server=NOWHERE):
        folder = tmp_path / f"board{len(boards)}"
        folder.mkdir()
        boards.append(PluggedBoard(micropython, micropython_environment, folder, server))
        return boards[-1]

    yield make
    for board in boards:
        board.close()


@pytest.fixture
async def receiver(tmp_path):
    """A receiver that knows the board."""
    async with running(tmp_path) as found:
        body = {"device": DEV, "product": "washer", "key": KEY.hex()}
        await found.api("POST", "/devices", 201, json=body)
        yield found


@pytest.fixture
def store(tmp_path):
    """What the laptop carries."""
    return Store(tmp_path / "carried")


async def phonehome(*argv, expect=0):
    """Run the command beside the receiver; its exit code is as expected."""
    code = await asyncio.to_thread(main, [str(word) for word in argv])
    assert code == expect


def until_waiting(board, count):
    """Ask the console until so many records wait on the device; returns the line's dialogue."""
    deadline = time.monotonic() + PATIENCE_S
    with open_line(board.port) as line:
        dialogue = Dialogue(line)
        dialogue.expect_console()
        while True:
            found = count_exported(dialogue)
            if found >= count:
                return found
            assert time.monotonic() < deadline, f"{found} records, want {count}"


def count_exported(dialogue):
    """How many records an export has now."""
    return sum(report.records for report in dialogue.export(Capture()))


async def power_on_and_break(board):
    """A boot in which a fault is confirmed: hello, pending, confirmed."""
    board.start()
    await asyncio.to_thread(until_waiting, board, 1)
    board.break_flow()
    return await asyncio.to_thread(until_waiting, board, 3)


async def the_ticket(receiver):
    """The only ticket of the device, when it is there."""
    page = await receiver.eventually(
        lambda: receiver.api("GET", f"/tickets?device={DEV}"), lambda page: page["items"]
    )
    (item,) = page["items"]
    return item


async def stored_records(receiver):
    """(boot, seq) of every record that the receiver has."""
    from phonehome_cloud.store import schema

    rows = await receiver.database.read(
        lambda connection: connection.execute(schema.record.select()).all()
    )
    return sorted((row.boot, row.seq) for row in rows)


async def test_one_visit_with_a_network(make_plugged, receiver, store, capsys):
    """Fault, pull: uploaded, a ticket, acknowledged, and nothing waits on the device any more."""
    board = make_plugged()
    await power_on_and_break(board)
    capsys.readouterr()
    argv = ("pull", board.port, "--server", receiver.url, "--state", store.folder, "--json")
    await phonehome(*argv)
    told = json.loads(capsys.readouterr().out)
    assert (told["device"], told["records"], told["deleted"], told["waiting"]) == (DEV, 3, 3, 0)
    assert told["upload"]["acked"] == told["reports"] == told["acks_typed"] == 1
    assert 0 < told["committed_s"] < PATIENCE_S
    assert (await the_ticket(receiver))["late"] is True
    await phonehome(*argv)
    assert json.loads(capsys.readouterr().out)["records"] == 0
    assert not store.folder.exists() or list(store.folder.iterdir()) == []


async def test_a_whole_visit_offline(make_plugged, receiver, store, capsys):
    """Pull, resets, drive, upload, ack at the next visit in another boot: all of it comes true."""
    board = make_plugged()
    await power_on_and_break(board)
    await phonehome("pull", board.port, "--no-upload", "--state", store.folder)
    for _ in range(2):  # the power goes twice before anybody comes back
        board.kill()
        board.start()
        await asyncio.to_thread(until_waiting, board, 4)
    await phonehome("push-reports", "--server", receiver.url, "--state", store.folder)
    assert (await the_ticket(receiver))["occurrences"] == 1
    before = await stored_records(receiver)
    assert [boot for boot, _ in before] == [1, 1, 1]
    capsys.readouterr()
    argv = ("pull", board.port, "--no-upload", "--state", store.folder, "--json")
    await phonehome(*argv)
    told = json.loads(capsys.readouterr().out)
    assert told["deleted"] == 3  # exactly those of the first boot
    assert told["records"] == told["waiting"] >= 2  # what the boots since have to say
    await phonehome("pull", board.port, "--server", receiver.url, "--state", store.folder)
    capsys.readouterr()
    await phonehome(*argv)
    assert json.loads(capsys.readouterr().out)["records"] == 0
    after = await stored_records(receiver)
    assert len(after) == len(set(after)) and {boot for boot, _ in after} == {1, 2, 3}
    assert (await the_ticket(receiver))["occurrences"] == 1


async def test_the_transcript_on_the_page_is_true(make_plugged, receiver, store, capsys, project):
    """tools/README.md shows what these commands print, but for numbers and names."""
    board, transcript = make_plugged(), []
    await power_on_and_break(board)

    async def show(*words):
        capsys.readouterr()
        names = {"PORT": board.port, "URL": receiver.url}
        argv = [names.get(word, word) for word in words]
        await phonehome(*argv, "--state", store.folder)
        transcript.append(f"$ phonehome {' '.join(words)}")
        said = capsys.readouterr().out.replace(board.port, "PORT")
        transcript.extend(said.splitlines())

    await show("pull", "PORT", "--no-upload")
    await show("push-reports", "--server", "URL")
    board.kill()
    board.start()
    await asyncio.to_thread(until_waiting, board, 4)
    await show("pull", "PORT", "--server", "URL")
    page = (project / "tools/README.md").read_text()
    shown = page[page.index("$ phonehome pull /dev/ttyACM0 --no-upload") :].partition("```")[0]
    shown = shown.replace("/dev/ttyACM0", "PORT").replace("https://receiver.example", "URL")
    told = "\n".join(transcript)
    assert plain_numbers(shown.splitlines()) == plain_numbers(transcript), told


def plain_numbers(lines):
    """Lines without what differs from one run to the next."""
    plain = [re.sub(r"[0-9a-f]{16}", "DEVICE", line) for line in lines]
    return [re.sub(r"\d+(\.\d+)?( (record|report)s?)?", "N", line) for line in plain]


async def test_network_and_courier_at_the_same_time(make_plugged, receiver, store):
    """While reports go over the network, visits disturb none of it: each record came once."""
    board = make_plugged(receiver.url)
    board.start()
    argv = ("pull", board.port, "--server", receiver.url, "--state", store.folder)
    for value in ("2.0", "8.0", "2.0"):
        board.break_flow(value)
        await phonehome(*argv)
    await receiver.eventually(lambda: stored_records(receiver), lambda found: len(found) >= 5)
    await asyncio.to_thread(until_waiting, board, 0)
    await phonehome(*argv)
    found = await stored_records(receiver)
    assert len(found) == len(set(found))
    assert (await the_ticket(receiver))["occurrences"] in (1, 2)


class SpoilingLine:
    """A line on which lines get lost, come twice, change places, are cut and damaged."""

    def __init__(self, line: Line, seed: int, rate: float) -> None:
        self._line = line
        self._random = random.Random(seed)
        self._rate = rate
        self._ready = []
        self.name = line.name
        self.spoiled = 0

    def write(self, data):
        self._line.write(data)

    def lines(self, within_s):
        deadline = time.monotonic() + within_s
        while (line := self.read_line(deadline - time.monotonic())) is not None:
            yield line

    def read_line(self, within_s):
        while not self._ready:
            line = self._line.read_line(within_s)
            if line is None:
                return None
            self._ready = self._spoil(line)
        return self._ready.pop(0)

    def _spoil(self, line):
        if "#PH1" not in line or self._random.random() > self._rate:
            return [line]
        self.spoiled += 1
        at, kind = self._random.randrange(len(line)), self._random.randrange(5)
        if kind == 0:
            return [self._line.read_line(1.0) or "", line]
        return ([], [line, line], [line[:at]], [line[:at] + "?" + line[at + 1 :]])[kind - 1]


@pytest.mark.parametrize("seed", range(4))
async def test_a_line_that_spoils_what_it_carries(make_plugged, receiver, store, seed):
    """However lines are lost, doubled, swapped, cut or damaged: in the end each record once."""
    board = make_plugged()
    await power_on_and_break(board)
    courier = Courier(store, Uploader(receiver.url))
    with open_line(board.port) as line:
        spoiling = SpoilingLine(line, seed, 0.2)
        async with asyncio.timeout(PATIENCE_S * 3):
            records, values = 1, ["8.0", "2.0", "8.0"]
            while records or values or spoiling.spoiled < 3:
                if values:
                    board.break_flow(values.pop())
                visit = await asyncio.to_thread(courier.visit, spoiling)
                records = visit.records + len(visit.remarks)
    found = await stored_records(receiver)
    assert found == [(1, seq) for seq in range(len(found))] and len(found) >= 3
    await the_ticket(receiver)


async def test_tampered_acks_do_nothing(make_plugged, receiver, store, capsys):
    """A bit flipped in the ack on the laptop: the device refuses it, and keeps every record."""
    board = make_plugged()
    await power_on_and_break(board)
    folder = ("--state", store.folder)
    await phonehome("pull", board.port, "--no-upload", *folder)
    await phonehome("push-reports", "--server", receiver.url, *folder)
    (held,) = store.acks(DEV)
    true = held.read()
    for bit in (0, 3, 8 * 20, 8 * 60 + 1, 8 * len(true) - 1):
        spoiled = bytearray(true)
        spoiled[bit // 8] ^= 1 << bit % 8
        held.path.parent.mkdir(exist_ok=True)
        held.path.write_bytes(spoiled)
        capsys.readouterr()
        await phonehome("pull", board.port, "--no-upload", *folder, "--json")
        captured = capsys.readouterr()
        told = json.loads(captured.out)
        assert (told["deleted"], told["records"]) == (0, 3)
        assert "the device refused an ack" in captured.err
    held.path.with_suffix(ACK).write_bytes(true)
    await phonehome("pull", board.port, "--no-upload", *folder, "--json")
    assert json.loads(capsys.readouterr().out)["deleted"] == 3


async def test_an_ack_of_another_device_does_nothing(make_plugged, receiver, store, capsys):
    """Two devices at one laptop: the ack of one, typed to the other, is refused."""
    board = make_plugged()
    await power_on_and_break(board)
    other = await receiver.register()
    _, ack, _ = await receiver.up(other.report(other.fault(520193, 7)))
    folder = store.folder / DEV
    folder.mkdir(parents=True)
    (folder / ("0" * 32 + ACK)).write_bytes(ack)
    capsys.readouterr()
    await phonehome("pull", board.port, "--no-upload", "--state", store.folder, "--json")
    captured = capsys.readouterr()
    assert json.loads(captured.out)["deleted"] == 0
    assert "kid" in captured.err


async def test_the_laptop_learns_nothing_that_it_could_use(make_plugged, store, capsys):
    """What is carried holds neither the device's key nor one derived from it."""
    from phonehome_wire.keys import down_key, up_key

    board = make_plugged()
    await power_on_and_break(board)
    await phonehome("pull", board.port, "--no-upload", "--state", store.folder)
    (held,) = store.reports()
    message = held.read()
    assert read_report(message)[1].records[0].rtype == registry.RTYPE_HELLO
    for secret in (KEY, up_key(KEY, DEVICE), down_key(KEY, DEVICE)):
        assert secret not in message and secret[:8] not in message


async def test_a_device_without_a_key_is_heard_and_not_believed(
    make_plugged, receiver, store, capsys, monkeypatch
):
    """Its records are filed as unverified; no ticket, no ack, and all of them stay on the device.

    With a key of its own the same records are reported as any other's.
    """
    board = make_plugged()
    key = board.key.read_bytes()
    board.key.unlink()
    claim = board.key.with_name("claim")
    claim.write_bytes(bytes(range(40)))
    board.settings["claim"] = str(claim)
    await power_on_and_break(board)
    argv = ("pull", board.port, "--server", receiver.url, "--state", store.folder, "--json")
    capsys.readouterr()
    monkeypatch.delenv("PHONEHOME_API_TOKEN", raising=False)
    await phonehome(*argv)
    told = json.loads(capsys.readouterr().out)
    assert (told["records"], told["upload"]["acked"], told["deleted"]) == (3, 0, 0)
    assert "PHONEHOME_API_TOKEN" in told["upload"]["later"][0]
    monkeypatch.setenv("PHONEHOME_API_TOKEN", TOKEN)
    await phonehome("push-reports", "--server", receiver.url, "--state", store.folder)
    (item,) = (await receiver.api("GET", "/unverified"))["items"]
    assert (item["device"], item["records"]) == (DEV, 3)
    assert await stored_records(receiver) == []
    board.kill()
    board.key.write_bytes(key)
    board.start()
    await asyncio.to_thread(until_waiting, board, 4)
    await phonehome(*argv)
    assert (await the_ticket(receiver))["occurrences"] == 1
    assert (1, 2) in await stored_records(receiver)


async def test_where_no_console_answers(tmp_path, make_plugged, store, capsys):
    """A port with nobody behind it: exit code 4, one line, a hint."""
    board = make_plugged()
    await phonehome("pull", board.port, "--state", store.folder, expect=4)
    err = capsys.readouterr().err
    assert "no console of phonehome answers" in err and "doctor" in err
    await phonehome("pull", tmp_path / "nothing", "--state", store.folder, expect=4)
    assert "there is no such port" in capsys.readouterr().err


async def test_a_cable_that_is_pulled_leaves_whole_files(make_plugged, receiver, store, capsys):
    """The line ends in the middle of an export: what was whole is kept, the next visit has all."""
    board = make_plugged()
    await power_on_and_break(board)

    class PulledLine(SpoilingLine):
        def read_line(self, within_s):
            line = self._line.read_line(within_s)
            if line is not None and "#PH1 DONE" in line:
                raise GoneError("pulled")
            return line

    with open_line(board.port) as line, pytest.raises(GoneError):
        await asyncio.to_thread(Courier(store, None).visit, PulledLine(line, 0, 0))
    assert len(store.reports()) == 1
    await phonehome("pull", board.port, "--server", receiver.url, "--state", store.folder)
    assert await stored_records(receiver) == [(1, 0), (1, 1), (1, 2)]
    assert "committed" in capsys.readouterr().out


def test_a_device_with_a_path_for_a_name_is_no_device():
    """What answers as anything but an EUI-64 is not looked for in the laptop's folders."""

    class Liar:
        name = "liar"

        def write(self, data):
            pass

        def lines(self, _within_s):
            yield '{"command": "version", "device": "../../.ssh"}'

    with pytest.raises(NoBoardError, match="no console of phonehome"):
        Dialogue(Liar()).expect_console()
