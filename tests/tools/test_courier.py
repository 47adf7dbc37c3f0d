"""The courier's parts by themselves: the capture, the store, the upload."""

import asyncio
import json
import stat
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from phonehome_tools.cli import main
from phonehome_tools.courier.capture import Capture, captured
from phonehome_tools.courier.store import ACK, REFUSED, REPORT, Store, default_folder
from phonehome_tools.courier.uploading import Uploader
from phonehome_wire.serial import MARK, closing_line, done_line, line_count, numbered_line
from tests.cloud.running import running
from tests.cloud.voice import Voice
from tests.conftest import BIN


def lines_of(*messages):
    """The lines of an export, its end included."""
    lines = []
    for message in messages:
        lines += [numbered_line(message, i + 1) for i in range(line_count(message))]
        lines.append(closing_line(message, is_signed=True))
    return [MARK + line for line in (*lines, done_line(len(messages), len(messages)))]


def a_report(voice):
    """One report with one fault."""
    return voice.report(voice.fault(520193, 7), is_carried=True)


@pytest.fixture
def store(tmp_path):
    """A courier's folder."""
    return Store(tmp_path / "carried")


def test_a_capture_knows_device_records_and_bytes():
    """What is on the line counts, what the application prints does not."""
    voice = Voice()
    report = a_report(voice)
    capture, lines = Capture(), lines_of(report)
    for line in lines:
        capture.feed("temperature 21.5")
        capture.feed(line)
    (found,) = capture.reports
    assert (found.device, found.records, found.is_signed) == (voice.device, 1, True)
    assert capture.is_complete and capture.refused == []
    assert capture.line_bytes == sum(len(line) + 2 for line in lines)


def test_a_report_that_is_missing_makes_an_export_incomplete():
    """The end says how many there were."""
    voice = Voice()
    first, second = lines_of(a_report(voice)), lines_of(a_report(voice), a_report(voice))
    capture = Capture()
    for line in [*first[:-1], second[-1]]:
        capture.feed(line)
    assert not capture.is_complete
    assert len(capture.reports) == 1


def test_what_is_no_report_is_refused():
    """Lines whose checksums hold around bytes that are none."""
    message = a_report(Voice())[:18] + b"\x41\x00" + bytes(9)
    capture = Capture()
    for line in lines_of(message):
        capture.feed(line)
    assert capture.reports == [] and len(capture.refused) == 1


def test_a_report_is_kept_once_until_its_ack(store):
    """The same bytes again are the same file; with the ack the report goes."""
    report = captured(a_report(Voice()))
    assert store.add(report) and not store.add(report)
    (held,) = store.reports()
    assert held.read() == report.message and held.device == report.device
    store.keep_ack(held, b"ack")
    store.keep_ack(held, b"ack")
    assert store.reports() == [] and not store.add(report)
    (ack,) = store.acks(report.device)
    assert ack.read() == b"ack" and ack.path.suffix == ACK
    store.drop(ack)
    assert list(store.folder.iterdir()) == []


