"""The benches' own parts: figures, load, and the reports that it sends."""

import asyncio
import json
import sys
from asyncio.subprocess import DEVNULL
from urllib.parse import urlsplit

import pytest

from phonehome_tools.bench import BENCHES, reason_to_skip
from phonehome_tools.bench.figures import AT_LEAST, Figure
from phonehome_tools.bench.load import body_length, connect, post
from phonehome_tools.bench.pacing import Pacer
from phonehome_tools.bench.packets import Link, packet, packets_of, publish, subscribe
from phonehome_tools.bench.packets import connect as hello_as
from phonehome_tools.bench.reports import Reporter
from phonehome_tools.cli import main
from phonehome_tools.fleet.children import Children
from phonehome_tools.fleet.errors import ChildError
from phonehome_tools.fleet.interpreter import python_environment
from phonehome_wire.envelope import unseal
from phonehome_wire.keys import up_key
from phonehome_wire.registry import FAULT_FREEZE, FREEZE_CHANNELS, RTYPE_HEARTBEAT
from phonehome_wire.uplink import decode_uplink
from tests.cloud.brokers import Mosquitto


def test_a_figure_knows_its_good_side():
    """A bar is an upper or a lower one; without a bar everything holds."""
    assert Figure("bytes", 160, "B", 160).holds
    assert not Figure("bytes", 161, "B", 160).holds
    assert Figure("ratio", 0.3, "", 0.25, AT_LEAST).holds
    assert not Figure("ratio", 0.2, "", 0.25, AT_LEAST).holds
    assert Figure("rate", 1, "1/s").holds


def test_a_figure_is_four_words_in_json():
    """Programs read figure, value, unit and bar."""
    assert Figure("bytes", 5, "B").as_dict() == {
        "figure": "bytes",
        "value": 5,
        "unit": "B",
        "bar": None,
    }


def test_reports_are_authentic_and_never_repeated():
    """Each report of the load is signed for its device and has records of its own."""
    reporter = Reporter()
    key = up_key(reporter.key, bytes.fromhex(reporter.device))
    messages = [reporter.heartbeat(), reporter.faults(64), reporter.faults(1), reporter.report()]
    uplinks = [decode_uplink(unseal(message, key)) for message in messages]
    seqs = [record.seq for uplink in uplinks for record in uplink.records]
    assert seqs == list(range(67))
    assert all(record.defect is None for uplink in uplinks for record in uplink.records)


def test_appliances_report_heartbeats_and_faults_in_turn():
    """The load is half of each, the faults with a whole freeze frame."""
    reporter = Reporter()
    key = up_key(reporter.key, bytes.fromhex(reporter.device))
    heartbeat, fault = (decode_uplink(unseal(reporter.report(), key)).records[0] for _ in range(2))
    assert heartbeat.rtype == RTYPE_HEARTBEAT
    assert len(fault.body[FAULT_FREEZE][FREEZE_CHANNELS]) == 8


async def start_echo(children):
    """A bare server; returns its address."""
    argv = [sys.executable, "-m", "phonehome_tools.bench.echo"]
    process = await children.start(argv, python_environment(), DEVNULL)
    line = (await process.stdout.readline()).decode()
    address = urlsplit(line.split("http=")[1].strip())
    return address.hostname, address.port


async def test_load_counts_answers():
    """Every request that was answered is counted once, and a stream that runs dry ends."""
    async with Children() as children:
        address = await start_echo(children)
        request = post(*address, b"x" * 300)
        load = await connect(*address, [iter([request] * 20)] * 3)
        answers, rate = await load.measure(30)
        assert answers == 20
        assert rate > 0
        load.close()


async def test_load_stops_at_a_refusal():
    """A server that refuses is not measured as if it had accepted."""
    async with Children() as children:
        address = await start_echo(children)
        request = post(*address, b"").replace(b"/v1/up", b"/other")
        load = await connect(*address, [iter([request])])
        with pytest.raises(ChildError, match="404"):
            await load.measure(30)
        load.close()


async def test_paced_load_counts_the_wait_for_a_free_connection():
    """Requests are due at their time: with one connection, the later ones have waited longer."""
    async with Children() as children:
        address = await start_echo(children)
        pacer = Pacer()
        await pacer.connect(*address, 1)
        latencies = await pacer.run([post(*address, b"x")] * 400, 1e6)
        pacer.close()
        assert len(latencies) == 400
        a_turn = latencies[-1] / 400  # what each would have told that waits for nobody
        assert latencies[200] > 20 * a_turn


async def test_paced_load_stops_at_a_refusal():
    """An error of the server is not counted as an answer."""
    async with Children() as children:
        address = await start_echo(children)
        pacer = Pacer()
        await pacer.connect(*address, 1)
        with pytest.raises(ChildError, match="404"):
            await pacer.run([post(*address, b"x").replace(b"/v1/up", b"/other")] * 3, 100.0)


def test_mqtt_packets_are_found_in_any_piece():
    """Whole packets are found, whatever their length needs; the rest waits for more bytes."""
    first, second = packet(0x30, b"x" * 5), packet(0x32, b"y" * 300)
    data = first + second
    assert [(data[s:e], f) for e, f, s in packets_of(data)] == [
        (b"xxxxx", 0x30),
        (b"y" * 300, 0x32),
    ]
    for cut in range(len(second)):
        assert len(list(packets_of(first + second[:cut]))) == 1


async def test_the_load_speaks_mqtt(tmp_path):
    """A real broker brings a message from one link to the other."""
    mosquitto = Mosquitto(tmp_path)
    await mosquitto.start()
    heard = asyncio.Queue()
    address = "127.0.0.1", mosquitto.port
    hello = [hello_as("one"), subscribe("a/+")]
    one = await Link.open(address, hello, heard.put_nowait)
    other = await Link.open(address, [hello_as("other")], heard.put_nowait)
    other.write(publish("a/b", b"m" * 200, 7) + publish("a/c", b"n", 8))
    async with asyncio.timeout(20):
        assert [await heard.get(), await heard.get()] == [b"m" * 200, b"n"]
    one.close()
    other.close()
    await mosquitto.stop()


@pytest.mark.timeout(300)
def test_the_bench_of_intake_runs(capsys):
    """Every figure of the table comes out; a quick look says nothing about how good it is."""
    main(["bench", "intake", "--quick", "--json"])
    names = {figure["figure"] for figure in json.loads(capsys.readouterr().out)}
    assert {"@50 reports / bare", "@256 reports / bare", "MQTT drain / no-op paho"} <= names


def test_body_length_is_read_in_any_case():
    """Header names have no case, and no length means no body."""
    assert body_length(b"HTTP/1.1 200 OK\r\nCONTENT-length: 12\r\nX: y") == 12
    assert body_length(b"HTTP/1.1 204 No Content") == 0


def test_what_cannot_run_here_is_skipped_with_its_reason(monkeypatch):
    """Without firmware the emulated Pico is left out of all benches, and it is said why."""
    monkeypatch.delenv("PHONEHOME_PICO_UF2", raising=False)
    assert "PHONEHOME_PICO" in reason_to_skip("pico") or "install" in reason_to_skip("pico")
    assert [name for name in BENCHES if reason_to_skip(name)] == ["pico"]