def test_nobody_else_reads_what_is_carried(store):
    """Folders and files are their owner's only."""
    store.add(captured(a_report(Voice())))
    (held,) = store.reports()
    assert stat.S_IMODE(held.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(held.path.parent.stat().st_mode) == 0o700


def test_a_file_that_was_cut_short_is_none(store):
    """What a power cut leaves of a file that was being written is not taken for a report."""
    report = captured(a_report(Voice()))
    store.add(report)
    (held,) = store.reports()
    (held.path.parent / ".new-x.report").write_bytes(b"half")
    assert len(store.reports()) == 1


def test_the_folder_is_where_state_belongs(monkeypatch, tmp_path):
    """XDG_STATE_HOME, or what stands for it."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "phonehome" / "courier"
    monkeypatch.delenv("XDG_STATE_HOME")
    assert default_folder().parts[-4:-2] == (".local", "state")


class Answering(BaseHTTPRequestHandler):
    """Answers every POST as its server was told."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        status, headers, body = self.server.say
        self.server.asked += 1
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def stranger():
    """A server that is no receiver; `say` is what it answers."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    server.asked = 0
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def upload(store, url, *more):
    """Upload everything that waits."""
    return asyncio.run(Uploader(url, *more).upload(store, store.reports()))


@pytest.mark.parametrize(
    ("say", "is_refused", "words"),
    [
        ((200, {"Content-Type": "text/html"}, b"<p>Log in to this Wi-Fi"), False, "not with an a"),
        ((200, {}, a_report(Voice())), False, "not with an ack"),
        ((302, {"Location": "/login"}, b""), False, "not now: HTTP 405|HTTP 501|cannot be reach"),
        ((404, {"Content-Type": "text/plain"}, b"nothing\n"), False, "HTTP 404, nothing"),
        ((500, {}, b""), False, "HTTP 500"),
        ((503, {"Retry-After": "7200"}, b""), False, "HTTP 503"),
        ((401, {"Content-Type": "text/plain"}, b"kid\n"), True, "HTTP 401, kid"),
        ((403, {}, b""), True, "HTTP 403"),
        ((422, {}, b""), True, "HTTP 422"),
    ],
)
def test_only_an_ack_lets_a_report_go(store, stranger, say, is_refused, words):
    """Whatever else an address answers: the report stays, aside when it was refused for good."""
    import re

    stranger.say = say
    store.add(captured(a_report(Voice())))
    result = upload(store, f"http://127.0.0.1:{stranger.server_port}")
    told = result.refused if is_refused else result.later
    assert len(told) == 1 and re.search(words, told[0]), told
    assert result.acked == 0
    assert len(store.reports((REFUSED if is_refused else REPORT,))) == 1


def test_nobody_there_is_found_out_once(store):
    """Without a network the first try tells for all, and everything stays."""
    voice = Voice()
    for _ in range(3):
        store.add(captured(a_report(voice)))
    result = upload(store, "http://127.0.0.1:1")
    assert len(result.later) == 1 and "cannot be reached" in result.later[0]
    assert len(store.reports()) == 3


def test_the_receivers_wish_to_wait_is_met(store, stranger):
    """A moment is waited for, and the report sent again."""
    stranger.say = (429, {"Retry-After": "1"}, b"")

    def later():
        stranger.say = (500, {}, b"")

    threading.Timer(0.5, later).start()
    store.add(captured(a_report(Voice())))
    assert "HTTP 500" in upload(store, f"http://127.0.0.1:{stranger.server_port}").later[0]
    assert stranger.asked == 2


async def test_a_tampered_report_is_put_aside_and_can_be_tried_again(store, tmp_path, capsys):
    """One flipped bit anywhere: refused, told, kept; the true one beside it is acknowledged."""
    async with running(tmp_path) as receiver:
        voice = await receiver.register()
        report = a_report(voice)
        store.add(captured(report))
        (held,) = store.reports()
        held.path.write_bytes(report[:-1] + bytes([report[-1] ^ 1]))
        other = captured(a_report(voice))
        store.add(other)
        argv = ["push-reports", "--server", receiver.url, "--state", str(store.folder), "--json"]
        assert await asyncio.to_thread(main, argv) == 3
        told = json.loads(capsys.readouterr().out)
        assert (told["acked"], len(told["refused"])) == (1, 1)
        assert await asyncio.to_thread(main, argv) == 0
        (aside,) = store.reports((REFUSED,))
        aside.path.write_bytes(report)
        assert await asyncio.to_thread(main, [*argv, "--again"]) == 0
    assert len(store.acks(voice.device)) == 2


async def test_every_bit_of_a_report_is_guarded(tmp_path):
    """A report with any single bit flipped is never acknowledged by the receiver."""
    async with running(tmp_path, INTAKE_ADDRESS_BURST="100000", INTAKE_KEY_BURST="100000") as at:
        voice = await at.register()
        report = a_report(voice)
        for i in range(0, len(report) * 8, 3):
            spoiled = bytearray(report)
            spoiled[i // 8] ^= 1 << i % 8
            status, _, _ = await at.up(bytes(spoiled))
            assert status == 401, i


async def test_push_reports_survives_kill_at_any_moment(store, tmp_path):
    """Killed -9 again and again: afterwards each report has its ack, each record came once."""
    async with running(tmp_path) as receiver:
        voice = await receiver.register()
        for _ in range(60):
            store.add(captured(a_report(voice)))
        argv = ["push-reports", "--server", receiver.url, "--state", str(store.folder)]
        kills = 0
        for acks in (0, 1, 7, 20, 35, 50):
            uploading = await asyncio.create_subprocess_exec(
                BIN / "phonehome", *argv, stdout=asyncio.subprocess.DEVNULL
            )
            while uploading.returncode is None and len(store.acks(voice.device)) < acks:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
            if uploading.returncode is None:
                uploading.kill()
                kills += 1
            await uploading.wait()
        assert await asyncio.to_thread(main, argv) == 0
        stored = (await receiver.api("GET", f"/devices/{voice.device}/reports?limit=100"))["items"]
    assert kills
    assert store.reports() == []
    assert len(store.acks(voice.device)) == len(stored) == 60


def test_wrong_options_say_what_is_wrong(tmp_path, capsys, monkeypatch):
    """No receiver, an address without a scheme, a CA that is none: one line and a hint."""
    monkeypatch.delenv("PHONEHOME_UPLOAD_URL", raising=False)
    assert main(["push-reports"]) == 2
    assert "--server" in capsys.readouterr().err
    assert main(["push-reports", "--server", "example.org"]) == 2
    assert "http://" in capsys.readouterr().err
    bad = tmp_path / "ca.pem"
    bad.write_bytes(b"no certificate")
    assert main(["push-reports", "--server", "https://example.org", "--ca", str(bad)]) == 2
    assert "certificate" in capsys.readouterr().err
